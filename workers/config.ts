/** What a worker is told by its arguments and environment: one place, all faults at once. */
import path from 'node:path';
import { parseArgs } from 'node:util';
import { absoluteLocation } from '../activities/store-location.js';
import { lineageSettings, type LineageSettings } from '../activities/open-lineage/settings.js';
import { Duration, durationMs } from '../core/duration.js';
import { ConcordatError } from '../core/errors.js';
import { AuthorityId } from '../core/record.js';

export type WorkerConfig = FederationWorkerConfig | AuthorityWorkerConfig;

interface SharedConfig {
  readonly federationFolder: string;
  /** A folder, or the URL of a store on S3 (activities/store-location.ts). */
  readonly exchangeLocation: string;
  readonly environment: Readonly<Record<string, string | undefined>>;
}
export interface FederationWorkerConfig extends SharedConfig {
  readonly kind: 'federation';
  /** How long the worker of an authority may be away before a run gives up; the default of the run where absent. */
  readonly absentAfterMs?: number;
  /** Records of all members that one group of a compare takes; the default of the run where absent. */
  readonly recordsPerGroup?: number;
  /** Where events about runs go; null where no endpoint is named. */
  readonly lineage: LineageSettings | null;
}
export interface AuthorityWorkerConfig extends SharedConfig {
  readonly kind: 'authority';
  readonly authority: AuthorityId;
  /** As exchangeLocation; of this authority alone. */
  readonly privateLocation: string;
  /** Holds the folder `authorities/<id>` with the worker's keys of this authority and of no other. */
  readonly keysFolder: string;
}

/** Variables that no coordinator may be given: it would then hold what only an authority may hold. */
const authorityOnly = ['CONCORDAT_PRIVATE', 'CONCORDAT_KEYS'];

export function parseConfig(
  argv: readonly string[],
  environment: Readonly<Record<string, string | undefined>>,
): WorkerConfig {
  const { values } = parseArgs({
    args: [...argv],
    options: { authority: { type: 'string' }, federation: { type: 'boolean' } },
    strict: true,
  });
  const faults: string[] = [];
  const folder = (name: string): string => {
    const value = environment[name];
    if (value === undefined || value === '') faults.push(`${name} must name a folder`);
    return path.resolve(value ?? '.');
  };
  const location = (name: string): string => {
    const value = environment[name];
    if (value === undefined || value === '') return folder(name);
    try {
      return absoluteLocation(value, name);
    } catch (error) {
      if (!(error instanceof ConcordatError)) throw error;
      faults.push(...error.message.split('\n'));
      return '';
    }
  };
  const shared = {
    federationFolder: folder('CONCORDAT_FEDERATION'),
    exchangeLocation: location('CONCORDAT_EXCHANGE'),
    environment,
  };
  let config: WorkerConfig;
  if (values.federation === true && values.authority === undefined) {
    for (const name of authorityOnly)
      if (environment[name] !== undefined)
        faults.push(`${name} must not be given to the federation worker: it holds no keys and no private state`);
    const absentAfter = environment['CONCORDAT_ABSENT_AFTER'];
    if (absentAfter !== undefined && !Duration.safeParse(absentAfter).success)
      faults.push('CONCORDAT_ABSENT_AFTER must be a duration such as 90s or 2m');
    const perGroup = environment['CONCORDAT_COMPARE_GROUP_RECORDS'];
    if (perGroup !== undefined && !/^[1-9][0-9]{0,11}$/.test(perGroup))
      faults.push('CONCORDAT_COMPARE_GROUP_RECORDS must be a whole number of records, at least 1');
    let lineage: LineageSettings | null = null;
    try {
      lineage = lineageSettings(environment);
    } catch (error) {
      if (!(error instanceof ConcordatError)) throw error;
      faults.push(error.message);
    }
    config = {
      kind: 'federation',
      ...shared,
      lineage,
      ...(absentAfter === undefined ? {} : { absentAfterMs: durationMs(absentAfter) }),
      ...(perGroup === undefined ? {} : { recordsPerGroup: Number(perGroup) }),
    };
  } else {
    const authority = AuthorityId.safeParse(values.authority);
    if (values.federation === true || !authority.success) faults.push('give either --federation or --authority ID');
    config = {
      kind: 'authority',
      authority: authority.data ?? '',
      privateLocation: location('CONCORDAT_PRIVATE'),
      keysFolder: folder('CONCORDAT_KEYS'),
      ...shared,
    };
  }
  if (faults.length > 0)
    throw new ConcordatError('usage', `the worker cannot start:\n${faults.map((fault) => `  ${fault}`).join('\n')}`);
  return config;
}
