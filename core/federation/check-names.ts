/** File names against what the files say of themselves: people look a thing up by its file name. */
import { faultAt, type PathFault } from './fault.js';
import { folderOf, mapNameOf, stemOf, type NamedKind } from './files.js';
import type { FederationParts, Located } from './parts.js';

const nameField: Readonly<Record<NamedKind, string>> = {
  authority: 'authority',
  taxonomy: 'type',
  map: 'type',
  dataset: 'dataset',
};

export interface CheckedNames {
  readonly faults: readonly PathFault[];
  /** The parts without misnamed files. Both their names count as broken: one slip is one fault, not one in every file that refers to it. */
  readonly parts: FederationParts;
}

export function checkNames(parts: FederationParts): CheckedNames {
  const faults: PathFault[] = [];
  const broken: string[] = [];
  const wellNamed = <Value>(kind: NamedKind, items: readonly Located<Value>[], saysOf: (value: Value) => string) =>
    items.filter(({ file, value }) => {
      const says = saysOf(value);
      const named = kind === 'map' ? mapNameOf(file).type : stemOf(file);
      if (says === named) return true;
      const path = [nameField[kind]];
      const rule = kind === 'map' ? 'map files are named <authority>.<type>.yaml' : 'the two must be the same';
      faults.push(faultAt(file, path, `is "${says}" in a file named ${stemOf(file)}.yaml; ${rule}`));
      const other = items.find((item) => item.file !== file && saysOf(item.value) === says);
      if (other && kind !== 'map')
        faults.push(
          faultAt(file, path, `"${says}" is the ${nameField[kind]} of ${other.file} already; it is given once`),
        );
      const meant = kind === 'map' ? `${mapNameOf(file).authority}.${says}` : says;
      broken.push(file, `${folderOf[kind]}/${meant}.yaml`);
      return false;
    });
  const checked = {
    authorities: wellNamed('authority', parts.authorities, (value) => value.authority),
    taxonomy: wellNamed('taxonomy', parts.taxonomy, (value) => value.type),
    maps: wellNamed('map', parts.maps, (value) => value.type),
    datasets: wellNamed('dataset', parts.datasets, (value) => value.dataset),
  };
  return { faults, parts: { ...parts, ...checked, broken: [...parts.broken, ...broken] } };
}
