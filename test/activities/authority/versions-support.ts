/** The versions that a run's snapshots publish, without the times at which they were seen. */
import { readAll } from '../../../activities/sealing/read-records.js';
import { createSegmentReader } from '../../../activities/sealing/segment-reader.js';
import type { Recomputed } from '../../../activities/recompute.js';
import { RecordVersions, versionsField } from '../../../core/record-versions.js';
import type { GateWorld } from './gate-world.js';

export async function readLatestVersions(
  world: GateWorld,
  { snapshots }: Recomputed,
): Promise<{ readonly member: string; readonly vectors: RecordVersions['vectors'] }[]> {
  const found: { readonly member: string; readonly vectors: RecordVersions['vectors'] }[] = [];
  for (const [member, { versions }] of Object.entries(snapshots).sort(([left], [right]) => (left < right ? -1 : 1))) {
    const reader = createSegmentReader({ store: world.exchange, prefixes: [member] });
    for (const { sealed } of versions)
      for await (const { fields } of readAll(sealed, reader))
        found.push({ member, vectors: RecordVersions.parse(fields[versionsField]).vectors });
  }
  return found;
}
