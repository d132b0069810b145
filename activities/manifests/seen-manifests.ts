/**
 * The newest statement that this authority has seen of each issuer, in its private store. Signatures do not tell old from
 * new: whoever can write to the shared folder could put back an old manifest, in which a revoked key still counts or a
 * brake is still missing.
 */
import { z } from 'zod';
import { Digest } from '../../core/digest.js';
import { ConcordatError } from '../../core/errors.js';
import type { AcceptedManifest } from '../../core/federation/accepted-manifest.js';
import type { AuthorityId } from '../../core/record.js';
import type { ObjectStore } from '../store.js';

const headName = 'manifests/seen';

/** By `<authority>` for manifests and `<authority>/<peer>` for pins. */
const Seen = z.record(z.string(), z.strictObject({ issuedAtMs: z.int(), id: Digest }));
type Seen = z.infer<typeof Seen>;

interface Statement {
  readonly name: string;
  readonly words: string;
  readonly issuedAtMs: number;
  readonly id: Digest;
}

/**
 * Remembers what is newer. Throws manifestRolledBack, and remembers nothing, where a manifest or a pin is older than one
 * seen before, or another one of the same time.
 */
export async function rememberManifests(
  privateStore: ObjectStore,
  manifests: Readonly<Record<AuthorityId, AcceptedManifest>>,
): Promise<void> {
  const statements = Object.values(manifests).flatMap(statementsOf);
  for (;;) {
    const head = await privateStore.readHead(headName);
    const seen: Seen = head ? Seen.parse(JSON.parse(new TextDecoder().decode(head.bytes))) : {};
    for (const statement of statements) requireNotOlder(statement, seen[statement.name]);
    const news = statements.filter(({ name, id }) => seen[name]?.id !== id);
    if (news.length === 0) return;
    const next: Seen = { ...seen };
    for (const { name, issuedAtMs, id } of news) next[name] = { issuedAtMs, id };
    const bytes = new TextEncoder().encode(JSON.stringify(next));
    if (await privateStore.compareAndSetHead(headName, head?.version ?? 0, bytes)) return;
    // Another worker of this authority was faster: what it saw counts too.
  }
}

function statementsOf(manifest: AcceptedManifest): readonly Statement[] {
  const { authority, id, issuedAtMs } = manifest;
  return [
    { name: authority, words: `the manifest of ${authority}`, issuedAtMs, id },
    ...Object.entries(manifest.pins).map(([peer, pin]) => ({
      name: `${authority}/${peer}`,
      words: `the pin of ${peer} by ${authority}`,
      issuedAtMs: pin.issuedAtMs,
      id: pin.id,
    })),
  ];
}

function requireNotOlder(statement: Statement, known: Seen[string] | undefined): void {
  if (!known || statement.issuedAtMs > known.issuedAtMs || statement.id === known.id) return;
  const [here, before] = [statement.issuedAtMs, known.issuedAtMs].map((ms) => new Date(ms).toISOString());
  throw new ConcordatError(
    'manifestRolledBack',
    here === before
      ? `${statement.words} is another than the one of the same time (${here}) that was seen before`
      : `${statement.words} is of ${here}, and one of ${before} was seen before`,
  );
}
