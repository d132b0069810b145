/** The canonical bytes of a plan of any size, a piece at a time: made by the project's own operations, held by nobody whole. */
import { createHash } from 'node:crypto';
import { canonicalJson, digestOf, sha256Hex } from '../../core/digest.js';
import { byCodeUnit } from '../../core/json.js';
import { makeOperation, type Operation } from '../../core/operation.js';
import { planAlgorithm, type Divergence } from '../../core/plan.js';

export interface SyntheticPlan {
  readonly count: number;
  /** What `oslo` wrote where the others hold so many grams. */
  readonly weight: (grams: number) => string;
  /** One record in so many is of another kind: new in oslo, or with another receiver in berlin. */
  readonly otherOneIn?: number;
}

export const syntheticNumber = (at: number): string => `S-${String(at).padStart(7, '0')}`;

/** As the natural key of a shipment is made (core/natural-key.ts). */
export const syntheticKey = (at: number): string =>
  digestOf({ type: 'shipment', key: { number: syntheticNumber(at) } });

function operationAt(at: number, key: string, { weight, otherOneIn = Infinity }: SyntheticPlan): Operation {
  const grams = 250 + (at % 5_000) * 50;
  const common = { authority: 'lyon', type: 'shipment', key } as const;
  if (at % otherOneIn === 1)
    return makeOperation({
      ...common,
      kind: 'create',
      changes: [{ kind: 'value', field: 'number', before: null, after: syntheticNumber(at) }],
      rule: 'newRecord',
      because: ['oslo'],
      current: null,
    });
  const changed =
    at % otherOneIn === 2
      ? { field: 'receiver', before: 'Zoë <b>Martin</b>', after: `Ann & Co ${at}`, because: 'berlin' }
      : { field: 'weight', before: String(grams), after: weight(grams), because: 'oslo' };
  const { field, before, after, because } = changed;
  return makeOperation({
    ...common,
    kind: 'update',
    changes: [{ kind: 'value', field, before, after }],
    rule: 'changedOnOneSide',
    because: [because],
    current: { [field]: before },
  });
}

function divergenceOf({ type, key, kind, changes, because, authority, id }: Operation): Divergence {
  return {
    kind: kind === 'create' ? 'missing' : 'changed',
    type,
    key,
    field: kind === 'create' ? null : (changes[0]?.field ?? null),
    because,
    at: [authority],
    operations: [id],
    accepted: [],
  };
}

/** In the order of the document; divergences come before operations, so each operation is made twice. */
export function* syntheticPieces(wanted: SyntheticPlan): Generator<string> {
  const positions = Array.from({ length: wanted.count }, (_, at) => ({ at, key: syntheticKey(at) }));
  positions.sort((left, right) => byCodeUnit(left.key, right.key));
  const some = sha256Hex('some');
  yield `{"absent":[],"algorithm":"${planAlgorithm}","base":"${some}","cases":[],"configuration":"${some}","conflicts":[],"correlation":"${some}","dataset":"shipments","divergences":[`;
  yield* joined(positions, ({ at, key }) => divergenceOf(operationAt(at, key, wanted)));
  yield `],"incomplete":[],"opaque":[],"operations":[`;
  yield* joined(positions, ({ at, key }) => operationAt(at, key, wanted));
  yield `],"standing":"${some}"}`;
}

function* joined<Part>(parts: readonly Part[], made: (part: Part) => object): Generator<string> {
  for (let from = 0; from < parts.length; from += 1_000)
    yield (
      (from === 0 ? '' : ',') +
      parts
        .slice(from, from + 1_000)
        .map((part) => canonicalJson(made(part)))
        .join(',')
    );
}

/** All of it, with its digest. */
export function syntheticPlan(wanted: SyntheticPlan): { readonly bytes: Uint8Array; readonly digest: string } {
  const bytes = Buffer.from([...syntheticPieces(wanted)].join(''));
  return { bytes, digest: createHash('sha256').update(bytes).digest('hex') };
}
