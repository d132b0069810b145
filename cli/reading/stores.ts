/** The stores as a command reads them: the exchange store of the federation, the private store of an authority where it lies here. */
import { access } from 'node:fs/promises';
import { createFileStore } from '../../activities/store-files.js';
import { openStore } from '../../activities/store-location.js';
import type { ObjectStore } from '../../activities/store.js';
import { readSheet, type ReviewSheet } from '../../activities/authority/review-sheet.js';
import type { Digest } from '../../core/digest.js';
import type { AuthorityId } from '../../core/record.js';
import type { Layout } from '../local/layout.js';

export function exchangeStore(layout: Layout): ObjectStore {
  return openStore(layout.exchangeLocation, 'CONCORDAT_EXCHANGE');
}

/**
 * `none`: the store is here but holds no sheet, so nobody was asked. `unreadable`: only that authority's people see it. `large`:
 * it is not looked at, because the plan is too large to be shown whole.
 */
export type SheetView =
  | { readonly kind: 'sheet'; readonly sheet: ReviewSheet }
  | { readonly kind: 'none' }
  | { readonly kind: 'unreadable' }
  | { readonly kind: 'large' };

/** What the approvers of an authority are shown: values, native calls, and what could not be written. */
export async function sheetOf(
  layout: Layout,
  authority: AuthorityId,
  dataset: string,
  plan: Digest,
): Promise<SheetView> {
  const folder = layout.privateFolder(authority);
  try {
    await access(folder);
    const sheet = await readSheet(createFileStore(folder), dataset, plan);
    return sheet ? { kind: 'sheet', sheet } : { kind: 'none' };
  } catch {
    // Not here, not permitted, or written by another version: the plan itself is in the exchange store.
    return { kind: 'unreadable' };
  }
}
