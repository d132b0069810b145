/** Natural keys and tables over all members of a dataset: who takes part must be able to tell, and say, every key. */
import type { Dataset } from './dataset.js';
import { faultAt, type PathFault } from './fault.js';
import { authorityOf, mapFor, typeOf, type FederationParts, type Located } from './parts.js';
import { surfaceOf } from './surface.js';
import { tableOf } from './tables.js';
import type { TypeMap } from './map.js';

/** HAZARD: a member that lacks a field of the key would give the same record another key, and each would look new. */
export function checkKeys(parts: FederationParts, { value }: Located<Dataset>): readonly PathFault[] {
  return value.types.flatMap((name) => {
    const key = typeOf(parts, name)?.value.key ?? [];
    return value.members.flatMap((member) => {
      const map = mapFor(parts, member, name);
      const authority = authorityOf(parts, member);
      const surface = authority && surfaceOf(authority.value, name);
      if (!map || map.value.lifecycle !== 'active' || !surface || !authority) return [];
      return key.flatMap((field) => {
        const exposure = surface.fields[field];
        if (!Object.hasOwn(map.value.fields, field))
          return [faultAt(map.file, ['fields'], `must map "${field}": it is part of the key of ${name}`, 'key')];
        if (exposure === undefined || exposure === 'hidden')
          return [
            faultAt(
              authority.file,
              ['surface', name],
              `must expose "${field}": it is part of the key of ${name}`,
              'key',
            ),
          ];
        return [];
      });
    });
  });
}

/** What one mesh can say and another knows nothing of must be declared, so that it is not missed without a word. */
export function checkTables(parts: FederationParts, { value }: Located<Dataset>): readonly PathFault[] {
  return value.types.flatMap((name) => {
    const maps = value.members.flatMap((member) => {
      const map = mapFor(parts, member, name);
      return map?.value.lifecycle === 'active' ? [map] : [];
    });
    const fields = Object.keys(typeOf(parts, name)?.value.fields ?? {});
    return fields.flatMap((field) => holesOf(maps, field));
  });
}

function holesOf(maps: readonly Located<TypeMap>[], field: string): readonly PathFault[] {
  const tables = maps.flatMap((map) => {
    const found = tableOf(map.value, field);
    return found ? [{ map, ...found }] : [];
  });
  return tables.flatMap(({ map, table, step }) => {
    const missing = new Map<string, string>();
    for (const other of tables)
      for (const [wanted, texts] of Object.entries(other.table))
        if (texts.length > 0 && !Object.hasOwn(table, wanted) && !missing.has(wanted))
          missing.set(wanted, other.map.file);
    return [...missing].map(([wanted, file]) =>
      faultAt(
        map.file,
        ['fields', field, 'through', step, 'table'],
        `knows nothing for "${wanted}", which ${file} translates; say what it is here, or write "${wanted}: []" where this mesh has no such value`,
      ),
    );
  });
}
