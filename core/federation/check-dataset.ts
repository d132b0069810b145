/** Dataset files: members, types and rules that join records. */
import { checkKeys, checkTables } from './check-natural-keys.js';
import { checkResolution } from './check-resolution.js';
import { cronFault } from './cron.js';
import type { Dataset } from './dataset.js';
import { faultAt, type PathFault } from './fault.js';
import { suggestion } from './nearest.js';
import { surfaceOf } from './surface.js';
import { referredTypes } from './taxonomy.js';
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

export function checkDatasets(parts: FederationParts): readonly PathFault[] {
  return parts.datasets.flatMap((dataset) => [
    ...checkSchedule(dataset),
    ...checkDatasetMembers(parts, dataset),
    ...checkTypes(parts, dataset),
    ...checkCorrelation(parts, dataset),
    ...checkUnmatchable(parts, dataset),
    ...checkDrift(dataset),
    ...checkKeys(parts, dataset),
    ...checkTables(parts, dataset),
    ...checkResolution(parts, dataset),
  ]);
}

function checkDrift({ file, value }: Located<Dataset>): readonly PathFault[] {
  return Object.keys(value.drift ?? {}).flatMap((type) =>
    value.types.includes(type)
      ? []
      : [faultAt(file, ['drift', type], `"${type}" is no type of this dataset; ${suggestion(type, value.types)}`)],
  );
}

function checkSchedule({ file, value }: Located<Dataset>): readonly PathFault[] {
  const cron = value.schedule?.cron;
  const fault = cron === undefined ? undefined : cronFault(cron);
  return fault === undefined ? [] : [faultAt(file, ['schedule', 'cron'], fault)];
}

function checkDatasetMembers(parts: FederationParts, { file, value }: Located<Dataset>): readonly PathFault[] {
  const members = parts.federation?.value.members.map((member) => member.id);
  const faults = repeatedAt(value.members, (member) => member).map((at) =>
    faultAt(file, ['members', at], 'is listed already'),
  );
  value.members.forEach((member, at) => {
    const path = ['members', at];
    if (members && !members.includes(member))
      return void faults.push(
        faultAt(file, path, `"${member}" is not a member in federation.yaml; ${suggestion(member, members)}`),
      );
    const authority = authorityOf(parts, member);
    const unsure = !authority || value.types.some((type) => isBroken(parts, 'map', `${member}.${type}`));
    if (unsure || value.types.every((type) => !typeOf(parts, type))) return;
    const takesPart = value.types.some(
      (type) =>
        surfaceOf(authority.value, type) !== undefined && mapFor(parts, member, type)?.value.lifecycle === 'active',
    );
    if (!takesPart)
      faults.push(
        faultAt(
          file,
          path,
          `"${member}" exposes nothing of this dataset: it needs an active map and a surface for one of ${value.types.join(', ')}`,
        ),
      );
  });
  return faults;
}

function checkTypes(parts: FederationParts, { file, value }: Located<Dataset>): readonly PathFault[] {
  const faults = repeatedAt(value.types, (type) => type).map((at) => faultAt(file, ['types', at], 'is listed already'));
  value.types.forEach((name, at) => {
    const path = ['types', at];
    const type = typeOf(parts, name);
    if (!type) {
      if (!isBroken(parts, 'taxonomy', name))
        faults.push(faultAt(file, path, `no type "${name}" in taxonomy/; ${suggestion(name, typeNames(parts))}`));
      return;
    }
    for (const [field, kind] of Object.entries(type.value.fields)) {
      const targets = referredTypes(kind);
      // Of several, one is enough: what leads to another type is set aside.
      if (targets.length > 0 && !targets.some((target) => value.types.includes(target)))
        faults.push(
          faultAt(
            file,
            path,
            `${name}.${field} refers to ${targets.join(' or ')}, which this dataset does not hold; add ${targets.join(' or ')} to its types`,
          ),
        );
    }
  });
  return faults;
}

function checkCorrelation(parts: FederationParts, { file, value }: Located<Dataset>): readonly PathFault[] {
  return Object.entries(value.correlation).flatMap(([typeName, rules]) => {
    if (!value.types.includes(typeName))
      return [
        faultAt(
          file,
          ['correlation', typeName],
          `is no type of this dataset; ${suggestion(typeName, value.types)}`,
          'key',
        ),
      ];
    const type = typeOf(parts, typeName);
    if (!type) return [];
    if (type.value.key)
      return [
        faultAt(
          file,
          ['correlation', typeName],
          `${typeName} has a natural key (${type.value.key.join(', ')}): its records are never joined by rules; take this away`,
          'key',
        ),
      ];
    const known = Object.keys(type.value.fields);
    return rules.flatMap((rule, ruleAt) =>
      rule.match.flatMap((name, at) => {
        const path = ['correlation', typeName, ruleAt, 'match', at];
        const field = type.value.fields[name];
        if (!field) return [faultAt(file, path, `${type.file} has no field "${name}"; ${suggestion(name, known)}`)];
        if (field.kind === 'reference')
          return [faultAt(file, path, `"${name}" refers to another record; records are matched by plain values only`)];
        if (field.kind === 'effect')
          return [
            faultAt(file, path, `"${name}" is an effect, which many records share; records are matched by texts`),
          ];
        if (field.kind === 'set')
          return [faultAt(file, path, `"${name}" is a set; records are matched by single values only`)];
        if (name === type.value.label)
          return [
            faultAt(
              file,
              path,
              `"${name}" is the label of ${typeName}: records are never matched by display name, because two people may share one`,
            ),
          ];
        if (field.kind === 'boolean')
          return [
            faultAt(
              file,
              path,
              `"${name}" is true or false, which half of all ${typeName} records share: records are matched by texts that tell them apart`,
            ),
          ];
        return fewExpose(parts, value, typeName, name)
          ? [faultAt(file, path, `fewer than two members expose "${name}", so this rule could never match`)]
          : [];
      }),
    );
  });
}

function checkUnmatchable(parts: FederationParts, { file, value }: Located<Dataset>): readonly PathFault[] {
  return Object.keys(value.unmatchable ?? {}).flatMap((typeName) => {
    const path = ['unmatchable', typeName];
    if (!value.types.includes(typeName))
      return [faultAt(file, path, `is no type of this dataset; ${suggestion(typeName, value.types)}`, 'key')];
    if (typeOf(parts, typeName)?.value.key)
      return [faultAt(file, path, `${typeName} has a natural key, so none of its records has to be matched`, 'key')];
    return (value.correlation[typeName] ?? []).length === 0
      ? [faultAt(file, path, `no rule matches ${typeName} yet, so nothing of it could be unmatchable`, 'key')]
      : [];
  });
}

function fewExpose(parts: FederationParts, dataset: Dataset, type: string, field: string): boolean {
  const authorities = dataset.members.map((member) => authorityOf(parts, member));
  if (authorities.includes(undefined)) return false;
  return authorities.filter((authority) => authority && surfaceOf(authority.value, type)?.fields[field]).length < 2;
}
