/** Names of objects in a store: parts between slashes. Anything that could leave a folder, or hide in it, is refused. */
import { ConcordatError } from '../core/errors.js';

const partBytesMax = 255;

/** The parts of a name. Throws storeFault where it cannot name an object in any store. */
export function partsOfName(name: string): readonly string[] {
  const parts = name.split('/');
  const faulty = parts.some(
    (part) =>
      part === '' ||
      part.startsWith('.') ||
      Buffer.byteLength(part) > partBytesMax ||
      // oxlint-disable-next-line no-control-regex -- control characters are exactly what is refused
      /[\u0000-\u001f\u007f\\]/.test(part) ||
      Buffer.from(part).toString() !== part,
  );
  if (faulty) throw new ConcordatError('storeFault', `${JSON.stringify(name)} cannot name an object in a store`);
  return parts;
}

/** The folder that a prefix lies in; '' for the top. Throws storeFault as partsOfName does. */
export function folderOfPrefix(prefix: string): string {
  const lastSlash = prefix.lastIndexOf('/');
  const folder = lastSlash < 0 ? '' : prefix.slice(0, lastSlash);
  if (folder !== '') partsOfName(folder);
  return folder;
}

const versionDigits = 12;

/** The object that holds one version of a head. Padded, so that names order as the versions do. */
export function versionName(head: string, version: number): string {
  return `${head}/${String(version).padStart(versionDigits, '0')}`;
}

/** Null where the last part of a name is no version. */
export function versionOf(lastPart: string): number | null {
  return /^[0-9]{12}$/.test(lastPart) ? Number(lastPart) : null;
}
