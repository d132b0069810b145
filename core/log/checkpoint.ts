/** Checkpoints (C2SP tlog-checkpoint): origin, size and root of a log, as the text of a signed note. */
import { fromBase64, toBase64 } from './base64.js';
import { hashBytes } from './tree.js';

export interface Checkpoint {
  /** Names the log, and the key that signs it. */
  readonly origin: string;
  readonly size: number;
  /** 32 bytes. */
  readonly root: Uint8Array;
}

/** One log for each authority of a federation. */
export function logOrigin(federation: string, authority: string): string {
  return `${federation}/${authority}/lineage`;
}

export function checkpointText({ origin, size, root }: Checkpoint): string {
  return `${origin}\n${size}\n${toBase64(root)}\n`;
}

/** Null for anything that is no checkpoint. Lines after the third are extensions, which nobody here writes: refused. */
export function parseCheckpoint(text: string): Checkpoint | null {
  const [origin, sizeText, rootText, end, ...more] = text.split('\n');
  if (origin === undefined || origin === '' || sizeText === undefined || rootText === undefined) return null;
  if (end !== '' || more.length > 0) return null;
  const size = decimal(sizeText);
  const root = fromBase64(rootText);
  if (size === null || !root || root.length !== hashBytes) return null;
  return { origin, size, root };
}

/** Digits without leading zeros, up to the largest safe integer. */
function decimal(text: string): number | null {
  const value = Number(text);
  return text.length <= 16 && Number.isSafeInteger(value) && value >= 0 && String(value) === text ? value : null;
}
