/** Constraints of an authority file: names that exist, limits that limit something, and moments that can be told apart. */
import { durationMs } from '../duration.js';
import type { Authority } from './authority.js';
import type { FreezeWindow } from './constraints.js';
import { faultAt, type FaultPath, type PathFault } from './fault.js';
import { suggestion } from './nearest.js';
import { repeatedAt, typeOf, type FederationParts, type Located } from './parts.js';
import { surfaceOf } from './surface.js';
import { unknownType } from './unknown-type.js';

type LocatedAuthority = Located<Authority>;

export function checkConstraints(parts: FederationParts, authority: LocatedAuthority): readonly PathFault[] {
  return [
    ...checkBrakes(parts, authority),
    ...checkFreezeWindows(authority),
    ...checkProtected(parts, authority),
    ...checkWritable(parts, authority),
    ...checkResidency(parts, authority),
    ...checkCeilings(parts, authority),
    ...checkRules(parts, authority),
    ...checkFreshness(parts, authority),
  ];
}

function checkBrakes(parts: FederationParts, { file, value }: LocatedAuthority): readonly PathFault[] {
  return Object.entries(value.constraints.brakes).flatMap(([typeName, brake]) => {
    const path = ['constraints', 'brakes', typeName];
    const faults: PathFault[] = typeOf(parts, typeName) ? [] : [...unknownType(parts, file, path, typeName)];
    if (Object.values(brake).every((limit) => limit === undefined))
      faults.push(faultAt(file, path, 'limits nothing; give operationsMax, percentMax or deletionsMax'));
    return faults;
  });
}

function checkFreezeWindows({ file, value }: LocatedAuthority): readonly PathFault[] {
  return value.constraints.freezeWindows.flatMap((window, at) => {
    const path = ['constraints', 'freezeWindows', at];
    const unlike = (['from', 'to'] as const).filter(
      (end) => hasOffset(window[end]) === (window.timeZone !== undefined),
    );
    if (unlike.length > 0)
      return unlike.map((end) =>
        faultAt(
          file,
          [...path, end],
          window.timeZone === undefined
            ? 'says neither an offset (2026-12-24T00:00:00Z) nor, with timeZone, whose clocks are meant'
            : 'has an offset and a timeZone beside it; leave one of them out',
        ),
      );
    return isBefore(window) ? [] : [faultAt(file, [...path, 'to'], 'must be later than "from"')];
  });
}

function hasOffset(moment: string): boolean {
  const time = moment.slice(10);
  return time.endsWith('Z') || time.includes('+') || time.includes('-');
}

/** Local times of one zone are ordered like their texts. */
function isBefore({ from, to, timeZone }: FreezeWindow): boolean {
  return timeZone === undefined ? Date.parse(from) < Date.parse(to) : from < to;
}

function checkProtected(parts: FederationParts, { file, value }: LocatedAuthority): readonly PathFault[] {
  return value.constraints.protected.flatMap((rule, at) => {
    const path = ['constraints', 'protected', at];
    const type = typeOf(parts, rule.type);
    if (!type) return unknownType(parts, file, [...path, 'type'], rule.type, 'value');
    const unknown = unknownFields(parts, file, [...path, 'where'], rule.type, Object.keys(rule.where));
    if (Object.keys(rule.where).length > 0) return unknown;
    return [faultAt(file, [...path, 'where'], 'names no field, so it would protect every record; say which')];
  });
}

function checkWritable(parts: FederationParts, { file, value }: LocatedAuthority): readonly PathFault[] {
  return Object.entries(value.constraints.writable ?? {}).flatMap(([typeName, terms]) => {
    const path = ['constraints', 'writable', typeName];
    if (!typeOf(parts, typeName)) return unknownType(parts, file, path, typeName);
    return (terms.fields ?? []).flatMap((field, at) =>
      unknownField(parts, file, [...path, 'fields', at], typeName, field, 'value'),
    );
  });
}

function checkResidency(parts: FederationParts, { file, value }: LocatedAuthority): readonly PathFault[] {
  return Object.entries(value.constraints.residency?.keepWithin ?? {}).flatMap(([typeName, fields]) => {
    const path = ['constraints', 'residency', 'keepWithin', typeName];
    if (!typeOf(parts, typeName)) return unknownType(parts, file, path, typeName);
    return unknownFields(parts, file, path, typeName, Object.keys(fields));
  });
}

function checkCeilings(parts: FederationParts, { file, value }: LocatedAuthority): readonly PathFault[] {
  return (value.constraints.ceilings ?? []).flatMap((ceiling, at) => {
    const path = ['constraints', 'ceilings', at];
    if (!typeOf(parts, ceiling.type)) return unknownType(parts, file, [...path, 'type'], ceiling.type, 'value');
    const named = unknownFields(parts, file, [...path, 'where'], ceiling.type, Object.keys(ceiling.where));
    const limited = unknownField(parts, file, [...path, 'field'], ceiling.type, ceiling.field, 'value');
    const sealed = [ceiling.field, ...Object.keys(ceiling.where)].filter((field) =>
      isSealed(parts, ceiling.type, field),
    );
    return [
      ...named,
      ...limited,
      ...sealed.map((field) =>
        faultAt(
          file,
          path,
          `${ceiling.type}.${field} is shown as a digest by a member, so what it says cannot be compared with a ceiling`,
        ),
      ),
    ];
  });
}

function isSealed(parts: FederationParts, type: string, field: string): boolean {
  return parts.authorities.some(({ value }) => surfaceOf(value, type)?.fields[field] === 'digest');
}

function checkRules(parts: FederationParts, { file, value }: LocatedAuthority): readonly PathFault[] {
  const rules = value.constraints.rules ?? [];
  const path = ['constraints', 'rules'];
  return [
    ...repeatedAt(rules, ({ name }) => name).map((at) =>
      faultAt(file, [...path, at, 'name'], 'is the name of another rule already: refusals name the rule'),
    ),
    ...rules.flatMap((rule, at) =>
      typeOf(parts, rule.for.type)
        ? []
        : unknownType(parts, file, [...path, at, 'for', 'type'], rule.for.type, 'value'),
    ),
  ];
}

function checkFreshness(parts: FederationParts, { file, value }: LocatedAuthority): readonly PathFault[] {
  const { freshness } = value.constraints;
  return parts.datasets.flatMap((dataset) => {
    const wait = dataset.value.approval.waitInRun;
    if (!dataset.value.members.includes(value.authority) || durationMs(freshness) >= durationMs(wait)) return [];
    return [
      faultAt(
        file,
        ['constraints', 'freshness'],
        `${freshness} is shorter than the ${wait} that ${dataset.file} waits for reviews (approval.waitInRun): what is approved late in a run could never be written; raise this or lower that`,
      ),
    ];
  });
}

function unknownFields(
  parts: FederationParts,
  file: string,
  path: FaultPath,
  typeName: string,
  fields: readonly string[],
): readonly PathFault[] {
  return fields.flatMap((field) => unknownField(parts, file, [...path, field], typeName, field, 'key'));
}

function unknownField(
  parts: FederationParts,
  file: string,
  path: FaultPath,
  typeName: string,
  field: string,
  at: 'key' | 'value',
): readonly PathFault[] {
  const type = typeOf(parts, typeName);
  const known = Object.keys(type?.value.fields ?? {});
  if (!type || known.includes(field)) return [];
  return [faultAt(file, path, `${type.file} has no field "${field}"; ${suggestion(field, known)}`, at)];
}
