/** The write journal of an authority as it lies on disk: `journal/<permit>/<operation>/intent` and `…/receipt`. */
import { createFileStore } from '../../../activities/store-files.js';

export interface JournalOnDisk {
  readonly receipts: readonly string[];
  /** Announced, and no receipt yet. */
  readonly unanswered: readonly string[];
}

export async function readJournal(privateFolder: string): Promise<JournalOnDisk> {
  const names = await createFileStore(privateFolder).list('journal/');
  const receipts = names.filter((name) => name.endsWith('/receipt'));
  const answered = new Set(receipts.map((name) => name.replace(/receipt$/, 'intent')));
  return { receipts, unanswered: names.filter((name) => name.endsWith('/intent') && !answered.has(name)) };
}
