/** The marker of the next page; the one place that decides whether a list has ended. */
import { ConcordatError } from '../../../core/errors.js';

export interface Paged {
  readonly IsTruncated?: boolean | undefined;
  readonly Marker?: string | undefined;
}

/**
 * undefined where the list has ended. Throws `unexpectedAnswer` for a page that says it is not the last and gives no
 * way on: taken for the end it would make everything after it look deleted.
 */
export function nextMarker(action: string, page: Paged, current: string | undefined): string | undefined {
  if (page.IsTruncated !== true) return undefined;
  if (page.Marker === undefined || page.Marker === '' || page.Marker === current) {
    throw new ConcordatError('unexpectedAnswer', `${action} answered a page that is not the last and leads nowhere`);
  }
  return page.Marker;
}
