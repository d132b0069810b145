/** The walk over what groups of a compare found: it yields what the walk over the sealed records would, in the same order. */
import { rangesOfGroup } from '../../core/compare-groups.js';
import { digestOf } from '../../core/digest.js';
import { ConcordatError } from '../../core/errors.js';
import type { Ref, RunInputs } from '../../core/messages.js';
import type { Walk } from '../differing-records.js';
import { getDocument } from '../exchange.js';
import { sha256Hex } from '../sealing/sha256.js';
import { rangeCountOf, type Differing } from '../sealing/walk-differing.js';
import type { ObjectStore } from '../store.js';
import { ComparedGroup, partName, type ComparedLine } from './compared-group.js';
import { walkWide, type WideWalkOptions } from './walk-in-threads.js';

/**
 * `compared` names what each group left, in their order. What is gone meanwhile, as after an erasure, or is not what it should
 * be, is walked again from what is sealed. `onWalkedAgain` hears of which group.
 */
export function walkCompared(
  exchange: ObjectStore,
  inputs: RunInputs,
  compared: readonly Ref[],
  onWalkedAgain: (group: number) => void = () => undefined,
): Walk {
  const groups = compared.length;
  const inputsDigest = digestOf(inputs);
  const read = async (group: number): Promise<ComparedGroup> => {
    const found = await getDocument(exchange, compared[group] as Ref, ComparedGroup);
    if (found.inputs !== inputsDigest || found.group !== group || found.groups !== groups)
      throw notWhatItWas('it is of another compare');
    return found;
  };
  return async function* (options) {
    for (let group = 0; group < groups; group += 1) {
      let last: string | undefined;
      let isCounted = false;
      try {
        const { types } = await read(group);
        const own = types.find(({ type }) => type === options.participants[0]?.sealed.type);
        if (!own) throw notWhatItWas('it says nothing of a type');
        for (const part of own.parts)
          for (const differing of await recordsOf(exchange, part, options)) {
            yield differing;
            last = differing.key;
          }
        isCounted = true;
        options.onUnanimous?.(own.unanimous);
      } catch (error) {
        if (isCounted || !(error instanceof ConcordatError) || error.code !== 'inputNotAuthentic') throw error;
        onWalkedAgain(group);
        let isPast = last === undefined;
        const ranges = rangesOfGroup(rangeCountOf(options.participants), group, groups);
        for await (const differing of walkWide({ ...options, ranges })) {
          if (isPast) yield differing;
          else isPast = differing.key === last;
        }
        if (!isPast) throw notWhatItWas('it held a record that does not differ');
      }
    }
  };
}

async function recordsOf(
  exchange: ObjectStore,
  { sha256, bytes, records }: ComparedGroup['types'][number]['parts'][number],
  { participants, signal }: WideWalkOptions,
): Promise<readonly Differing[]> {
  signal?.throwIfAborted();
  const found = await exchange.get(partName(sha256));
  if (found === null || found.length !== bytes || sha256Hex(found) !== sha256)
    throw notWhatItWas('one of its parts is gone or altered');
  const lines = Buffer.from(found.buffer, found.byteOffset, found.byteLength).toString('utf8').split('\n');
  lines.pop();
  if (lines.length !== records) throw notWhatItWas('one of its parts is of another length');
  return lines.map((line) => {
    const [key, present] = JSON.parse(line) as ComparedLine;
    return { key, present: Object.fromEntries(participants.map(({ id }) => [id, present[id]])) };
  });
}

function notWhatItWas(why: string): ConcordatError {
  return new ConcordatError('inputNotAuthentic', `what a group of the compare left cannot be used: ${why}`);
}
