/** Where a federation keeps its things on this machine, unless the environment says otherwise. */
import path from 'node:path';
import { absoluteLocation } from '../../activities/store-location.js';
import type { AuthorityId } from '../../core/record.js';

export interface Layout {
  readonly federationFolder: string;
  /** What authorities expose to each other: sealed segments, documents, signed messages. A folder, or the URL of a store on S3. */
  readonly exchangeLocation: string;
  /** Native pages, journal, decisions and links of one authority; readable by its own worker and approvers. */
  readonly privateFolder: (authority: AuthorityId) => string;
  /** Holds `authorities/<id>/<use>.key.json` and `approvers/<id>.key.json`. */
  readonly keysFolder: string;
}

export function layoutOf(federationFolder: string, environment: Readonly<Record<string, string | undefined>>): Layout {
  const given = (name: string, fallback: string): string => path.resolve(environment[name] || fallback);
  const privateRoot = given('CONCORDAT_PRIVATE_ROOT', path.join(federationFolder, '.concordat', 'private'));
  return {
    federationFolder,
    exchangeLocation: absoluteLocation(
      environment['CONCORDAT_EXCHANGE'] || path.join(federationFolder, '.concordat', 'exchange'),
      'CONCORDAT_EXCHANGE',
    ),
    privateFolder: (authority) => path.join(privateRoot, authority),
    keysFolder: given('CONCORDAT_KEYS', path.join(federationFolder, 'keys')),
  };
}
