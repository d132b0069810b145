/** Folders of files as worlds: one with JSON Lines, one with CSV. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { FolderMesh } from '../../activities/connectors/folder/config.js';
import { connectorFor, type World } from './world.js';

export interface FolderWorld extends World {
  readonly mesh: FolderMesh;
  readonly folder: string;
}

export async function startFolderWorld(format: 'jsonLines' | 'csv'): Promise<FolderWorld> {
  const folder = await mkdtemp(join(tmpdir(), 'concordat-folder-'));
  const extension = format === 'csv' ? 'csv' : 'jsonl';
  const mesh: FolderMesh = {
    kind: 'folder',
    path: folder,
    files: {
      parcel: { file: `parcels.${extension}`, format, key: ['id'] },
      pair: { file: `pairs.${extension}`, format, key: ['left', 'right'] },
    },
  };
  const reset = async (): Promise<void> => {
    await writeFile(join(folder, `parcels.${extension}`), format === 'csv' ? 'id,name,note\n' : '');
    await writeFile(join(folder, `pairs.${extension}`), format === 'csv' ? 'left,right,note\n' : '');
  };
  await reset();
  return {
    name: `folder ${format}`,
    folder,
    mesh,
    environment: {},
    deviations: [],
    connector: (wishes) => connectorFor(mesh, {}, wishes),
    reset,
    stop: () => rm(folder, { recursive: true, force: true }),
  };
}
