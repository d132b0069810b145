/**
 * What the clouds do on their own between the first and the second run, as in the demo (sandbox/story.ts), here through their
 * own APIs. Changes of a cloud that is missing are left out.
 */
import { cast } from '../../../sandbox/story.js';
import type { Population } from '../../../sandbox/population.js';
import { idIn, type Cloud } from './cloud.js';
import type { CloudId, Model, ModelPerson } from './model.js';

export interface Actors {
  readonly renamed: ModelPerson;
  readonly leaver: ModelPerson;
  readonly newMember: ModelPerson;
  readonly disputed: ModelPerson;
  readonly torn: ModelPerson;
}

/** `others` are people of whom the story tells nothing. */
export function castOf(population: Population, model: Model): { actors: Actors; others: readonly ModelPerson[] } {
  const [renamed, leaver, newMember, disputed, torn, ...others] = cast(population).flatMap(
    ({ number }) => model.numbered.get(number) ?? [],
  );
  if (!renamed || !leaver || !newMember || !disputed || !torn) throw new Error('too few people for the story');
  return { actors: { renamed, leaver, newMember, disputed, torn }, others };
}

/** Changes clouds and model. Returns the divergences that must be found: these and no others. */
export async function tellTheStory(
  clouds: readonly Cloud[],
  model: Model,
  { renamed, leaver, newMember, disputed, torn }: Actors,
): Promise<readonly string[]> {
  const [aws, azure, sov] = (['aws', 'azure', 'sov'] as const).map((id) => clouds.find((cloud) => cloud.id === id));
  const idOf = async (cloud: Cloud, person: ModelPerson): Promise<string> => idIn(await cloud.read(), person);
  const found: string[] = [];
  const changedTeams: [handle: string, id: CloudId][] = [];

  if (azure) {
    const displayName = `${renamed.displayName}-Laurent`;
    await azure.change(await idOf(azure, renamed), { displayName });
    renamed.displayName = displayName;
    found.push('changed person displayName because of azure');

    const joiner = newcomer('Nadia Benali');
    await azure.add(joiner);
    model.people.add(joiner);
    found.push('missing person itself because of azure');
  }
  if (aws) {
    await aws.remove(await idOf(aws, leaver));
    model.people.delete(leaver);
    for (const team of model.teams) if (team.members.delete(leaver)) changedTeams.push([team.handle, 'aws']);
    found.push('deleted person itself because of aws');
  }
  if (sov) {
    const team = model.teams.find(({ members }) => !members.has(newMember));
    if (!team) throw new Error('the population has no team for the story');
    await sov.join(await idOf(sov, newMember), team.handle);
    team.members.add(newMember);
    changedTeams.push([team.handle, 'sov']);
  }
  if (aws && azure) {
    const [local = ''] = disputed.mail.split('@');
    await aws.change(await idOf(aws, disputed), { mail: `${local}.aws@example.org` });
    await azure.change(await idOf(azure, disputed), { mail: `${local}.new@example.org` });
    disputed.mail = `${local}.new@example.org`;
    // Whoever still has the old value is a side of it too.
    found.push(`conflict person mail because of ${clouds.map(({ id }) => id).join(' and ')}`);
  }
  if (azure && sov) {
    const displayName = `${torn.displayName} (on leave)`;
    await azure.change(await idOf(azure, torn), { displayName });
    await sov.remove(await idOf(sov, torn));
    torn.displayName = displayName;
    found.push('editedAndDeleted person itself because of azure and sov');
  }
  for (const team of new Set(changedTeams.map(([handle]) => handle))) {
    const because = changedTeams.filter(([handle]) => handle === team).map(([, id]) => id);
    found.push(`elementsChanged team members because of ${because.join(' and ')}`);
  }
  return found;
}

/** Somebody who begins in one cloud, with nothing but a name and a mail. */
export function newcomer(displayName: string): ModelPerson {
  const mail = `${displayName.toLowerCase().replaceAll(' ', '.')}@example.org`;
  return { displayName, mail, employeeId: null, department: null, active: true };
}
