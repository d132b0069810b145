/**
 * The write journal: an intent before every write and a receipt after it, durable, under the permit and the operation.
 * It is what makes a commit idempotent over a crash at any point; a workflow id alone could not.
 */
import { Receipt } from '../../core/receipt.js';
import type { Digest } from '../../core/digest.js';
import type { AuthorityContext } from './context.js';

function entryName(permit: Digest, operation: Digest, part: 'intent' | 'receipt'): string {
  return `journal/${permit}/${operation}/${part}`;
}

/** Returns whether an earlier attempt of this very operation had announced itself already. */
export async function keepIntent(
  context: AuthorityContext,
  permit: Digest,
  operation: Digest,
): Promise<{ readonly announcedBefore: boolean }> {
  const isNew = await context.privateStore.putIfAbsent(
    entryName(permit, operation, 'intent'),
    new TextEncoder().encode(JSON.stringify({ atMs: context.now() })),
  );
  return { announcedBefore: !isNew };
}

export async function hadIntent(context: AuthorityContext, permit: Digest, operation: Digest): Promise<boolean> {
  return (await context.privateStore.get(entryName(permit, operation, 'intent'))) !== null;
}

export async function readReceipt(
  context: Pick<AuthorityContext, 'privateStore'>,
  permit: Digest,
  operation: Digest,
): Promise<Receipt | null> {
  const bytes = await context.privateStore.get(entryName(permit, operation, 'receipt'));
  return bytes ? (Receipt.parse(JSON.parse(new TextDecoder().decode(bytes))) as Receipt) : null;
}

/** The first receipt stands: a second attempt cannot tell another story. */
export async function keepReceipt(
  context: AuthorityContext,
  permit: Digest,
  answer: Omit<Receipt, 'hlc'>,
): Promise<Receipt> {
  const receipt: Receipt = { ...answer, hlc: await context.clock.stamp() };
  const isNew = await context.privateStore.putIfAbsent(
    entryName(permit, receipt.operation, 'receipt'),
    new TextEncoder().encode(JSON.stringify(receipt)),
  );
  return isNew ? receipt : ((await readReceipt(context, permit, receipt.operation)) ?? receipt);
}
