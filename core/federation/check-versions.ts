/**
 * Versions of types: what became of each field, and which version a map was written for. What is checked after this is
 * checked in the words of the newest version, for every mesh.
 */
import { isOneToOne } from '../lens/table.js';
import { faultAt, type PathFault } from './fault.js';
import { suggestion } from './nearest.js';
import { typeOf, type FederationParts, type Located } from './parts.js';
import type { Authority } from './authority.js';
import { normalSurface, type TypeSurface } from './surface.js';
import { isTextual, type TaxonomyType } from './taxonomy.js';
import { fieldsBefore, mapInForm, nowCalled, surfaceInForm, versionOf } from './versions.js';

export interface CheckedVersions {
  readonly faults: readonly PathFault[];
  /** Maps and surfaces in the words of the newest version; maps that are wrong count as broken. */
  readonly parts: FederationParts;
}

export function checkVersions(parts: FederationParts): CheckedVersions {
  const faults: PathFault[] = parts.taxonomy.flatMap(checkEarlier);
  const wrong = new Set<string>();
  for (const authority of parts.authorities) faults.push(...checkSurfaceNames(parts, authority));
  for (const map of parts.maps) {
    const own = checkMapVersion(parts, map);
    faults.push(...own);
    if (own.length > 0) wrong.add(map.file);
  }
  const maps = parts.maps.filter(({ file }) => !wrong.has(file));
  const inForm: FederationParts = {
    ...parts,
    maps: maps.map(({ file, value }) => {
      const type = typeOf(parts, value.type);
      return { file, value: type ? mapInForm(value, type.value) : value };
    }),
    authorities: parts.authorities.map(({ file, value }) => ({
      file,
      value: {
        ...value,
        surface: Object.fromEntries(
          Object.entries(value.surface).map(([name, written]) => {
            const type = typeOf(parts, name);
            return [
              name,
              type?.value.earlier ? surfaceInForm(knownOnly(normalSurface(written), type.value), type.value) : written,
            ];
          }),
        ),
      },
    })),
    broken: [...parts.broken, ...wrong],
  };
  return { faults, parts: inForm };
}

function checkEarlier({ file, value }: Located<TaxonomyType>): readonly PathFault[] {
  const { earlier, fields, key = [] } = value;
  const version = versionOf(value);
  if (!earlier)
    return version === 1
      ? []
      : [faultAt(file, ['version'], `say under "earlier" how version ${version - 1} became version ${version}`)];
  if (version === 1)
    return [faultAt(file, ['earlier'], 'there is no version before the first: write "version: 2"', 'key')];
  const known = Object.keys(fields);
  const faults: PathFault[] = [];
  for (const [field, { from, through = [] }] of Object.entries(earlier.moved)) {
    const path = ['earlier', 'moved', field];
    const kind = fields[field];
    if (!kind) {
      faults.push(faultAt(file, path, `is not a field of this type; ${suggestion(field, known)}`, 'key'));
      continue;
    }
    // HAZARD: under a key that is made of other fields every record would be another one.
    if (key.includes(field))
      faults.push(faultAt(file, path, 'is of the key of this type, and a key stays what it was', 'key'));
    // HAZARD: a surface that names it would expose what it hid before.
    if (field !== from && fieldsBefore(value).includes(field))
      faults.push(faultAt(file, path, 'was another field before: give it a name that meant nothing yet', 'key'));
    if (earlier.gone.includes(from))
      faults.push(faultAt(file, [...path, 'from'], `"${from}" is gone and moved at once`));
    if (through.length > 1) faults.push(faultAt(file, [...path, 'through'], 'holds more than one step'));
    const [step] = through;
    if (step && !isTextual(kind) && 'part' in step)
      faults.push(faultAt(file, [...path, 'through', 0], `${field} is no text, and has no parts`));
    if (step && 'enum' in step && !isOneToOne(step.enum))
      faults.push(faultAt(file, [...path, 'through', 0, 'enum'], 'is not one to one: the way back would be unclear'));
    // What only one half of is kept would be lost at the next agreement.
    if (step && 'part' in step && !hasOtherPart(value, from, step))
      faults.push(
        faultAt(
          file,
          [...path, 'through', 0],
          `the other part of "${from}" is moved nowhere: its values would be lost`,
        ),
      );
  }
  for (const name of [...earlier.added, ...earlier.gone])
    if (earlier.added.includes(name) && (!known.includes(name) || Object.hasOwn(earlier.moved, name)))
      faults.push(
        faultAt(file, ['earlier', 'added'], `"${name}" must be a field of this type that nothing was moved to`),
      );
  for (const name of key)
    if (earlier.added.includes(name))
      faults.push(
        faultAt(file, ['earlier', 'added'], `"${name}" is of the key of this type, and a key stays what it was`),
      );
  for (const from of repeatedWhole(value))
    faults.push(
      faultAt(
        file,
        ['earlier', 'moved'],
        `"${from}" becomes two fields as a whole: neither could be written without the other`,
      ),
    );
  return faults;
}

function hasOtherPart(
  { earlier }: TaxonomyType,
  from: string,
  step: { readonly part: string; readonly at: string },
): boolean {
  return Object.values(earlier?.moved ?? {}).some(
    (other) =>
      other.from === from &&
      (other.through ?? []).some((one) => 'part' in one && one.at === step.at && one.part !== step.part),
  );
}

/** Fields of before that more than one field of now reads as a whole, or as a whole and in parts. */
function repeatedWhole(type: TaxonomyType): readonly string[] {
  const readers = new Map<string, boolean[]>();
  for (const field of Object.keys(type.fields)) {
    const move = type.earlier?.moved[field];
    const from = move?.from ?? (type.earlier?.added.includes(field) === true ? undefined : field);
    if (from === undefined) continue;
    readers.set(from, [...(readers.get(from) ?? []), (move?.through ?? []).some((step) => 'part' in step)]);
  }
  return [...readers].flatMap(([from, isPart]) =>
    isPart.length > 2 || (isPart.length === 2 && isPart.includes(false)) ? [from] : [],
  );
}

function checkMapVersion(
  parts: FederationParts,
  { file, value }: FederationParts['maps'][number],
): readonly PathFault[] {
  const type = typeOf(parts, value.type);
  if (!type) return [];
  const [own, current] = [versionOf(value), versionOf(type.value)];
  if (own === current) return [];
  if (own !== current - 1)
    return [
      faultAt(
        file,
        value.version === undefined ? [] : ['version'],
        `is for version ${own} of ${value.type}; ${type.file} is of version ${current} and reads maps of ${current - 1} and ${current}`,
      ),
    ];
  const before = fieldsBefore(type.value);
  return Object.keys(value.fields)
    .filter((field) => !before.includes(field))
    .map((field) =>
      faultAt(
        file,
        ['fields', field],
        `version ${own} of ${value.type} has no field "${field}"; ${suggestion(field, before)}`,
        'key',
      ),
    );
}

/** The surface may be in the words of now or of before, whichever version its map is of. */
function checkSurfaceNames(parts: FederationParts, { file, value }: Located<Authority>): readonly PathFault[] {
  return Object.entries(value.surface).flatMap(([name, written]) => {
    const type = typeOf(parts, name)?.value;
    if (!type?.earlier) return [];
    const known = [...new Set([...Object.keys(type.fields), ...fieldsBefore(type)])];
    const surface = normalSurface(written);
    const unknown = Object.keys(surface.fields).filter((field) => !known.includes(field));
    return [
      ...unknown.map((field) =>
        faultAt(
          file,
          ['surface', name],
          `neither version of ${name} has a field "${field}"; ${suggestion(field, known)}`,
          'key',
        ),
      ),
      ...surface.where.flatMap(({ field }, at) =>
        Object.hasOwn(type.fields, nowCalled(type, field))
          ? []
          : [
              faultAt(
                file,
                ['surface', name, 'where', at, 'field'],
                `is no whole field of version ${versionOf(type)}: rows cannot be filtered by it`,
              ),
            ],
      ),
    ];
  });
}

/** What is no field of either version has its fault already. */
function knownOnly(surface: TypeSurface, type: TaxonomyType): TypeSurface {
  return { ...surface, where: surface.where.filter(({ field }) => Object.hasOwn(type.fields, nowCalled(type, field))) };
}
