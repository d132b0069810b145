/** How far the members of a dataset are with what a run asks of them, as far as this person may see it. */
import { watchSteps, type StepUnderWay } from '../temporal/steps-under-way.js';
import type { FederationSession } from './federation-session.js';

/** Each call looks once, and never throws. */
export function stepsOf(
  { connection, name, federation }: FederationSession,
  dataset: string,
): () => Promise<readonly StepUnderWay[]> {
  const authorities = federation.datasets[dataset]?.members ?? [];
  return watchSteps({ connection, federation: name, dataset, authorities });
}

/** As documents of `--json` show them. */
export function stepDocument({ authority, progress, leftMs }: StepUnderWay): object {
  const { kind } = progress;
  const done = kind === 'writing' ? progress.done : progress.objects;
  return { authority, kind, done, of: kind === 'reading' ? null : progress.of, leftMs };
}
