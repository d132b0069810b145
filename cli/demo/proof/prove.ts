/** Scene: the claim is checked by other means than those that made it. Throws where a single value differs. */
import { ConcordatError } from '../../../core/errors.js';
import { visibleText } from '../../showing/value-text.js';
import { counted, shortDigest } from '../../showing/words.js';
import type { Setting } from '../setting.js';
import { compareReadings, type Comparison, type Difference } from './differences.js';
import { readClouds } from './read-clouds.js';
import { verifyAgreement, type ClaimedAgreement, type SignedAgreement } from './signed-agreement.js';

export interface Proof {
  readonly clouds: Omit<Comparison, 'differences'> & { readonly differences: 0 };
  readonly agreement: Omit<SignedAgreement, 'reading'>;
}

const differencesShown = 10;

export async function prove(setting: Setting, claimed: ClaimedAgreement): Promise<Proof> {
  const { narrator, sandbox, session, dataset } = setting;
  narrator.say(
    'Now without Concordat: the three clouds are read again from their own state, by code that shares nothing with connectors, maps and links, and people are told apart by employee id or mail.',
  );
  const clouds = await readClouds(sandbox);
  narrator.rows(
    clouds.map(({ holder, people, teams }) => [
      holder,
      counted(people.length, 'person', 'people'),
      counted(teams.length, 'team'),
      counted(
        teams.reduce((sum, { members }) => sum + members.length, 0),
        'membership',
      ),
    ]),
  );
  const among = compareReadings(clouds);
  refuseDifferences(setting, among.differences, 'the clouds');
  narrator.say(
    `Mail, name, employee id, department, state and membership of ${counted(among.people, 'person', 'people')} and ${counted(among.teams, 'team')}: ${counted(among.values, 'value')} compared, 0 differences.`,
  );

  const { reading, ...agreement } = await verifyAgreement(session.federation, session.exchange, dataset, claimed);
  narrator.say(
    `Agreement ${agreement.sequence}, verified as any outsider could, with the public keys that the signed manifests name: ${counted(agreement.signers.length, 'signature')} over one candidate ${shortDigest(agreement.candidate)}, which names the base ${shortDigest(agreement.base)}.`,
  );
  narrator.rows(
    agreement.signers.map(({ authority, key, message }) => [
      authority,
      `key ${key}`,
      `message ${shortDigest(message)}`,
    ]),
  );
  const { differences } = compareReadings([...clouds, reading]);
  refuseDifferences(setting, differences, 'the clouds and the signed agreement');
  narrator.say('What they signed, record by record, is what each cloud holds: 0 differences.');
  return { clouds: { ...among, differences: 0 }, agreement };
}

function refuseDifferences({ narrator }: Setting, differences: readonly Difference[], between: string): void {
  if (differences.length === 0) return;
  narrator.rows(
    differences.slice(0, differencesShown).map(({ type, id, field, values }) => [
      `${type} ${visibleText(id)}`,
      field,
      Object.entries(values)
        .map(([holder, value]) => `${holder}: ${visibleText(value)}`)
        .join('  '),
    ]),
  );
  if (differences.length > differencesShown) narrator.lines([`… and ${differences.length - differencesShown} more`]);
  throw new ConcordatError(
    'storyFailed',
    `the proof failed: ${counted(differences.length, 'difference')} between ${between}`,
  );
}
