/** `concordat policy test`: what the policies of a dataset make of base and member values, against what is expected. */
import path from 'node:path';
import type { Command } from 'commander';
import { faultLine } from '../../activities/federation-folder/fault.js';
import { action, defineCommand } from '../invocation.js';
import { openFederation } from '../open-federation.js';
import { tableFiles, tablesFolder, testTables } from '../reading/policy-tables.js';
import { visibleText } from '../showing/value-text.js';
import { counted } from '../showing/words.js';

export function registerPolicy(program: Command): void {
  const policy = program.command('policy').description('What decides where members differ: test it.');
  defineCommand(policy, {
    name: 'test [tables...]',
    description: `Run tables of base and member values through the planner and compare with what they expect. Tables are YAML files, or folders of them; without any, those in ${tablesFolder}/ of the federation folder. Exit code 2 where an expectation is not met, 1 where a table has faults.`,
    examples: [
      ['concordat policy test', `all tables in federation/${tablesFolder}`],
      ['concordat policy test person.yaml', 'one table'],
      ['concordat policy test --json', 'for scripts'],
    ],
  }).action(
    action<object, [tables: string[]]>(async (invocation, _options, named) => {
      const { federationFolder, output, workingFolder } = invocation;
      const federation = await openFederation(federationFolder);
      const wanted = named.length > 0 ? named : [path.join(federationFolder, tablesFolder)];
      const { faults, cases } = await testTables(federation, await tableFiles(wanted, workingFolder), workingFolder);
      const failed = cases.filter(({ failures }) => failures.length > 0);
      const { paint } = output;
      const summary =
        faults.length > 0
          ? counted(faults.length, 'fault')
          : `${counted(cases.length, 'case')}, ${failed.length === 0 ? 'all as expected' : `${failed.length} not as expected`}`;
      output.result({ passed: faults.length === 0 && failed.length === 0, faults, cases }, [
        ...faults.map((fault) => visibleText(faultLine(fault))),
        ...failed.flatMap(({ file, line, name, failures }) => [
          `${paint.red('not as expected')} ${visibleText(`${file}:${line} ${name}`)}`,
          ...failures.map((failure) => `  ${visibleText(faultLine(failure))}`),
        ]),
        summary,
      ]);
      if (faults.length > 0) return 1;
      return failed.length > 0 ? 2 : 0;
    }),
  );
}
