/**
 * Whether a full read shows what the last one and the changes since had told, object by object. For types that are not sealed
 * by what changed (people and groups have links and refer to each other), of which there is no seal to hold it against.
 */
import { createHash, hash } from 'node:crypto';
import { canonicalJson } from '../../../core/digest.js';
import type { Digest } from '../../../core/digest.js';
import { mapOf } from '../../../core/federation/federation.js';
import type { NativeObject } from '../../../core/record.js';
import { letOthersRun } from '../../event-loop.js';
import type { AuthorityContext } from '../context.js';
import { pagesIn } from '../page-files.js';
import { incrementOf, type ReadPlan, type ReadRecord } from './read-plan.js';
import { stateBefore } from './state.js';

/** Digests of about so many are held twice in memory: 40 MB. More are looked at in several passes over the pages. */
const objectsInPassUsually = 200_000;

type Slice = (objectId: string) => boolean;

/** Every id is in one of them. */
export function slicesOf(count: number, objectsInPass: number): readonly Slice[] {
  const slices = Math.max(1, Math.ceil(count / objectsInPass));
  if (slices === 1) return [() => true];
  const sliceOf = (objectId: string): number => hash('sha1', objectId, 'buffer').readUInt32BE(0) % slices;
  return Array.from({ length: slices }, (_, slice) => (objectId: string) => sliceOf(objectId) === slice);
}

const digestOf = ({ body, opaque }: NativeObject): string =>
  createHash('sha256')
    .update(canonicalJson({ body, opaque: opaque ?? null }))
    .digest('base64')
    .slice(0, 22);

/** By native type, how many objects the changes were wrong about; of types that cannot be held against anything, none. */
export async function provenByObjects(
  context: AuthorityContext,
  dataset: string,
  run: Digest,
  plan: ReadPlan,
  meanwhile: ReadRecord['meanwhile'],
  objectsInPass = objectsInPassUsually,
): Promise<Readonly<Record<string, number>>> {
  const before = await stateBefore(context, dataset, run);
  const { federation, id } = context;
  const sealed = new Set(
    Object.keys(before?.state.seals ?? {}).map((type) => mapOf(federation, id, type)?.native ?? ''),
  );
  const missed: Record<string, number> = {};
  for (const [type, { isChecked, next, objects }] of Object.entries(plan.types)) {
    const known = before?.state.natives[type];
    const changedSince = meanwhile[type];
    if (!isChecked || !next || !known || !changedSince || sealed.has(type)) continue;
    const increment = await incrementOf(context, dataset, [...known.layers, run], type);
    const unsure = new Set(changedSince);
    let count = 0;
    for (const isInSlice of slicesOf(Math.max(objects, known.count), objectsInPass)) {
      const told = await objectsIn(context, dataset, known.full, type, isInSlice);
      for (const [objectId, object] of increment.objects)
        if (object === null) told.delete(objectId);
        else if (isInSlice(objectId)) told.set(objectId, digestOf(object));
      const shown = await objectsIn(context, dataset, run, type, isInSlice);
      for (const objectId of new Set([...told.keys(), ...shown.keys()]))
        if (!unsure.has(objectId) && told.get(objectId) !== shown.get(objectId)) count += 1;
    }
    missed[type] = count;
  }
  return missed;
}

/** By id; of one that is shown twice the later counts. */
async function objectsIn(
  context: AuthorityContext,
  dataset: string,
  run: Digest,
  type: string,
  isInSlice: Slice,
): Promise<Map<string, string>> {
  const found = new Map<string, string>();
  for await (const item of pagesIn(context.privateStore, dataset, run)) {
    if (item.kind !== 'objects') continue;
    await letOthersRun();
    for (const object of item.objects)
      if (object.type === type && isInSlice(object.id)) found.set(object.id, digestOf(object));
  }
  return found;
}
