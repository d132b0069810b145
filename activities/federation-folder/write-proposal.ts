/** Writes proposed files beside the federation files, where nobody reads them until a person has moved them. */
import { access, mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { ConcordatError } from '../../core/errors.js';

/** `maps/lyon.shipment.yaml` → `proposals/lyon.shipment.yaml`. */
export function proposalFileOf(file: string): string {
  return `proposals/${file.slice(file.lastIndexOf('/') + 1)}`;
}

/** All or none, and never over one that is there: somebody may have edited it. Throws usage. */
export async function writeProposals(
  folder: string,
  proposals: readonly { readonly file: string; readonly text: string }[],
): Promise<readonly string[]> {
  const places = proposals.map(({ file }) => proposalFileOf(file));
  const there = await Promise.all(places.map((place) => isThere(path.join(folder, place))));
  const taken = places.filter((_, at) => there[at]);
  if (taken.length > 0)
    throw new ConcordatError(
      'usage',
      `${taken.join(', ')} ${taken.length === 1 ? 'is' : 'are'} there already and ${taken.length === 1 ? 'is' : 'are'} never written over; use it, or delete it and propose again`,
    );
  await mkdir(path.join(folder, 'proposals'), { recursive: true });
  for (const { file, text } of proposals)
    await writeFile(path.join(folder, proposalFileOf(file)), text, { flag: 'wx' });
  return places;
}

async function isThere(file: string): Promise<boolean> {
  return access(file).then(
    () => true,
    () => false,
  );
}
