/** Holds source files to the rules of rules.ts. Pure, so that a test can give it files that break each of them. */
import path from 'node:path';
import {
  connectorFiles,
  emptyNames,
  linesMax,
  longFiles,
  onlyReplayedClock,
  reaches,
  sharedByConnectors,
  withoutClock,
  withoutRandomness,
  zones,
  type Zone,
} from './rules.js';
import { readSource, type Import, type SourceFile } from './source-file.js';

/** Every fault as `file:line: what is wrong`; empty where the sources keep to the layout. */
export function faultsOf(sources: ReadonlyMap<string, string>): readonly string[] {
  const files = new Map([...sources].map(([file, text]) => [file, readSource(file, text)]));
  return [
    ...[...files.values()].flatMap((file) => [
      ...importFaults(file, files),
      ...constructFaults(file),
      ...sizeFaults(file),
    ]),
    ...nameFaults([...files.keys()]),
    ...connectorFaults([...files.keys()]),
    ...reachFaults(files),
    ...circleFaults(files),
  ];
}

/** A folder with its slash, or one file. */
function within(file: string, place: string): boolean {
  return place.endsWith('/') ? file.startsWith(place) : file === place;
}

export function zoneOf(file: string): Zone | undefined {
  return zones
    .filter((zone) => within(file, zone.path))
    .sort((a, b) => b.path.length - a.path.length)
    .at(0);
}

function isRelative(specifier: string): boolean {
  return specifier.startsWith('.');
}

/** The source that a relative import means: `./plan.js` of core/compare.ts is core/plan.ts. */
function targetOf(file: string, specifier: string): string {
  return path.posix.join(path.posix.dirname(file), specifier).replace(/\.js$/, '.ts');
}

function isPackage(specifier: string, allowed: string): boolean {
  if (allowed === 'node:') return specifier.startsWith('node:');
  if (allowed.endsWith('/*')) return specifier.startsWith(allowed.slice(0, -1));
  return specifier === allowed || specifier.startsWith(`${allowed}/`);
}

function importFaults(file: SourceFile, files: ReadonlyMap<string, SourceFile>): readonly string[] {
  const zone = zoneOf(file.path);
  if (!zone) return [`${file.path}: lies in no folder of the layout`];
  return file.imports.flatMap((imported) => {
    const fault = isRelative(imported.specifier)
      ? ownImportFault(file, zone, imported, files)
      : packageFault(zone, imported);
    return fault === null ? [] : [`${file.path}:${imported.line}: ${fault}`];
  });
}

function ownImportFault(
  file: SourceFile,
  zone: Zone,
  imported: Import,
  files: ReadonlyMap<string, SourceFile>,
): string | null {
  const target = targetOf(file.path, imported.specifier);
  if (!files.has(target)) return `imports ${target}, which is no source of the program`;
  const connector = /^activities\/connectors\/[^/]+\//.exec(file.path)?.[0];
  if (connector !== undefined && within(target, 'activities/'))
    return within(target, connector) ||
      target === 'activities/connectors/connector.ts' ||
      (sharedByConnectors.some((place) => within(target, place)) && zone.own.some((place) => within(target, place)))
      ? null
      : `imports ${target}: a connector knows its own folder and connectors/connector.ts only`;
  if ([zone.path, ...zone.own].some((place) => within(target, place))) return null;
  if (!(zone.ownTypes ?? []).some((place) => within(target, place)))
    return `imports ${target}, which ${zone.path} may not`;
  return imported.typeOnly ? null : `imports ${target}, of which ${zone.path} may import types only`;
}

function packageFault(zone: Zone, { specifier, typeOnly }: Import): string | null {
  if (zone.packages.some((allowed) => isPackage(specifier, allowed))) return null;
  if (!(zone.packageTypes ?? []).some((allowed) => isPackage(specifier, allowed)))
    return `imports ${specifier}, which ${zone.path} may not`;
  return typeOnly ? null : `imports ${specifier}, of which ${zone.path} may import types only`;
}

function constructFaults(file: SourceFile): readonly string[] {
  const lies = (places: readonly string[]): boolean => places.some((place) => within(file.path, place));
  return file.constructs.flatMap(({ kind, text, line }) => {
    const fault = ((): string | null => {
      switch (kind) {
        case 'defaultExport':
          return 'has a default export: give it a name';
        case 'enum':
          return 'has an enum: use a union of literals';
        case 'unreadableImport':
          return `loads a module whose name is not written out: ${text}`;
        case 'clock':
          if (lies(withoutClock)) return `reads a clock: ${text}`;
          return lies(onlyReplayedClock) && !text.startsWith('Date.now(') && !text.startsWith('new Date(')
            ? `reads a clock that replay does not give again: ${text}`
            : null;
        case 'randomness':
          return lies(withoutRandomness) ? `draws at random: ${text}` : null;
      }
    })();
    return fault === null ? [] : [`${file.path}:${line}: ${fault}`];
  });
}

function sizeFaults({ path: file, lines }: SourceFile): readonly string[] {
  const listed = longFiles[file];
  const most = listed?.linesMax ?? linesMax;
  return lines <= most
    ? []
    : [`${file}: has ${lines} lines, more than ${most}: split it, or list it in rules.ts with a reason`];
}

function nameFaults(files: readonly string[]): readonly string[] {
  return files.flatMap((file) =>
    file.split('/').some((part) => emptyNames.test(part)) ? [`${file}: is named after no concept`] : [],
  );
}

function connectorFaults(files: readonly string[]): readonly string[] {
  const folders = new Set(files.flatMap((file) => /^activities\/connectors\/[^/]+\//.exec(file) ?? []));
  return [...folders].flatMap((folder) =>
    connectorFiles
      .filter((name) => !files.includes(folder + name))
      .map((name) => `${folder}: has no ${name}, which every connector has`),
  );
}

function valueTargets(file: SourceFile, files: ReadonlyMap<string, SourceFile>): readonly SourceFile[] {
  return file.imports
    .filter(({ specifier, typeOnly }) => !typeOnly && isRelative(specifier))
    .flatMap(({ specifier }) => files.get(targetOf(file.path, specifier)) ?? []);
}

function reachFaults(files: ReadonlyMap<string, SourceFile>): readonly string[] {
  return reaches.flatMap(({ from, never, why }) => {
    const start = [...files.values()].filter((file) => within(file.path, from));
    const cameFrom = new Map<SourceFile, SourceFile | null>(start.map((file) => [file, null]));
    for (const file of cameFrom.keys())
      for (const target of valueTargets(file, files)) if (!cameFrom.has(target)) cameFrom.set(target, file);
    return [...cameFrom.keys()]
      .filter((file) => never.some((place) => within(file.path, place)))
      .map((file) => {
        const way = [file.path];
        for (let at = cameFrom.get(file); at; at = cameFrom.get(at)) way.unshift(at.path);
        return `${way[0]}: reaches ${file.path} (${way.join(' → ')}), but ${why}`;
      });
  });
}

/** Circles of real imports among the folders that lie side by side in one folder. */
function circleFaults(files: ReadonlyMap<string, SourceFile>): readonly string[] {
  const edges = new Map<string, Map<string, string>>();
  for (const file of files.values())
    for (const target of valueTargets(file, files)) {
      const [from, to] = siblings(file.path, target.path);
      if (from === undefined || to === undefined) continue;
      const known = edges.get(from) ?? new Map<string, string>();
      edges.set(from, known.set(to, `${file.path} → ${target.path}`));
    }
  return [...edges.keys()].flatMap((start) => {
    const circle = wayBack(start, edges);
    // Each circle is told once, from the first of its folders.
    if (circle === null || circle.some((folder) => folder < start)) return [];
    return [
      `${[start, ...circle].join(' → ')}: folders import each other in a circle (${edges.get(start)?.get(circle[0] ?? '') ?? ''})`,
    ];
  });
}

/** The two folders where the paths part; none where one of the files lies directly in the folder that both share. */
function siblings(one: string, other: string): readonly [string, string] | readonly [] {
  const [a, b] = [one.split('/'), other.split('/')];
  const parting = a.findIndex((part, index) => part !== b[index]);
  if (parting < 0 || parting >= a.length - 1 || parting >= b.length - 1) return [];
  return [a.slice(0, parting + 1).join('/'), b.slice(0, parting + 1).join('/')];
}

/** The shortest way from `start` to itself, without its beginning. */
function wayBack(start: string, edges: ReadonlyMap<string, ReadonlyMap<string, string>>): readonly string[] | null {
  const ways = new Map<string, readonly string[]>([[start, []]]);
  for (const [folder, way] of ways)
    for (const next of edges.get(folder)?.keys() ?? []) {
      if (next === start) return [...way, start];
      if (!ways.has(next)) ways.set(next, [...way, next]);
    }
  return null;
}
