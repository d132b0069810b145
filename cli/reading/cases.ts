/** Open cases of a dataset: which record could be which, with the fields that its members expose. */
import type { Case } from '../../core/correlation-cases.js';
import type { Digest } from '../../core/digest.js';
import { ConcordatError } from '../../core/errors.js';
import type { AuthorityId, Fields } from '../../core/record.js';
import { casesOf } from './plan-report.js';
import { recordsOf, type FederationSession } from './federation-session.js';
import { findPlan } from './find-run.js';
import { one } from './references.js';

export interface CaseRecord {
  readonly authority: AuthorityId;
  readonly key: string;
  /** null where the snapshot is not readable here. */
  readonly fields: Fields | null;
}

export interface OpenCase {
  readonly number: number;
  readonly case: Case;
  readonly record: CaseRecord;
  readonly candidates: readonly (CaseRecord & { readonly number: number })[];
}

export interface OpenCases {
  readonly dataset: string;
  readonly plan: Digest;
  readonly cases: readonly OpenCase[];
}

export async function openCases(session: FederationSession, dataset: string): Promise<OpenCases> {
  const { federation, exchange, runs } = session;
  const found = await findPlan(runs, federation, exchange, dataset);
  const cases = await casesOf(exchange, found.digest);
  const records = await recordsOf(session, found);
  const readRecord = async (authority: AuthorityId, type: string, key: string): Promise<CaseRecord> => {
    try {
      return { authority, key, fields: (await records.fields(authority, type, key)) ?? null };
    } catch (error) {
      if (!(error instanceof ConcordatError)) throw error;
      return { authority, key, fields: null };
    }
  };
  return {
    dataset,
    plan: found.digest,
    cases: await Promise.all(
      cases.map(async (own, position) => ({
        number: position + 1,
        case: own,
        record: await readRecord(own.authority, own.type, own.record),
        candidates: await Promise.all(
          own.candidates.map(async ({ authority, key }, at) => ({
            number: at + 1,
            ...(await readRecord(authority, own.type, key)),
          })),
        ),
      })),
    ),
  };
}

/**
 * The case that is meant, in whichever dataset it lies, and the candidate; without one all of them, and the record itself
 * where it has none. Throws usage where there is none or several.
 */
export async function findCase(
  session: FederationSession,
  caseWord: string,
  candidateWord: string | undefined,
  named: string | undefined,
): Promise<{ readonly dataset: string; readonly found: OpenCase; readonly candidates: readonly CaseRecord[] }> {
  const datasets = named === undefined ? Object.keys(session.federation.datasets) : [named];
  const all: { readonly dataset: string; readonly found: OpenCase }[] = [];
  for (const dataset of datasets) {
    try {
      all.push(...(await openCases(session, dataset)).cases.map((found) => ({ dataset, found })));
    } catch (error) {
      // A dataset that never had a run has no cases.
      if (!(error instanceof ConcordatError) || error.code !== 'notFound') throw error;
    }
  }
  if (all.length === 0)
    throw new ConcordatError('notFound', 'there is no open case; what is linked already needs no decision');
  const isNumber = /^\d{1,6}$/.test(caseWord);
  const matching = all.filter(({ found }) =>
    isNumber
      ? found.number === Number(caseWord)
      : caseWord.length >= 4 && found.case.id.startsWith(caseWord.toLowerCase()),
  );
  const [only, ...more] = matching;
  if (!only)
    throw new ConcordatError(
      'usage',
      `there is no case ${caseWord}; see \`concordat cases\`, which may be newer than your list`,
    );
  if (more.length > 0)
    throw new ConcordatError(
      'usage',
      `case ${caseWord} could be several; name the dataset with --dataset, or write more of its digest`,
    );
  const { candidates } = only.found;
  if (candidateWord === undefined)
    return { ...only, candidates: candidates.length > 0 ? candidates : [only.found.record] };
  const candidate = /^\d{1,6}$/.test(candidateWord)
    ? candidates.find(({ number }) => number === Number(candidateWord))
    : one(candidates, candidateWord.replace(/^~/, ''), 'candidate', ({ key }) => key.replace(/^~/, ''));
  if (!candidate)
    throw new ConcordatError(
      'usage',
      `case ${caseWord} has no candidate ${candidateWord}; it has ${candidates.length}`,
    );
  return { ...only, candidates: [candidate] };
}
