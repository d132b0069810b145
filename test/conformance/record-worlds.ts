/** Folders of files as worlds: with JSON Lines or CSV, in one file a type or in parts. */
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { FolderMesh } from '../../activities/connectors/folder/config.js';
import { connectorFor, type World } from './world.js';

export interface FolderWorld extends World {
  readonly mesh: FolderMesh;
  readonly folder: string;
}

/** Parts are so small that each new row or two come to lie in one of their own. */
export const partBytesMax = 60;

export async function startFolderWorld(
  format: 'jsonLines' | 'csv',
  layout: 'files' | 'parts' = 'files',
): Promise<FolderWorld> {
  const folder = await mkdtemp(join(tmpdir(), 'concordat-folder-'));
  const extension = format === 'csv' ? 'csv' : 'jsonl';
  const placed = (name: string) => (layout === 'parts' ? { parts: `${name}/` } : { file: `${name}.${extension}` });
  const mesh: FolderMesh = {
    kind: 'folder',
    path: folder,
    files: {
      parcel: { ...placed('parcels'), format, key: ['id'] },
      pair: { ...placed('pairs'), format, key: ['left', 'right'] },
    },
  };
  const reset = async (): Promise<void> => {
    for (const [name, header] of [
      ['parcels', 'id,name,note\n'],
      ['pairs', 'left,right,note\n'],
    ] as const) {
      const text = format === 'csv' ? header : '';
      if (layout === 'files') await writeFile(join(folder, `${name}.${extension}`), text);
      else {
        await rm(join(folder, name), { recursive: true, force: true });
        await mkdir(join(folder, name));
        for (const part of ['part-0', 'part-1']) await writeFile(join(folder, name, `${part}.${extension}`), text);
      }
    }
  };
  await reset();
  return {
    name: `folder ${format}`,
    folder,
    mesh,
    environment: {},
    deviations: [],
    connector: (wishes) => connectorFor(mesh, {}, { partBytesMax, ...wishes }),
    reset,
    stop: () => rm(folder, { recursive: true, force: true }),
  };
}
