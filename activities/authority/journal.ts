/**
 * The write journal: an intent before every write and a receipt after it, durable, under the permit and the operation.
 * It is what makes a commit idempotent over a crash at any point; a workflow id alone could not.
 *
 * Operations that are written together are kept together: one object announces a group, one holds its receipts. Which
 * operations are a group follows from the permit alone, so a second attempt meets the same groups.
 */
import { z } from 'zod';
import { Receipt } from '../../core/receipt.js';
import { DigestList } from '../../core/digest-list.js';
import { Digest, digestOf } from '../../core/digest.js';
import type { AuthorityContext } from './context.js';

function entryName(permit: Digest, operation: Digest, part: 'intent' | 'receipt'): string {
  return `journal/${permit}/${operation}/${part}`;
}

function groupsPrefix(permit: Digest): string {
  return `journal/${permit}/groups/`;
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

/** Of an operation that was written by itself; `Journal` knows those of groups too. */
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

const GroupIntent = z.strictObject({ atMs: z.number(), operations: z.array(Digest) });
const GroupReceipts = z.strictObject({ receipts: z.array(Receipt) });

/** The journal of one permit, with what its groups hold; read once, when it is opened. */
export class Journal {
  readonly #context: Pick<AuthorityContext, 'privateStore'>;
  readonly #permit: Digest;
  /** Of all that groups announced before it was opened. */
  readonly #announced = new DigestList();
  /** Of all that got receipts in groups before it was opened, group by group. */
  readonly #received = new DigestList();
  readonly #groups: { readonly name: string; readonly from: number }[] = [];
  /** Of the group that was read last, or that got its receipts last: a commit goes from group to group. */
  #receipts: ReadonlyMap<Digest, Receipt> = new Map();
  /** Of operations that went by themselves, as they were when the journal was opened. */
  readonly #intentsAlone = new Set<string>();
  readonly #receiptsAlone = new Set<string>();

  private constructor(context: Pick<AuthorityContext, 'privateStore'>, permit: Digest) {
    this.#context = context;
    this.#permit = permit;
  }

  static async open(context: Pick<AuthorityContext, 'privateStore'>, permit: Digest): Promise<Journal> {
    const journal = new Journal(context, permit);
    const prefix = `journal/${permit}/`;
    for (const name of await context.privateStore.list(prefix)) {
      const [operation = '', part] = name.slice(prefix.length).split('/');
      if (name.startsWith(groupsPrefix(permit))) {
        if (name.includes('/receipts')) await journal.#noteReceipts(name);
        else await journal.#takeIntent(name);
      } else if (part === 'receipt') journal.#receiptsAlone.add(operation);
      else journal.#intentsAlone.add(operation);
    }
    return journal;
  }

  /** The name that some operations have together under this permit. */
  static groupOf(operations: readonly { readonly id: Digest }[]): Digest {
    return digestOf(operations.map(({ id }) => id));
  }

  /** Whether an attempt before this one announced it, by itself or with its group. */
  async hadIntent(operation: Digest): Promise<boolean> {
    return (
      this.#announced.has(operation) ||
      (await this.#context.privateStore.get(entryName(this.#permit, operation, 'intent'))) !== null
    );
  }

  async readReceipt(operation: Digest): Promise<Receipt | null> {
    return (await this.#inGroup(operation)) ?? (await readReceipt(this.#context, this.#permit, operation));
  }

  /**
   * As hadIntent, of what was there when the journal was opened: for many operations at once, each of which would ask the
   * store for what nearly never is there.
   */
  hadIntentBefore(operation: Digest): boolean {
    return this.#announced.has(operation) || this.#intentsAlone.has(operation);
  }

  /** Whether it has a receipt, without reading it: of what was there when the journal was opened, and of the last group since. */
  hadReceiptBefore(operation: Digest): boolean {
    return this.#received.has(operation) || this.#receipts.has(operation) || this.#receiptsAlone.has(operation);
  }

  /** As readReceipt, of what was there when the journal was opened, and of what the last group got since. */
  async readReceiptBefore(operation: Digest): Promise<Receipt | null> {
    const together = await this.#inGroup(operation);
    if (together || !this.#receiptsAlone.has(operation)) return together ?? null;
    return readReceipt(this.#context, this.#permit, operation);
  }

  /** Durable before it returns. What it announces is no earlier attempt to this journal. */
  async keepGroupIntent(group: Digest, operations: readonly Digest[], atMs: number): Promise<void> {
    // A second attempt may announce fewer of the group: what the first announced stays announced.
    await this.#put(`${groupsPrefix(this.#permit)}${group}/intent-${digestOf(operations)}`, {
      atMs,
      operations: [...operations],
    });
  }

  /** One for each operation of the group. The first that were kept stand. */
  async keepGroupReceipts(group: Digest, receipts: readonly Receipt[]): Promise<readonly Receipt[]> {
    const name = `${groupsPrefix(this.#permit)}${group}/receipts`;
    await this.#put(name, { receipts: [...receipts] });
    this.#receipts = await this.#readGroup(name);
    return receipts.map((receipt) => this.#receipts.get(receipt.operation) ?? receipt);
  }

  /** The receipt that it got together with others. */
  async #inGroup(operation: Digest): Promise<Receipt | undefined> {
    const known = this.#receipts.get(operation);
    if (known) return known;
    const place = this.#received.placeOf(operation);
    const group = place < 0 ? undefined : this.#groups.findLast(({ from }) => from <= place);
    if (!group) return undefined;
    this.#receipts = await this.#readGroup(group.name);
    return this.#receipts.get(operation);
  }

  async #put(name: string, value: object): Promise<void> {
    await this.#context.privateStore.putIfAbsent(name, new TextEncoder().encode(JSON.stringify(value)));
  }

  async #readGroup(name: string): Promise<ReadonlyMap<Digest, Receipt>> {
    const bytes = await this.#context.privateStore.get(name);
    const receipts = new Map<Digest, Receipt>();
    if (!bytes) return receipts;
    // The first that it tells of an operation stands.
    for (const receipt of GroupReceipts.parse(JSON.parse(new TextDecoder().decode(bytes))).receipts)
      if (!receipts.has(receipt.operation)) receipts.set(receipt.operation, receipt as Receipt);
    return receipts;
  }

  async #noteReceipts(name: string): Promise<void> {
    this.#groups.push({ name, from: this.#received.length });
    for (const operation of (await this.#readGroup(name)).keys()) this.#received.push(operation);
  }

  async #takeIntent(name: string): Promise<void> {
    const bytes = await this.#context.privateStore.get(name);
    if (!bytes) return;
    for (const operation of GroupIntent.parse(JSON.parse(new TextDecoder().decode(bytes))).operations)
      this.#announced.push(operation);
  }
}
