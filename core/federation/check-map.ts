/** Map files: fields the taxonomy knows, and lenses that fit the kind of their field. */
import { canonicalJson } from '../digest.js';
import type { Mesh } from './authority.js';
import { fieldMapProblem } from '../lens.js';
import { faultAt, type FaultPath, type PathFault } from './fault.js';
import { mapNameOf } from './files.js';
import { nativeNamesOf, nativeTypes } from './native-types.js';
import { stepsOf, type FieldMap, type LensStep, type TypeMap } from './map.js';
import { suggestion } from './nearest.js';
import {
  authorityOf,
  isBroken,
  mapFor,
  repeatedAt,
  typeNames,
  typeOf,
  type FederationParts,
  type Located,
} from './parts.js';
import type { FieldKind, TaxonomyType } from './taxonomy.js';
import { parseTemplate } from './template.js';

export function checkMaps(parts: FederationParts): readonly PathFault[] {
  return parts.maps.flatMap((map) => {
    const faults = [...checkAuthority(parts, map)];
    const natives = nativesOf(parts, map);
    const mesh = authorityOf(parts, mapNameOf(map.file).authority)?.value.mesh;
    // What a store of records has stands in the file of its authority; without it nothing is known.
    const isKnown = mesh !== undefined || natives.includes(map.value.native);
    if (isKnown && !natives.includes(map.value.native))
      faults.push(faultAt(map.file, ['native'], `must be one of ${natives.join(', ')}`));
    faults.push(...checkState(map, mesh));
    const type = typeOf(parts, map.value.type);
    if (type) return [...faults, ...checkFields(parts, map, type), ...checkCreate(map, type)];
    if (!isBroken(parts, 'taxonomy', map.value.type))
      faults.push(
        faultAt(
          map.file,
          ['type'],
          `no type "${map.value.type}" in taxonomy/; ${suggestion(map.value.type, typeNames(parts))}`,
        ),
      );
    return faults;
  });
}

function checkAuthority(parts: FederationParts, { file }: Located<TypeMap>): readonly PathFault[] {
  const { authority } = mapNameOf(file);
  if (authorityOf(parts, authority) || isBroken(parts, 'authority', authority)) return [];
  const ids = parts.authorities.map(({ value }) => value.authority);
  return [
    faultAt(file, [], `the file is named after "${authority}", which is no authority; ${suggestion(authority, ids)}`),
  ];
}

/** HAZARD: where an account does not say how it suspends, a user has no State, and a field from it would be empty for everybody. */
function checkState({ file, value }: Located<TypeMap>, mesh: Mesh | undefined): readonly PathFault[] {
  if (mesh?.kind !== 'aws-iam' || mesh.suspension !== undefined || value.native !== 'user') return [];
  return Object.entries(value.fields).flatMap(([name, field]) =>
    'path' in field && field.path === 'State'
      ? [
          faultAt(
            file,
            ['fields', name, 'path'],
            'needs "suspension: keysAndDenyPolicy" under mesh of the authority file',
          ),
        ]
      : [],
  );
}

/** What this mesh can hold; what any can, where the file of its authority is missing or broken. */
function nativesOf(parts: FederationParts, { file }: Located<TypeMap>): readonly string[] {
  const mesh = authorityOf(parts, mapNameOf(file).authority)?.value.mesh;
  if (mesh) return nativeNamesOf(mesh);
  return [...new Set(Object.values(nativeTypes).flatMap((natives) => Object.keys(natives)))];
}

function checkFields(parts: FederationParts, map: Located<TypeMap>, type: Located<TaxonomyType>): readonly PathFault[] {
  const { file, value } = map;
  const known = Object.keys(type.value.fields);
  const entries = Object.entries(value.fields);
  const faults = entries.flatMap(([name, fieldMap]) => {
    const path = ['fields', name];
    const kind = type.value.fields[name];
    if (!kind) return [faultAt(file, path, `${type.file} has no field "${name}"; ${suggestion(name, known)}`, 'key')];
    const own = [...checkLens(file, path, fieldMap, kind), ...checkReference(parts, map, path, fieldMap, kind)];
    // The lens has the last word: what it cannot serve must not pass as valid.
    const problem = own.length === 0 ? fieldMapProblem(fieldMap, kind) : null;
    return problem === null ? own : [faultAt(file, path, problem)];
  });
  const placeOf = ([, field]: [string, FieldMap]): string | undefined =>
    'path' in field
      ? `path ${field.path}${partOf(field)}`
      : 'tag' in field
        ? `tag ${field.tag}${partOf(field)}`
        : undefined;
  const whole = new Set(entries.flatMap(([, field]) => ('path' in field && partOf(field) === '' ? [field.path] : [])));
  entries.forEach(([name, field]) => {
    if ('path' in field && partOf(field) !== '' && whole.has(field.path))
      faults.push(
        faultAt(
          file,
          ['fields', name, 'path'],
          'is a part of what another field holds as a whole: neither could be written alone',
        ),
      );
  });
  for (const at of repeatedAt(entries, placeOf)) {
    const [name, field] = entries[at] as [string, FieldMap];
    faults.push(
      faultAt(
        file,
        ['fields', name, 'path' in field ? 'path' : 'tag'],
        'is the place of another field already: two fields cannot be written to one place',
      ),
    );
  }
  return faults;
}

/** Two parts of one text are two places; a part and the whole are refused where the type says what became of them. */
function partOf(field: FieldMap): string {
  const step = stepsOf(field).find((one) => 'part' in one);
  return step && 'part' in step ? ` ${step.part}` : '';
}

function checkLens(file: string, path: FaultPath, fieldMap: FieldMap, kind: FieldKind): readonly PathFault[] {
  if ('constant' in fieldMap || 'from' in fieldMap) return [];
  const steps: readonly LensStep[] = stepsOf(fieldMap);
  const faults: PathFault[] = [];
  steps.forEach((step, at) => {
    const stepPath = [...path, 'through', at];
    if ('references' in step && kind.kind === 'set' && kind.of !== 'text' && step.references !== kind.of)
      faults.push(
        faultAt(file, [...stepPath, 'references'], `must be ${kind.of}, the type that the taxonomy gives this field`),
      );
    else if ('references' in step && (kind.kind !== 'set' || kind.of === 'text'))
      faults.push(faultAt(file, stepPath, 'this field holds no references; take the step away'));
    if ('set' in step && kind.kind !== 'set')
      faults.push(faultAt(file, stepPath, 'this field is no set; take the step away'));
    if ('reference' in step && kind.kind !== 'reference')
      faults.push(faultAt(file, stepPath, 'this field refers to no single record; take the step away'));
    if ('table' in step) {
      const texts = Object.entries(step.table).flatMap(([wanted, natives]) =>
        natives.map((native, position) => ({ native, at: [wanted, position] as const })),
      );
      for (const again of repeatedAt(texts, ({ native }) => native))
        faults.push(
          faultAt(
            file,
            [...stepPath, 'table', ...(texts[again]?.at ?? [])],
            'stands under another value already: the way there would be unclear',
          ),
        );
    }
    if ('enum' in step) {
      const values = Object.entries(step.enum);
      for (const again of repeatedAt(values, ([, federated]) => canonicalJson(federated)))
        faults.push(
          faultAt(
            file,
            [...stepPath, 'enum', values[again]?.[0] ?? ''],
            'leads to a value that another native text leads to: the way back would be unclear',
          ),
        );
    }
  });
  if (kind.kind === 'reference' && !steps.some((step) => 'reference' in step))
    faults.push(
      faultAt(
        file,
        steps.length > 0 ? [...path, 'through'] : path,
        `refers to ${kind.of.join(' or ')}: add the step {reference: {<native type>: ${kind.of[0] ?? ''}}}`,
      ),
    );
  if (kind.kind === 'set') {
    const at = steps.length > 0 ? [...path, 'through'] : path;
    if (!steps.some((step) => 'set' in step)) faults.push(faultAt(file, at, 'is a set: add the step {set: true}'));
    if (kind.of !== 'text' && !steps.some((step) => 'references' in step))
      faults.push(faultAt(file, at, `refers to ${kind.of}: add the step {references: ${kind.of}} before {set: true}`));
  }
  return faults;
}

/** A reference leads to native types of this mesh, and to those that its own maps make into the federated type. */
function checkReference(
  parts: FederationParts,
  map: Located<TypeMap>,
  path: FaultPath,
  fieldMap: FieldMap,
  kind: FieldKind,
): readonly PathFault[] {
  if (kind.kind !== 'reference') return [];
  const { authority } = mapNameOf(map.file);
  const natives = nativesOf(parts, map);
  return stepsOf(fieldMap).flatMap((step, at) => {
    if (!('reference' in step)) return [];
    return Object.entries(step.reference).flatMap(([native, type]) => {
      const place = [...path, 'through', at, 'reference', native];
      if (!natives.includes(native))
        return [faultAt(map.file, place, `is no native type of this mesh; ${suggestion(native, natives)}`, 'key')];
      if (!kind.of.includes(type))
        return [faultAt(map.file, place, `must be ${kind.of.join(' or ')}, as the taxonomy says`)];
      const target = mapFor(parts, authority, type);
      if (target && target.value.native !== native)
        return [
          faultAt(map.file, place, `${target.file} makes ${type} from ${target.value.native}, not from ${native}`),
        ];
      if (!target && !isBroken(parts, 'map', `${authority}.${type}`))
        return [faultAt(map.file, place, `needs maps/${authority}.${type}.yaml: nothing here is a ${type} yet`)];
      return [];
    });
  });
}

function checkCreate({ file, value }: Located<TypeMap>, type: Located<TaxonomyType>): readonly PathFault[] {
  const textFields = Object.entries(type.value.fields).flatMap(([name, field]) =>
    field.kind === 'text' ? [name] : [],
  );
  return Object.entries(value.create).flatMap(([property, given]) => {
    if (!('template' in given)) return [];
    const path = ['create', property, 'template'];
    const parsed = parseTemplate(given.template);
    if (parsed.kind === 'malformed') return [faultAt(file, path, parsed.detail)];
    return parsed.parts.flatMap((part) =>
      part.kind === 'field' && !textFields.includes(part.text)
        ? [faultAt(file, path, `${type.file} has no text field "${part.text}"; ${suggestion(part.text, textFields)}`)]
        : [],
    );
  });
}
