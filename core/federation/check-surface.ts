/** The surface of an authority against taxonomy and maps: what it names must be there, and must be possible. */
import type { Authority } from './authority.js';
import { faultAt, type FaultPath, type PathFault } from './fault.js';
import { suggestion } from './nearest.js';
import { isBroken, mapFor, repeatedAt, typeOf, type FederationParts, type Located } from './parts.js';
import type { WrittenTypeSurface } from './surface.js';
import { isTextual, type FieldKind, type TaxonomyType } from './taxonomy.js';
import type { TypeMap } from './map.js';
import { unknownType } from './unknown-type.js';

export function checkSurface(parts: FederationParts, { file, value }: Located<Authority>): readonly PathFault[] {
  return Object.entries(value.surface).flatMap(([typeName, written]) => {
    const path: FaultPath = ['surface', typeName];
    const type = typeOf(parts, typeName);
    if (!type) return unknownType(parts, file, path, typeName);
    const faults = Array.isArray(written)
      ? repeatedAt(written, (field) => field).map((at) => faultAt(file, [...path, at], 'is listed already'))
      : [];
    const map = mapFor(parts, value.authority, typeName);
    const mapName = `${value.authority}.${typeName}`;
    if (!map) {
      if (!isBroken(parts, 'map', mapName))
        faults.push(faultAt(file, path, `has no map: write maps/${mapName}.yaml or take the type away`, 'key'));
      return faults;
    }
    const place: Place = { file, path, type, map };
    return [...faults, ...checkFields(place, written), ...checkWhere(place, written)];
  });
}

interface Place {
  readonly file: string;
  readonly path: FaultPath;
  readonly type: Located<TaxonomyType>;
  readonly map: Located<TypeMap>;
}

function checkFields({ file, path, type, map }: Place, written: WrittenTypeSurface): readonly PathFault[] {
  const short = Array.isArray(written);
  const listed = short ? written.map((field) => [field, 'clear'] as const) : Object.entries(written.fields);
  return listed.flatMap(([field, exposure], at): readonly PathFault[] => {
    const fieldPath = short ? [...path, at] : [...path, 'fields', field];
    const fault = (message: string, on: 'key' | 'value'): PathFault[] => [faultAt(file, fieldPath, message, on)];
    const on = short ? 'value' : 'key';
    const kind = kindOf(type, field);
    if (!kind)
      return fault(`${type.file} has no field "${field}"; ${suggestion(field, Object.keys(type.value.fields))}`, on);
    if (exposure === 'hidden') return [];
    if (!Object.hasOwn(map.value.fields, field))
      return fault(`is not mapped in ${map.file}: map "${field}" there, or take it out of the surface`, on);
    if (exposure === 'digest' && kind.kind === 'set')
      return fault(
        kind.of === 'text'
          ? 'is a set, and sets merge element by element, which digests do not allow; write clear or hidden'
          : `refers to ${kind.of}: its elements are federated keys, which say nothing by themselves; write clear or hidden`,
        'value',
      );
    if (exposure === 'digest' && kind.kind === 'effect')
      return fault(
        'is a set of capabilities, compared one by one, which digests do not allow; write clear or hidden',
        'value',
      );
    if (exposure === 'digest' && kind.kind === 'reference')
      return fault('refers to a record by its federated key, which says nothing by itself; write clear', 'value');
    if (exposure === 'digest' && type.value.key?.includes(field))
      return fault(
        `is part of the key of ${type.value.type}: members find the same record by its clear value; write clear`,
        'value',
      );
    return [];
  });
}

function checkWhere({ file, path, type, map }: Place, written: WrittenTypeSurface): readonly PathFault[] {
  if (Array.isArray(written)) return [];
  const faults = repeatedAt(written.where, ({ field }) => field).map((at) =>
    faultAt(file, [...path, 'where', at, 'field'], 'has a condition already'),
  );
  written.where.forEach(({ field, equals }, at) => {
    const conditionPath = [...path, 'where', at];
    const kind = kindOf(type, field);
    const fault = (step: 'field' | 'equals', message: string): void =>
      void faults.push(faultAt(file, [...conditionPath, step], message));
    if (!kind)
      return fault(
        'field',
        `${type.file} has no field "${field}"; ${suggestion(field, Object.keys(type.value.fields))}`,
      );
    if (!Object.hasOwn(map.value.fields, field))
      return fault('field', `is not mapped in ${map.file}, so no record here could be told to meet it`);
    if (kind.kind === 'set') return fault('field', 'is a set; rows are filtered by single values only');
    if (kind.kind === 'effect')
      return fault('field', 'is worked out when the snapshot is sealed; rows are filtered by plain values only');
    if (kind.kind === 'reference')
      return fault('field', 'refers to another record; rows are filtered by plain values only');
    if (kind.kind === 'list' || kind.kind === 'keyedList')
      return fault('field', 'is a list; rows are filtered by single values only');
    const wanted = isTextual(kind) ? 'string' : 'boolean';
    if (equals !== null && typeof equals !== wanted)
      return fault('equals', `must be ${isTextual(kind) ? 'a text' : 'true or false'}, as ${field} is, or null`);
  });
  return faults;
}

function kindOf(type: Located<TaxonomyType>, field: string): FieldKind | undefined {
  return Object.hasOwn(type.value.fields, field) ? type.value.fields[field] : undefined;
}
