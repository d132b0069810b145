/** The terms of approval of an authority: nothing may be asked for that its approvers could never give. */
import { electorateOf } from '../approval/electorate.js';
import { requirementOf, type Subject } from '../approval/requirement.js';
import { anyRole } from '../approval/terms.js';
import { shortfall } from '../approval/voices.js';
import { quorumOf } from '../brakes.js';
import { durationMs } from '../duration.js';
import type { Authority } from './authority.js';
import { faultAt, type FaultPath, type PathFault } from './fault.js';
import { suggestion } from './nearest.js';
import { isBroken, repeatedAt, typeNames, typeOf, type FederationParts, type Located } from './parts.js';

export function checkApproval(parts: FederationParts, located: Located<Authority>): readonly PathFault[] {
  const roles = checkRoles(located);
  const rules = checkRules(parts, located);
  return [
    ...checkApprovers(located),
    ...checkQuorum(located),
    ...roles,
    ...rules,
    // Which combination is out of reach says nothing while single rules are.
    ...(rules.length === 0 ? checkReach(parts, located) : []),
    ...checkSeparation(located),
    ...checkTimes(located),
  ];
}

function checkApprovers({ file, value }: Located<Authority>): readonly PathFault[] {
  return [
    ...repeatedAt(value.approvers, (approver) => approver.id).map((at) =>
      faultAt(file, ['approvers', at, 'id'], 'is an approver already; each person is listed once'),
    ),
    ...repeatedAt(value.approvers, (approver) => approver.key?.x).map((at) =>
      faultAt(file, ['approvers', at, 'key'], 'is the key of another approver: one person could count as two'),
    ),
  ];
}

function checkQuorum({ file, value }: Located<Authority>): readonly PathFault[] {
  const faults: PathFault[] = [];
  const { quorum, quorumWhenBraked } = value.approval;
  const approvers = value.approvers.length;
  const have = `there ${approvers === 1 ? 'is 1 approver' : `are ${approvers} approvers`}`;
  if (quorum > approvers)
    faults.push(
      faultAt(file, ['approval', 'quorum'], `needs ${quorum} approvals but ${have}; nothing could ever be approved`),
    );
  if (quorumWhenBraked !== undefined && quorumWhenBraked < quorum)
    faults.push(faultAt(file, ['approval', 'quorumWhenBraked'], `must not be smaller than the quorum (${quorum})`));
  const braked = quorumWhenBraked ?? quorum + 1;
  if (braked > approvers && quorum <= approvers && (quorumWhenBraked !== undefined || hasBrakes(value)))
    faults.push(
      faultAt(
        file,
        ['approval', 'quorumWhenBraked'],
        `needs ${braked} approvals once a brake trips${quorumWhenBraked === undefined ? ' (the quorum plus one where it is not given)' : ''} but ${have}`,
      ),
    );
  return faults;
}

function hasBrakes(authority: Authority): boolean {
  return Object.keys(authority.constraints.brakes).length > 0;
}

function checkRoles({ file, value }: Located<Authority>): readonly PathFault[] {
  return value.approvers.flatMap(({ roles }, at) => [
    ...roles.flatMap((role, position) =>
      role === anyRole
        ? [faultAt(file, ['approvers', at, 'roles', position], 'is no role: in quorums it counts people of all roles')]
        : [],
    ),
    ...repeatedAt(roles, (role) => role).map((position) =>
      faultAt(file, ['approvers', at, 'roles', position], 'is listed already'),
    ),
  ]);
}

function checkRules(parts: FederationParts, { file, value }: Located<Authority>): readonly PathFault[] {
  const known = rolesHeld(value);
  return value.approval.quorums.flatMap(({ for: about, need }, at) => {
    const path: FaultPath = ['approval', 'quorums', at];
    const faults: PathFault[] = [...checkAbout(parts, file, [...path, 'for'], about)];
    if (Object.keys(need).length === 0)
      faults.push(faultAt(file, [...path, 'need'], 'asks for nobody; write such as { security: 1, any: 2 }'));
    for (const [role, count] of Object.entries(need)) {
      const holders = role === anyRole ? value.approvers.length : (known.get(role) ?? 0);
      if (holders === 0)
        faults.push(
          faultAt(
            file,
            [...path, 'need', role],
            `no approver has the role "${role}", so this could never be approved; ${suggestion(role, [...known.keys()])}`,
            'key',
          ),
        );
      else if (holders < count)
        faults.push(
          faultAt(
            file,
            [...path, 'need', role],
            role === anyRole
              ? `needs ${count} people but there ${holders === 1 ? 'is 1 approver' : `are ${holders} approvers`}`
              : `needs ${count} people with the role ${role} but ${holders} ${holders === 1 ? 'has' : 'have'} it`,
          ),
        );
    }
    return faults;
  });
}

function checkAbout(
  parts: FederationParts,
  file: string,
  path: FaultPath,
  { type: name, field }: Authority['approval']['quorums'][number]['for'],
): readonly PathFault[] {
  if (name === undefined) {
    const everywhere = parts.taxonomy.flatMap(({ value }) => Object.keys(value.fields));
    return field === undefined || everywhere.includes(field) || parts.broken.length > 0
      ? []
      : [faultAt(file, [...path, 'field'], `no type has a field "${field}"; ${suggestion(field, everywhere)}`)];
  }
  const type = typeOf(parts, name);
  if (!type)
    return isBroken(parts, 'taxonomy', name)
      ? []
      : [faultAt(file, [...path, 'type'], `no type "${name}" in taxonomy/; ${suggestion(name, typeNames(parts))}`)];
  const fields = Object.keys(type.value.fields);
  return field === undefined || fields.includes(field)
    ? []
    : [faultAt(file, [...path, 'field'], `${type.file} has no field "${field}"; ${suggestion(field, fields)}`)];
}

function rolesHeld({ approvers }: Authority): ReadonlyMap<string, number> {
  const held = new Map<string, number>();
  for (const role of approvers.flatMap(({ roles }) => [...new Set(roles)])) held.set(role, (held.get(role) ?? 0) + 1);
  return held;
}

/** Every rule alone can be met; the ones that fit together may still ask one person for two roles, or for a reserve. */
function checkReach(parts: FederationParts, { file, value }: Located<Authority>): readonly PathFault[] {
  const { quorums } = value.approval;
  const electorate = electorateOf(value, 0);
  const voices = value.approvers.map(({ id }) => ({ signer: id, of: id }));
  const lacking = (subject: Subject, braked: boolean): number =>
    shortfall(requirementOf(value, [subject], quorumOf(value, braked)), voices, electorate).people;
  const plain: Subject = { type: '', kind: 'update', fields: [] };
  const isBraked = hasBrakes(value) || value.approval.quorumWhenBraked !== undefined;
  const all = value.approvers.length;
  // With everybody counted the quorum is in reach, or checkQuorum says so; here it is about those who count at once.
  if (electorate.reserve.size > 0 && value.approval.quorum <= all && lacking(plain, false) > 0)
    return [
      faultAt(
        file,
        ['approval', 'quorum'],
        `needs ${value.approval.quorum} approvals, but all the roles of ${[...electorate.reserve].join(', ')} count only once they are escalated to; give them another role, or list more approvers`,
      ),
    ];
  if (quorumOf(value, isBraked) > all || quorums.length === 0) return [];
  for (const type of [...Object.keys(value.surface), '']) {
    const fields = Object.keys(typeOf(parts, type)?.value.fields ?? {});
    for (const kind of ['create', 'update', 'delete'] as const) {
      const subject: Subject = { type, kind, fields };
      if (lacking(subject, false) === 0 && (!isBraked || lacking(subject, true) === 0)) continue;
      const at = quorums.findLastIndex(
        ({ for: about }) =>
          (about.type ?? type) === type &&
          (about.kind ?? kind) === kind &&
          (about.field === undefined || fields.includes(about.field)),
      );
      return [
        faultAt(
          file,
          at < 0 ? ['approval', 'quorum'] : ['approval', 'quorums', at, 'need'],
          `a ${kind} of ${type === '' ? 'any type' : type} could never be approved: together with the other rules${isBraked ? ' and the brakes' : ''} it needs more different people than there are; each person counts for one role`,
        ),
      ];
    }
  }
  return [];
}

function checkSeparation({ file, value }: Located<Authority>): readonly PathFault[] {
  const [first, ...more] = value.approvers;
  if (value.approval.separationOfDuties === 'waived' || !first || more.length > 0) return [];
  return [
    faultAt(
      file,
      ['approval', 'separationOfDuties'],
      `${first.id} is the only approver and could never approve what follows from a link of their own; list another approver, or write separationOfDuties: waived`,
    ),
  ];
}

function checkTimes({ file, value }: Located<Authority>): readonly PathFault[] {
  const { deadline, reminders, escalations } = value.approval;
  const known = rolesHeld(value);
  const isLate = (time: string): boolean => !time.endsWith('%') && durationMs(time) >= durationMs(deadline);
  return [
    ...reminders.flatMap((time, at) =>
      isLate(time) ? [faultAt(file, ['approval', 'reminders', at], `comes after the deadline (${deadline})`)] : [],
    ),
    ...escalations.flatMap(({ after, to }, at) => [
      ...(isLate(after)
        ? [faultAt(file, ['approval', 'escalations', at, 'after'], `comes after the deadline (${deadline})`)]
        : []),
      ...(known.has(to)
        ? []
        : [
            faultAt(
              file,
              ['approval', 'escalations', at, 'to'],
              `no approver has the role "${to}"; ${suggestion(to, [...known.keys()])}`,
            ),
          ]),
    ]),
  ];
}
