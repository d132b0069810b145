/** Where peers find the log of an authority in the exchange store. */
import type { AuthorityId } from '../../core/record.js';

export function publishedLog(authority: AuthorityId): string {
  return `${authority}/log`;
}
export function publishedCheckpoint(authority: AuthorityId): string {
  return `${publishedLog(authority)}/checkpoint`;
}
