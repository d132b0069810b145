/** How people narrow what they are shown of a plan: the same options, words and refusals for every command that shows one. */
import { Option, type Command } from 'commander';
import { DivergenceKind } from '../core/divergence-kind.js';
import { ConcordatError } from '../core/errors.js';
import type { Federation } from '../core/federation/federation.js';
import { nearest } from '../core/federation/nearest.js';
import { byCodeUnit } from '../core/json.js';
import { operationKinds, type PlanFilter } from './reading/plan-view.js';

/** `--authority`, `--type`, `--key`, `--field` and `--kind`, read as a PlanFilter. */
export function withPlanFilter(command: Command): Command {
  return command
    .option('--authority <id>', 'only what concerns this authority')
    .option('--type <type>', 'only records of this type')
    .option(
      '--key <text>',
      'only records whose key begins with it or whose name holds it; in a plan of more than some fifty thousand operations: whose key begins with it, or whose natural key it is',
    )
    .option('--field <field>', 'only what concerns this field')
    .addOption(
      new Option(
        '--kind <kind>',
        'only operations of this kind, or only divergences of this kind and what would settle them',
      ).choices([...operationKinds, ...DivergenceKind.options]),
    );
}

const names = ['authority', 'type', 'key', 'field', 'kind'] as const satisfies readonly (keyof PlanFilter)[];

/** What was given, in words: `field weight, kind changed`; undefined where nothing was. A key may be the name of a person. */
export function filterWords(filter: PlanFilter, { withKey = true } = {}): string | undefined {
  const given = names.flatMap((name) => {
    if (filter[name] === undefined) return [];
    return [name === 'key' && !withKey ? 'one key or name' : `${name} ${filter[name]}`];
  });
  return given.length === 0 ? undefined : given.join(', ');
}

/** Throws usage for an authority, a type or a field that nothing can be shown of. Kinds are refused by their option. */
export function checkPlanFilter(
  { authority, type, field }: PlanFilter,
  { authorities, taxonomy }: Pick<Federation, 'authorities' | 'taxonomy'>,
): void {
  const ids = Object.keys(authorities);
  if (authority !== undefined && !ids.includes(authority))
    throw new ConcordatError('usage', `there is no authority ${authority}; the federation has ${ids.join(', ')}`);
  const types = Object.keys(taxonomy);
  if (type !== undefined && !types.includes(type))
    throw new ConcordatError('usage', `there is no type ${type}; the taxonomy has ${types.join(', ')}`);
  if (field === undefined) return;
  // A plan of before a type changed speaks of fields of before.
  const fields = [
    ...new Set(
      (type === undefined ? types : [type]).flatMap((name) => {
        const { fields: own, earlier } = taxonomy[name] ?? { fields: {} };
        const before = earlier ? [...earlier.gone, ...Object.values(earlier.moved).map(({ from }) => from)] : [];
        return [...Object.keys(own), ...before];
      }),
    ),
  ].sort(byCodeUnit);
  if (fields.includes(field)) return;
  const near = nearest(field, fields);
  throw new ConcordatError(
    'usage',
    `there is no field ${field}${type === undefined ? '' : ` of ${type}`}; ${near === undefined ? `there are ${fields.join(', ')}` : `did you mean ${near}?`}`,
  );
}
