/** `concordat validate`: every fault of the federation folder at once. */
import type { Command } from 'commander';
import { faultLine, type Fault } from '../../activities/federation-folder/fault.js';
import { loadFederation } from '../../activities/federation-folder/load.js';
import { digestsOfDocuments } from '../../activities/federation-folder/read-authors.js';
import { writeSchemas } from '../../activities/federation-folder/schemas.js';
import { readManifests } from '../../activities/manifests/read-manifests.js';
import type { Federation } from '../../core/federation/federation.js';
import { readOnlyNatives } from '../../core/federation/native-types.js';
import { lossWords, tableLosses, type TableLoss } from '../../core/federation/tables.js';
import { action, defineCommand } from '../invocation.js';
import type { Paint } from '../output/output.js';
import { visibleText } from '../showing/value-text.js';

interface Options {
  readonly writeSchemas?: true;
  readonly signed?: true;
}

export function registerValidate(program: Command): void {
  defineCommand(program, {
    name: 'validate',
    description:
      'Check that the federation folder is complete and fits together. Shows all faults of all files at once.',
    examples: [
      ['concordat validate', 'check ./federation'],
      ['concordat validate --signed', 'check the manifests too, as workers do'],
      ['concordat validate --federation terms --json', 'for scripts'],
      ['concordat validate --write-schemas', 'write the JSON Schemas that editors read'],
    ],
  })
    .option('--signed', 'count a manifest that is missing, stale or of another key as a fault')
    .option('--write-schemas', 'write schemas/ into the folder, for completion and checks in editors')
    .action(
      action<Options>(async ({ federationFolder: folder, output }, options) => {
        const loaded = await loadFederation(folder);
        const schemas = options.writeSchemas ? await writeSchemas(folder) : [];
        const wrong =
          loaded.kind === 'invalid' ? loaded.faults : loaded.authorFaults.filter(({ code }) => code !== 'notSigned');
        if (loaded.kind === 'invalid' || wrong.length > 0) {
          const text = [...wrong.map((fault) => painted(fault, output.paint)), countText(wrong.length)];
          output.result({ valid: false, folder, faults: wrong, schemas }, text);
          return 1;
        }
        const { faults: unsigned } = await readManifests(folder, loaded.federation);
        const faults = [
          ...loaded.authorFaults,
          ...unsigned.map(({ file, message }): Fault => ({
            file,
            line: 1,
            column: 1,
            field: '',
            message,
            code: 'notSigned',
          })),
        ];
        const authors = authorsOf(loaded.federation);
        const failed = options.signed === true && faults.length > 0;
        const summary = summaryOf(loaded.federation);
        const signed = faults.length === 0;
        const losses = lossesOf(loaded.federation);
        const readOnly = readOnlyOf(loaded.federation);
        const found = { ...summary, signed, faults, losses, ...(readOnly.length === 0 ? {} : { readOnly }) };
        output.result({ valid: !failed, folder, ...found, authors, schemas }, [
          ...(failed ? [] : [`${output.paint.green('valid:')} ${summaryText(summary)}`]),
          ...(authors.signed.length > 0 && authors.unsigned.length > 0
            ? [
                `${output.paint.yellow('no author:')} ${authors.unsigned.map((name) => `${visibleText(name)}.yaml`).join(', ')}`,
              ]
            : []),
          ...readOnly.map(
            ({ authority, native, types }) =>
              `${output.paint.yellow('read only:')} ${authority} ${native} lies in a Parquet file, which is never written; tell peers by constraints.writable.${types.join(', ')}: { operations: [] }`,
          ),
          ...losses.map((loss) => `${output.paint.yellow('loss:')} ${visibleText(lossWords(loss))}`),
          ...faults.map(
            (fault) => `${failed ? '' : output.paint.yellow('not signed yet: ')}${painted(fault, output.paint)}`,
          ),
          ...(failed ? [countText(faults.length)] : []),
          ...schemas.map((name) => `wrote ${name}`),
        ]);
        return failed ? 1 : 0;
      }),
    );
}

/** Which native types of which authority are never written, where its constraints do not say so to peers. */
function readOnlyOf({ authorities, maps }: Federation) {
  return Object.entries(authorities).flatMap(([authority, { mesh, constraints }]) =>
    readOnlyNatives(mesh).flatMap((native) => {
      const mapped = Object.entries(maps).flatMap(([name, map]) =>
        name === `${authority}.${map.type}` && map.native === native ? [map] : [],
      );
      const types = mapped
        .map(({ type }) => type)
        .filter((type) => constraints.writable?.[type]?.operations?.length !== 0);
      return types.length === 0 ? [] : [{ authority, native, types }];
    }),
  );
}

/** Which files somebody signed as their author; what follows from the others has none. */
function authorsOf(federation: Federation) {
  const statements = federation.statements ?? {};
  const signed = Object.keys(statements).sort();
  return { signed, unsigned: [...digestsOfDocuments(federation).keys()].filter((name) => !signed.includes(name)) };
}

/** What does not come back from another mesh: nothing is wrong with it, and nobody shall be surprised by it. */
function lossesOf({ datasets, maps, taxonomy }: Federation): readonly TableLoss[] {
  return Object.keys(taxonomy).flatMap((type) => {
    const together = Object.values(datasets).filter((dataset) => dataset.types.includes(type));
    const members = new Set(together.flatMap((dataset) => dataset.members));
    const active = [...members].flatMap((member) => {
      const map = maps[`${member}.${type}`];
      return map?.lifecycle === 'active' ? [[member, map] as const] : [];
    });
    return tableLosses(Object.fromEntries(active), type);
  });
}

function painted(fault: Fault, paint: Paint): string {
  const line = visibleText(faultLine(fault));
  const place = `${fault.file}:${fault.line}:${fault.column}`;
  return line.startsWith(place) ? `${paint.bold(place)}${line.slice(place.length)}` : line;
}

function countText(count: number): string {
  return `${count} ${count === 1 ? 'fault' : 'faults'}`;
}

function summaryOf({ file, authorities, taxonomy, maps, datasets }: Federation) {
  return {
    federation: file.federation,
    authorities: Object.keys(authorities),
    types: Object.keys(taxonomy),
    maps: Object.keys(maps),
    datasets: Object.keys(datasets),
  };
}

function summaryText(summary: ReturnType<typeof summaryOf>): string {
  const parts = (['authorities', 'types', 'maps', 'datasets'] as const).map(
    (what) => `${what} ${summary[what].length}`,
  );
  return `federation ${summary.federation} (${parts.join(', ')})`;
}
