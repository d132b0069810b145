/**
 * What deciding on a plan of very many operations takes, step by step, each in a process of its own: `concordat approve` of all
 * of it up to the signature, an authority that takes two such decisions and closes its review, the permit of all reviews, and the
 * gate's last count of decisions. Half of the operations are of each of two authorities. Over a file store, without Temporal.
 *
 *   npx tsc -p bench/bulk/tsconfig.json
 *   node node_modules/.cache/concordat-bench/bench/bulk/bulk.js [operations] [--json file]
 */
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { loadavg, tmpdir } from 'node:os';
import path from 'node:path';
import type { AuthorityContext } from '../../activities/authority/context.js';
import { countingDecisions } from '../../activities/authority/decisions.js';
import { closeReview, recordDecision } from '../../activities/authority/review.js';
import { readReviewState, writeReviewState, type ReviewState } from '../../activities/authority/review-state.js';
import { putDocument } from '../../activities/exchange.js';
import { loadFederation } from '../../activities/federation-folder/load.js';
import { loadSignedFederation } from '../../activities/federation-folder/load-signed.js';
import { generateKeys } from '../../activities/keys/generate.js';
import { approverKeyFile, authorityKeyFile, readKeyFile, type PrivateKey } from '../../activities/keys/private-key.js';
import { signFolder } from '../../activities/manifests/sign-folder.js';
import { recomputePermit } from '../../activities/reviews.js';
import { SortedListWriter } from '../../activities/spilling/sorted-list-writer.js';
import { createFileStore } from '../../activities/store-files.js';
import { piecesOf } from '../../cli/deciding/pieces.js';
import { questionsOf } from '../../cli/deciding/open-questions.js';
import { signDecision } from '../../cli/deciding/sign-decision.js';
import { readPlanToDecide } from '../../cli/reading/documents.js';
import type { OpenPlan } from '../../cli/reading/open-plan.js';
import { canonicalJson, digestOf } from '../../core/digest.js';
import type { Federation } from '../../core/federation/federation.js';
import type { LongList } from '../../core/long-list.js';
import type { Ref } from '../../core/messages.js';
import type { Operation } from '../../core/operation.js';
import { lastOf } from '../../core/steps.js';
import { federationFiles } from '../whole-run/three-schemas.js';

const members = ['alpha', 'beta'] as const;
type Member = (typeof members)[number];
const dataset = 'parcels';
const people = ['you', 'second'];

/** With digests that nothing else is made from: what is measured here holds ids and never computes one. */
function operationAt(authority: Member, at: number): Operation {
  const id = createHash('sha256').update(`${authority} ${at}`).digest('hex');
  return {
    id,
    authority,
    type: 'parcel',
    key: id,
    kind: 'update',
    changes: [{ kind: 'value', field: 'weight', before: String(at), after: `${at}0` }],
    rule: 'changedOnOneSide',
    because: ['gamma'],
    expects: id,
    leaves: id,
  };
}

function operationsOf(authorities: readonly Member[], each: number): LongList<Operation> {
  const writer = new SortedListWriter((text) => JSON.parse(text) as Operation);
  for (const authority of authorities)
    for (let at = 0; at < each; at += 1) writer.put('', canonicalJson(operationAt(authority, at)));
  return lastOf(writer.finish());
}

interface Setting {
  readonly folder: string;
  readonly each: number;
  readonly plan: string;
}

const folderOf = ({ folder }: Setting): string => path.join(folder, 'federation');
const exchangeOf = ({ folder }: Setting) => createFileStore(path.join(folder, 'exchange'));
const noted = ({ folder }: Setting, name: string): string => path.join(folder, `${name}.json`);

async function federationOf(setting: Setting): Promise<Federation> {
  const loaded = await loadSignedFederation(folderOf(setting));
  if (loaded.kind !== 'valid') throw new Error(JSON.stringify(loaded));
  return loaded.federation;
}

async function keyIn(file: string): Promise<PrivateKey> {
  const key = await readKeyFile(file);
  if (!key) throw new Error(`there is no key in ${file}`);
  return key;
}

async function contextOf(setting: Setting, id: Member): Promise<AuthorityContext> {
  return {
    id,
    federation: await federationOf(setting),
    exchange: exchangeOf(setting),
    privateStore: createFileStore(path.join(setting.folder, id)),
    signingKey: await keyIn(authorityKeyFile(folderOf(setting), id, 'messages')),
    now: () => Date.now(),
    clock: { stamp: () => Promise.resolve('0'.repeat(16)) },
  } as unknown as AuthorityContext;
}

/** The steps, by name. What a later one needs of an earlier one lies in the folder. */
const steps: Readonly<Record<string, (setting: Setting) => Promise<void>>> = {
  approve: async (setting) => {
    const federation = await federationOf(setting);
    const plan = await readPlanToDecide(exchangeOf(setting), setting.plan);
    const open = { plan, view: { sheets: {} }, found: { digest: setting.plan } } as unknown as OpenPlan;
    const status = { stage: 'waiting', operations: setting.each };
    const reviews = members.flatMap((authority) => [
      { authority, approver: 'you', review: { kind: 'open', status } as never },
    ]);
    const context = { federation: federation.file.federation, dataset, plan: setting.plan, nowMs: Date.now() };
    const signed: Record<string, string[]> = {};
    for (const question of questionsOf(open, reviews, { only: [], choose: [] })) {
      const [piece, ...more] = piecesOf(question);
      if (!piece || more.length > 0) throw new Error('one decision would have been enough');
      for (const approver of people) {
        const { jws } = await signDecision({ ...question, approver }, piece, { kind: 'approve' }, context, await keyIn(approverKeyFile(folderOf(setting), approver))); // prettier-ignore
        (signed[question.authority] ??= []).push(jws);
      }
    }
    writeFileSync(noted(setting, 'signed'), JSON.stringify(signed));
  },
  decide: async (setting) => {
    const signed = JSON.parse(readFileSync(noted(setting, 'signed'), 'utf8')) as Record<Member, string[]>;
    const reviews: Ref[] = [];
    for (const id of members) {
      const context = await contextOf(setting, id);
      for (const jws of signed[id])
        await recordDecision(context, { dataset, plan: setting.plan, envelope: { plan: setting.plan, jws } });
      const closed = await closeReview(context, { dataset, plan: setting.plan, outcome: 'tally', code: null });
      if (closed.approved !== setting.each) throw new Error(JSON.stringify(closed));
      reviews.push(closed.review);
    }
    writeFileSync(noted(setting, 'reviews'), JSON.stringify(reviews));
  },
  permit: async (setting) => {
    const federation = await federationOf(setting);
    const reviews = JSON.parse(readFileSync(noted(setting, 'reviews'), 'utf8')) as Ref[];
    const operations = operationsOf(members, setting.each);
    const recomputed = {
      messages: { members, shape: { dataset: { commit: 'permitted' } } },
      plan: { dataset, operations, conflicts: [] },
      planDigest: setting.plan,
    } as unknown as Parameters<typeof recomputePermit>[3];
    const { permit } = await recomputePermit(federation, exchangeOf(setting), reviews, recomputed);
    const count = Object.values(permit.operations).reduce((sum, ids) => sum + ids.length, 0);
    if (count !== 2 * setting.each) throw new Error(`it permits ${count}`);
    await putDocument(exchangeOf(setting), 'federation', permit);
  },
  count: async (setting) => {
    const context = await contextOf(setting, 'alpha');
    const state = await readReviewState(context, dataset);
    if (!state) throw new Error('there is no review');
    for (let line = 0; line < 3; line += 1)
      await countingDecisions(context, dataset, setting.plan, state.scope, true, digestOf('permit'));
  },
};

async function makeFederation(folder: string): Promise<void> {
  for (const [name, text] of Object.entries(federationFiles('bulk', 1_000))) {
    mkdirSync(path.dirname(path.join(folder, name)), { recursive: true });
    writeFileSync(
      path.join(folder, name),
      text.replace('[{ id: you }]', `[${people.map((id) => `{ id: ${id} }`).join(', ')}]`),
    );
  }
  for (const work of [
    (federation: Federation) => generateKeys(folder, federation, {}),
    (federation: Federation) => signFolder(folder, federation),
  ]) {
    const loaded = await loadFederation(folder);
    if (loaded.kind !== 'valid') throw new Error(JSON.stringify(loaded));
    await work(loaded.federation);
  }
}

async function prepare(setting: Omit<Setting, 'plan'>): Promise<Setting> {
  await makeFederation(folderOf(setting as Setting));
  const plan = await putDocument(exchangeOf(setting as Setting), 'federation', {
    algorithm: 'concordat-plan/1',
    dataset,
    configuration: digestOf('configuration'),
    base: null,
    standing: digestOf('standing'),
    correlation: digestOf('correlation'),
    operations: operationsOf(members, setting.each),
    conflicts: [],
    divergences: [],
    cases: [],
    incomplete: [],
    absent: [],
  });
  const whole: Setting = { ...setting, plan: plan.sha256 };
  for (const id of members) {
    const context = await contextOf(whole, id);
    const state: ReviewState = {
      plan: plan.sha256,
      scope: { operations: operationsOf([id], setting.each), conflicts: [] },
      refused: [],
      quorum: 2,
      braked: true,
      authors: {},
      openedAtMs: Date.now(),
      askedAtMs: {},
    };
    await writeReviewState(context, dataset, state);
  }
  return whole;
}

const [first = '1000000', ...rest] = process.argv.slice(2);
if (first === '--step') {
  const [step = '', setting = ''] = rest;
  const began = performance.now();
  await steps[step]?.(JSON.parse(setting) as Setting);
  const { maxRSS, userCPUTime, systemCPUTime } = process.resourceUsage();
  console.log(
    JSON.stringify({
      step,
      peakMb: Math.round(maxRSS / 1024),
      processorSeconds: Math.round((userCPUTime + systemCPUTime) / 1e5) / 10,
      seconds: Math.round((performance.now() - began) / 100) / 10,
    }),
  );
} else {
  const folder = mkdtempSync(path.join(tmpdir(), 'concordat-bulk-'));
  try {
    const setting = await prepare({ folder, each: Number(first) / 2 });
    const told: unknown[] = [];
    const loads = [loadavg()[0] ?? 0];
    for (const step of Object.keys(steps)) {
      const own = process.argv[1] ?? '';
      const { stdout, stderr, status } = spawnSync(process.execPath, [own, '--step', step, JSON.stringify(setting)], {
        encoding: 'utf8',
      });
      if (status !== 0) throw new Error(`${step}: ${stderr}`);
      console.error(stdout.trim());
      told.push(JSON.parse(stdout));
      loads.push(loadavg()[0] ?? 0);
    }
    const result = { node: process.version, operations: Number(first), loads, steps: told };
    console.log(JSON.stringify(result, null, 2));
    const at = rest.indexOf('--json');
    if (at >= 0) writeFileSync(rest[at + 1] ?? '', `${JSON.stringify(result, null, 2)}\n`);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
