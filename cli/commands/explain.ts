/** `concordat explain`: why a record is planned as it is, and what another rule would have done. */
import type { Command } from 'commander';
import { action, defineCommand } from '../invocation.js';
import { explained } from '../reading/explained.js';
import { elementTypesOf, withFederation } from '../reading/federation-session.js';
import { explanationLines } from '../showing/explain-text.js';

interface Options {
  readonly field?: string;
}

export function registerExplain(program: Command): void {
  defineCommand(program, {
    name: 'explain <run> <key>',
    description:
      'Explain one record of a run: the value of every member, what changed since the last agreement, which rule decided, and what another rule would have done; with what people accepted or ignored, cases, what is opaque or was not read, and writes whose effect nobody knows. Everything is planned again here from the sealed inputs of the run.',
    examples: [
      ['concordat explain latest 3f2a91c0', 'by the beginning of its key, as `concordat plan` shows it'],
      ['concordat explain workforce "Ana Ruiz" --field department', 'one field of a record, by its whole name'],
      ['concordat explain latest 3f2a91c0 --json', 'for scripts'],
    ],
  })
    .option('--field <name>', 'only this field')
    .action(
      action<Options, [run: string, key: string]>(async (invocation, { field }, selector, key) =>
        withFederation<0>(invocation, { withinMs: 120_000 }, async (session) => {
          const found = await explained(session, selector, key, field);
          const { output } = invocation;
          const taxonomy = session.federation.taxonomy[found.explanation.type];
          const fields = Object.entries(taxonomy?.fields ?? {});
          output.result(
            found,
            explanationLines(found, {
              paint: output.paint,
              fixed: taxonomy?.key ?? [],
              effects: fields.flatMap(([name, { kind }]) => (kind === 'effect' ? [name] : [])),
              elementTypes: elementTypesOf(session.federation),
            }),
          );
          return 0;
        }),
      ),
    );
}
