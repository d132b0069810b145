/** Tables of policy cases: read from YAML, held against the federation folder, and run. */
import { readdir, readFile, stat } from 'node:fs/promises';
import path from 'node:path';
import { inOrder, located, type Fault } from '../../activities/federation-folder/fault.js';
import { parseYamlFile, type YamlFile } from '../../activities/federation-folder/yaml-file.js';
import { ConcordatError } from '../../core/errors.js';
import { faultAt, type FaultPath } from '../../core/federation/fault.js';
import { datasetShape, type Federation } from '../../core/federation/federation.js';
import { suggestion } from '../../core/federation/nearest.js';
import { schemaFaults } from '../../core/federation/schema-faults.js';
import { byCodeUnit } from '../../core/json.js';
import { caseFaults, PolicyTable, runCase } from '../../core/resolution/policy-table.js';

/** Beside the files of the federation. */
export const tablesFolder = 'policy-tests';

export interface TestedCase {
  readonly file: string;
  readonly line: number;
  readonly name: string;
  /** Where the table says otherwise than the planner. */
  readonly failures: readonly Fault[];
}

export interface TestedTables {
  /** Of the tables themselves: then nothing was run. */
  readonly faults: readonly Fault[];
  readonly cases: readonly TestedCase[];
}

/** Files as they are named; of a folder, all YAML files in it. Throws usage or notFound where there is none. */
export async function tableFiles(named: readonly string[], workingFolder: string): Promise<readonly string[]> {
  const files: string[] = [];
  for (const name of named) {
    const full = path.resolve(workingFolder, name);
    const found = await stat(full).catch(() => null);
    if (!found)
      throw new ConcordatError(
        'notFound',
        `there is no ${name}; tables of policy cases are looked for in ${tablesFolder}/`,
      );
    if (!found.isDirectory()) files.push(full);
    else
      for (const inner of (await readdir(full)).sort(byCodeUnit))
        if (/\.ya?ml$/.test(inner)) files.push(path.join(full, inner));
  }
  if (files.length === 0)
    throw new ConcordatError('usage', `there is no table in ${named.join(', ')}; write one as a .yaml file`);
  return files;
}

export async function testTables(
  federation: Federation,
  files: readonly string[],
  workingFolder: string,
): Promise<TestedTables> {
  const faults: Fault[] = [];
  const cases: TestedCase[] = [];
  for (const full of files) {
    const file = path.relative(workingFolder, full).split(path.sep).join('/');
    const yaml = parseYamlFile(file, await readFile(full, 'utf8'));
    const own =
      yaml.faults.length > 0
        ? yaml.faults
        : schemaFaults(file, PolicyTable, yaml.value).map((fault) => located(fault, yaml));
    faults.push(...own);
    if (own.length > 0) continue;
    const tested = testTable(federation, yaml, PolicyTable.parse(yaml.value));
    faults.push(...tested.faults);
    cases.push(...tested.cases);
  }
  return { faults: inOrder(faults), cases: faults.length > 0 ? [] : cases };
}

function testTable(federation: Federation, yaml: YamlFile, table: PolicyTable): TestedTables {
  const { file } = yaml;
  const fault = (at: FaultPath, message: string): Fault => located(faultAt(file, at, message), yaml);
  const datasets = Object.keys(federation.datasets);
  if (!datasets.includes(table.dataset))
    return {
      faults: [
        fault(['dataset'], `the federation has no dataset of that name; ${suggestion(table.dataset, datasets)}`),
      ],
      cases: [],
    };
  const shape = datasetShape(federation, table.dataset);
  const type = shape.types.find(({ taxonomy }) => taxonomy.type === table.type);
  const types = shape.types.map(({ taxonomy }) => taxonomy.type);
  if (!type)
    return { faults: [fault(['type'], `the dataset has no such type; ${suggestion(table.type, types)}`)], cases: [] };
  const faults = table.cases.flatMap((one, at) =>
    caseFaults(shape, type, one).map((found) => fault(['cases', at, ...found.path], found.message)),
  );
  if (faults.length > 0) return { faults, cases: [] };
  return {
    faults: [],
    cases: table.cases.map((one, at) => {
      const { name, mismatches } = runCase(shape, type, one);
      return {
        file,
        line: yaml.positionOf(['cases', at], 'value').line,
        name,
        failures: mismatches.map((found) => fault(['cases', at, ...found.path], found.message)),
      };
    }),
  };
}
