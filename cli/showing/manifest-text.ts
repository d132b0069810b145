/** Manifests, their differences and pins as text. What a peer wrote is made safe for a terminal here. */
import type { AcceptedManifest } from '../../core/federation/accepted-manifest.js';
import type { TypeSurface } from '../../core/federation/surface.js';
import type { Difference } from '../../core/manifest/difference.js';
import { isRevoked, type KeyState } from '../../core/key-state.js';
import { differenceWords } from '../../core/manifest/words.js';
import type { Paint } from '../output/output.js';
import { tableLines } from './table.js';
import { visibleText } from './value-text.js';
import { listWords } from './words.js';

export function day(atMs: number): string {
  return new Date(atMs).toISOString().slice(0, 10);
}

/** What a script gets of a difference. */
export function differenceJson(authority: string, difference: Difference) {
  const path = difference.path.map(({ name }) => name).join('.');
  return { path, direction: difference.direction, words: differenceWords(authority, difference) };
}

export function differenceLines(
  authority: string,
  differences: readonly Difference[],
  paint: Paint,
): readonly string[] {
  return differences.map((difference) => {
    const words = visibleText(differenceWords(authority, difference));
    return `  ${difference.direction === 'wider' ? paint.yellow(`${words} (wider)`) : words}`;
  });
}

/** What a key is good for at this time, in words. */
export function keyWords(state: KeyState, nowMs: number): string {
  if (isRevoked(state))
    return `${state.revoked.reason === 'superseded' ? 'replaced' : `revoked as ${state.revoked.reason}`} on ${day(state.revoked.atMs)}`;
  if (state.expiresMs !== null && state.expiresMs <= nowMs) return `ran out on ${day(state.expiresMs)}`;
  if (state.notBeforeMs !== null && state.notBeforeMs > nowMs) return `signs from ${day(state.notBeforeMs)} on`;
  return state.expiresMs === null ? 'counts' : `counts until ${day(state.expiresMs)}`;
}

export function keyLines(keys: readonly KeyState[], nowMs: number): readonly string[] {
  return tableLines(keys.map((state) => [`  ${state.use}`, state.kid, state.key.crv, keyWords(state, nowMs)]));
}

/** `phone (digest)`; of a row filter `where active is true` stands at the end. */
function surfaceNames({ fields, where }: TypeSurface): readonly string[] {
  const names = Object.entries(fields).map(([field, exposure]): string =>
    exposure === 'clear' ? field : `${field} (${exposure})`,
  );
  return [...names, ...where.map(({ field, equals }) => `where ${field} is ${String(equals)}`)];
}

/** `1; delete of team: security 1, any 2; separation of duties waived`. */
function approvalWords({ quorum, quorums, separationOfDuties }: AcceptedManifest['published']['approval']): string {
  const rules = quorums.map(({ for: about, need }) => {
    const what = [about.kind ?? 'any change', ...(about.type === undefined ? [] : [`of ${about.type}`])].join(' ');
    const field = about.field === undefined ? '' : ` in ${about.field}`;
    return `${what}${field}: ${Object.entries(need)
      .map(([role, count]) => `${role} ${count}`)
      .join(', ')}`;
  });
  const waived = separationOfDuties === 'waived' ? ['separation of duties waived'] : [];
  return [String(quorum), ...rules, ...waived].join('; ');
}

export function manifestLines(manifest: AcceptedManifest, nowMs: number, paint: Paint): readonly string[] {
  const { published, waitsFor } = manifest;
  const list = (names: readonly string[]): string => visibleText(names.length === 0 ? 'nothing' : names.join(', '));
  return [
    paint.bold(manifest.authority),
    ...tableLines([
      ['  signed', `${new Date(manifest.issuedAtMs).toISOString()}, good until ${day(manifest.expiresMs)}`],
      ['  manifest', manifest.id],
      ['  mesh', published.mesh.kind],
      ...Object.entries(published.surface).map(([type, surface]) => [
        visibleText(`  shows ${type}`),
        list(surfaceNames(surface)),
      ]),
      ['  approvers', list(published.approvers.map(({ id }) => id))],
      ['  quorum', visibleText(approvalWords(published.approval))],
      ['  keeps lineage', published.lineage.keepFor],
      ['  pins', list(Object.keys(manifest.pins))],
      [
        '  in force',
        waitsFor.length === 0
          ? 'all of it'
          : paint.yellow(
              `in part: ${listWords(waitsFor)} ${waitsFor.length === 1 ? 'has' : 'have'} not accepted all of it`,
            ),
      ],
    ]),
    ...keyLines(manifest.keys, nowMs),
  ];
}
