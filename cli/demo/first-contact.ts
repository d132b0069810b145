/** Scene: the clouds meet. Records are joined, one doubt is put to a person, and the first agreements are signed. */
import { linkStatementType } from '../../core/decision.js';
import type { Case } from '../../core/correlation-cases.js';
import { signCompact } from '../../activities/keys/sign.js';
import { ConcordatError } from '../../core/errors.js';
import { byCodeUnit } from '../../core/json.js';
import type { Fields } from '../../core/record.js';
import { readSnapshots } from '../reading/documents.js';
import type { OpenPlan } from '../reading/open-plan.js';
import { valueText } from '../showing/value-text.js';
import { counted, listWords, shortDigest } from '../showing/words.js';
import { sendLink } from '../temporal/authority-workflows.js';
import { playerOf } from './cast.js';
import { approverKey } from './decide.js';
import { countMatches } from './matches.js';
import { playRun, tellResult, type PlayedRun } from './play-run.js';
import type { Setting } from './setting.js';
import { oneOfEach, tellDecisions, tellExcerpt, tellOperationCounts, tellSigned } from './tell-plan.js';

export interface DoubtfulRecord {
  readonly found: Case;
  /** The record whose place in the federation is unknown, and those it could be; alike ones of several clouds as one. */
  readonly record: Fields;
  readonly candidates: readonly {
    readonly authorities: readonly string[];
    readonly key: string;
    readonly fields: Fields;
  }[];
}

export async function meet(setting: Setting): Promise<{ readonly run: PlayedRun; readonly doubt: DoubtfulRecord }> {
  const { narrator } = setting;
  let doubt: DoubtfulRecord | undefined;
  const run = await playRun(setting, {
    tellPlan: async (open) => {
      await tellMatches(setting, open);
      doubt = await tellCase(setting, open);
      narrator.say(`Plan ${shortDigest(open.view.digest)} proposes to fill the gaps. First contact never deletes:`);
      tellOperationCounts(setting, open);
      narrator.say('For example, with the calls that the approvers of that cloud see:');
      tellExcerpt(setting, open.view, { operations: oneOfEach(open.view.operations, 3) });
    },
    choose: ({ conflict }) => {
      throw new ConcordatError('storyFailed', `first contact left ${conflict.field ?? 'a record'} in conflict`);
    },
    tellDecisions: (decisions, open) => {
      tellDecisions(setting, decisions, open);
      const [first] = decisions;
      if (first) tellSigned(setting, first);
    },
  });
  tellResult(setting, run);
  narrator.say('Histories hold digests and counts; the records stay in the stores of those who may see them.');
  if (!doubt) throw new ConcordatError('notFound', 'the plan of the first run has no case');
  return { run, doubt };
}

async function tellMatches({ narrator, session, dataset }: Setting, { found }: OpenPlan): Promise<void> {
  const snapshots = await readSnapshots(session.federation, session.exchange, found.snapshots);
  const read = Object.entries(snapshots).map(([authority, { types }]) => [
    authority,
    `${types.map(({ type, count }) => counted(count, type, type === 'person' ? 'people' : `${type}s`)).join(', ')}`,
  ]);
  narrator.say('Each worker read its own cloud, translated what it exposes, sealed and signed it:');
  narrator.rows(read);
  const declared = session.federation.datasets[dataset];
  if (!declared) return;
  narrator.say('The rules of the dataset joined them. A display name never joins anybody:');
  narrator.rows(
    (await countMatches(session.exchange, declared, snapshots)).map(({ type, rule, records, everywhere }) => [
      counted(records, type, type === 'person' ? 'people' : `${type}s`),
      rule === null ? 'in one cloud only' : `by ${rule.join(' and ')}`,
      rule === null || everywhere === records
        ? ''
        : `${everywhere} in all three clouds, ${records - everywhere} in two`,
    ]),
  );
}

async function tellCase({ narrator }: Setting, { plan, records }: OpenPlan): Promise<DoubtfulRecord | undefined> {
  const [found] = plan.cases;
  if (!found) return undefined;
  const record = (await records.fields(found.authority, found.type, found.record)) ?? {};
  const alike = new Map<string, { authorities: string[]; key: string; fields: Fields }>();
  for (const { authority, key } of found.candidates) {
    const fields = (await records.fields(authority, found.type, key)) ?? {};
    const same = valueText(fields['employeeId'] ?? key);
    const seen = alike.get(same) ?? { authorities: [], key, fields };
    seen.authorities.push(authority);
    alike.set(same, seen);
  }
  const inOrder = [...alike].sort(([left], [right]) => byCodeUnit(left, right)).map(([, candidate]) => candidate);
  const doubt = { found, record, candidates: inOrder };
  narrator.say(
    `One ${found.type} of ${found.authority} could be either of two others, by ${listWords(found.rule)}. Nobody guesses: it becomes a case for a person, and all three records wait.`,
  );
  tellSideBySide({ narrator }, doubt);
  return doubt;
}

function tellSideBySide({ narrator }: Pick<Setting, 'narrator'>, { found, record, candidates }: DoubtfulRecord): void {
  const fields = [...new Set([record, ...candidates.map((one) => one.fields)].flatMap((one) => Object.keys(one)))];
  narrator.rows([
    ['field', `${found.authority}: who is it?`, ...candidates.map(({ authorities }) => listWords(authorities))],
    ...fields.map((field) => [
      field,
      field in record ? valueText(record[field]) : '(no place for it)',
      ...candidates.map((one) => valueText(one.fields[field])),
    ]),
  ]);
}

/** The approver of the authority that holds the doubtful record says who it is; a short run then brings them together. */
export async function settleCase(setting: Setting, { found, record, candidates }: DoubtfulRecord): Promise<PlayedRun> {
  const { narrator, session, dataset } = setting;
  const { approver } = playerOf(found.authority);
  const [first] = candidates;
  if (!first) throw new ConcordatError('notFound', 'the case has no candidates');
  const key = await approverKey(setting, found.authority);
  const statement = {
    kind: 'link',
    authority: found.authority,
    type: found.type,
    record: found.record,
    to: first.key,
  } as const;
  const jws = await signCompact(
    { federation: session.name, dataset, approver, statement, issuedAtMs: Date.now() },
    { typ: linkStatementType, key },
  );
  await sendLink(
    { connection: session.connection, federation: session.name, authority: found.authority, withinMs: 30_000 },
    { dataset, jws },
  );
  narrator.say(
    `${approver} of ${found.authority} knows: ${valueText(record['displayName'])} is ${valueText(first.fields['displayName'])}. She signs a link for a record of her own cloud, which no one else may do, and the next run goes on from there.`,
  );
  const run = await playRun(setting, {
    tellPlan: (open) => {
      tellExcerpt(setting, open.view, { operations: open.view.operations, conflicts: open.view.conflicts });
    },
    // More clouds know this name, and their people are asked as well.
    choose: (conflict) =>
      conflict.candidates.reduce((most, one) =>
        one.candidate.heldBy.length > most.candidate.heldBy.length ? one : most,
      ),
    tellDecisions: (decisions, open) => tellDecisions(setting, decisions, open),
  });
  tellResult(setting, run);
  return run;
}
