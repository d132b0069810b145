/**
 * By what the traces of a record are known: its federated key, the provisional keys that it had before it was linked, its
 * salt. Every value of it stands in an object that also holds one of these.
 */
import { saltBytes, type RecordName } from '../../core/lineage/salted.js';

export interface Marks {
  readonly name: RecordName;
  /** `~` and a keyed digest: what each member called it before it had its key. */
  readonly provisional: readonly string[];
  /** Null where the record never was agreed on. */
  readonly salt: Uint8Array | null;
}

/** A compact JWS says what it says in base64url, whether it stands alone or in a document. */
const jwsPayload = /[A-Za-z0-9_-]{16,}\.([A-Za-z0-9_-]+)\.[A-Za-z0-9_-]{16,}/g;
const nestingMax = 3;

export class MarkFinder {
  readonly #needles: readonly Buffer[];

  constructor({ name, provisional, salt }: Marks) {
    this.#needles = [
      Buffer.from(name.key),
      ...provisional.map((key) => Buffer.from(key)),
      ...(salt && salt.length === saltBytes ? [Buffer.from(salt), Buffer.from(Buffer.from(salt).toString('hex'))] : []),
    ];
  }

  /** Whether a text or an object holds one of the marks, in clear or in the payload of a signed message. */
  isIn(content: Uint8Array | string): boolean {
    const bytes = Buffer.from(content);
    return this.#isInClear(bytes) || payloadsOf(bytes).some((payload) => this.#isInClear(payload));
  }

  #isInClear(bytes: Buffer): boolean {
    return this.#needles.some((needle) => bytes.includes(needle));
  }
}

/** The payloads of all compact JWS in a text, and of those in their payloads. */
export function payloadsOf(bytes: Buffer, levels = nestingMax): readonly Buffer[] {
  // Segments and tables are no text and hold no message.
  if (levels === 0 || !(bytes[0] === 0x65 || bytes[0] === 0x7b || bytes[0] === 0x5b)) return [];
  const found: Buffer[] = [];
  for (const [, payload = ''] of bytes.toString('latin1').matchAll(jwsPayload)) {
    const decoded = Buffer.from(payload, 'base64url');
    found.push(decoded, ...payloadsOf(decoded, levels - 1));
  }
  return found;
}
