/** This authority's own copies of the agreements that it saw sealed: the head is the base that it will open with. */
import { z } from 'zod';
import { Hlc } from '../../core/clock/hlc.js';
import { Digest } from '../../core/digest.js';
import { Ref } from '../../core/messages.js';
import type { AuthorityContext } from './context.js';

const Agreement = z.strictObject({
  sequence: z.int().positive(),
  digest: Digest,
  ref: Ref,
  candidate: Digest,
  /** The Seal document, under this authority's own prefix. */
  seal: Ref,
  hlc: Hlc,
});
export type Agreement = z.infer<typeof Agreement>;

function headName(dataset: string): string {
  return `agreements/${dataset}`;
}

export async function readAgreement(
  context: Pick<AuthorityContext, 'privateStore'>,
  dataset: string,
): Promise<{ agreement: Agreement | null; version: number }> {
  const head = await context.privateStore.readHead(headName(dataset));
  if (!head) return { agreement: null, version: 0 };
  return { agreement: Agreement.parse(JSON.parse(new TextDecoder().decode(head.bytes))), version: head.version };
}

export async function writeAgreement(
  context: AuthorityContext,
  dataset: string,
  version: number,
  agreement: Agreement,
): Promise<boolean> {
  return context.privateStore.compareAndSetHead(
    headName(dataset),
    version,
    new TextEncoder().encode(JSON.stringify(agreement)),
  );
}
