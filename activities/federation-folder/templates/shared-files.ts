/** The files of a new federation folder that no mesh decides: members, taxonomy, dataset, and the frame of an authority. */
import type { MeshContext, MeshTemplate } from './mesh-template.js';

export function federationText(name: string, authorities: readonly string[]): string {
  return `# Who belongs. \`concordat keys generate\` writes each member's public key here: the pin by which the
# others recognise what it signs.
federation: ${name}
members:
${authorities.map((id) => `  - id: ${id}\n`).join('')}`;
}

export const personText = `# A person, in words that all members share. Each field says what it is and when two values are the same.
type: person
# What people see in plans. Never used to join records: two people may share a name.
label: displayName
fields:
  displayName:
    kind: text
    sensitivity: personal
  mail:
    kind: text
    equality: caseInsensitive
    sensitivity: personal
  employeeId:
    kind: text
    sensitivity: personal
  department:
    kind: text
  active:
    kind: boolean
`;

export const teamText = `# A team and who is in it.
type: team
fields:
  handle:
    kind: text
    description: the short name, unique in each mesh
  description:
    kind: text
  members:
    kind: set
    of: person
`;

export function datasetText(dataset: string, authorities: readonly string[]): string {
  return `# What the members keep in agreement, and how their records are joined.
dataset: ${dataset}
types: [person, team]
members: [${authorities.join(', ')}]
# In order: the first rule that finds a candidate decides. One candidate links two records; several are a
# case for a person to settle.
correlation:
  person:
    - match: [employeeId]
    - match: [mail]
  team:
    - match: [handle]
# permitted: what each authority approved is written. allOrNothing: only where all approved everything.
commit: permitted
approval:
  # How long a run waits for reviews. An open review outlives its run.
  waitInRun: 1h
# Without a schedule, runs are started by hand.
# schedule:
#   every: 15m
`;
}

export function authorityText(template: MeshTemplate, context: MeshContext, approvers: readonly string[]): string {
  const { person, team } = template.surface;
  return `# The terms of ${context.id}: ${template.describes}. Everything but "mesh" is published to the peers, signed.
authority: ${context.id}
mesh:
${template.mesh(context)}# What peers may see. Nothing else leaves.
surface:
  person: [${person.join(', ')}]
  team: [${team.join(', ')}]
constraints:
  # A plan that changes more than this needs quorumWhenBraked approvals.
  brakes:
    person: { percentMax: 20, deletionsMax: 5 }
    team: { deletionsMax: 2 }
  freezeWindows: []
  # Records that Concordat never writes here:
  # protected:
  #   - type: team
  #     where: { handle: break-glass }
  #     reason: emergency access
  protected: []
  # How long after its start a run may still write here; at least as long as it waits for reviews.
  freshness: 2h
approval:
  quorum: 1
  # Raise this to 2 as soon as there is a second approver.
  quorumWhenBraked: 1
  # Who needs to approve what, beyond the quorum:
  # quorums:
  #   - for: { type: team, kind: delete }
  #     need: { security: 1, any: 2 }
${approvers.length === 1 ? '  # One approver links records and approves what follows. Take this away as soon as there is a second one.\n  separationOfDuties: waived\n' : ''}  deadline: 7d
  # What a passed deadline means for what is still open: expire (it is asked again) or reject (for 30 days).
  onDeadline: expire
# People whose signed decisions count. \`concordat keys generate\` writes their public keys here.
approvers:
${approvers.map((id) => `  - id: ${id}\n`).join('')}`;
}
