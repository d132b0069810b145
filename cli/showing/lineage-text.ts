/** A record's lineage and the findings of a verification, for people. */
import type { Finding } from '../../activities/lineage/findings.js';
import type { VerifiedHop } from '../../activities/lineage/verify-record.js';
import { hlcParts } from '../../core/clock/hlc.js';
import type { Paint } from '../output/output.js';
import { visibleText } from './value-text.js';
import { tableLines } from './table.js';

/** Newest first; of one base the authorities in order. */
export function hopLines(
  hops: readonly VerifiedHop[],
  approvers: ReadonlyMap<string, string>,
  paint: Paint,
): readonly string[] {
  const rows = [...hops]
    .sort((a, b) => b.root.sequence - a.root.sequence || (a.authority < b.authority ? -1 : 1))
    .map(({ authority, hop, root }) => [
      String(root.sequence),
      new Date(hlcParts(root.hlc).ms).toISOString().slice(0, 16).replace('T', ' '),
      authority,
      howWords(hop.cause.kind, paint),
      whatChanged(hop.before, hop.after),
      hop.cause.kind !== 'written'
        ? ''
        : visibleText(hop.cause.decisions.map((id) => approvers.get(id) ?? id.slice(0, 12)).join(', ')),
    ]);
  return tableLines([
    ['BASE', 'AGREED (UTC)', 'AUTHORITY', 'HOW', 'WHAT', 'APPROVED BY'].map((head) => paint.dim(head)),
    ...rows,
  ]);
}

function howWords(kind: VerifiedHop['hop']['cause']['kind'], paint: Paint): string {
  if (kind === 'written') return paint.cyan('was written');
  return kind === 'resealed' ? 'sealed anew' : 'showed';
}

function whatChanged(before: object | null, after: object | null): string {
  if (after === null) return 'gone';
  const fields = [...new Set([...Object.keys(before ?? {}), ...Object.keys(after)])].sort().join(', ');
  return visibleText(before === null ? `new: ${fields}` : fields);
}

const order = [
  'observed',
  'absent',
  'approved',
  'wrote',
  'agreed',
  'notAgreed',
  'logged',
  'erased',
  'missing',
  'wrong',
] as const;

/** What could be shown first, then what is missing or wrong, so that it stands at the end where people look. */
export function findingLines(findings: readonly Finding[], paint: Paint): readonly string[] {
  const rows = order.flatMap((kind) =>
    findings
      .filter((finding) => finding.kind === kind)
      .map(({ authority, words }) => [painted(kind, paint), authority ?? 'all', visibleText(words)]),
  );
  return tableLines(rows);
}

function painted(kind: (typeof order)[number], paint: Paint): string {
  if (kind === 'wrong') return paint.red(kind);
  if (kind === 'missing' || kind === 'erased') return paint.yellow(kind);
  if (kind === 'notAgreed') return paint.yellow('not agreed');
  return kind === 'agreed' ? paint.green(kind) : paint.dim(kind);
}
