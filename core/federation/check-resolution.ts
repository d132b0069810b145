/** `resolution` in dataset files: policies that could never decide, or not as they are written. */
import type { Dataset } from './dataset.js';
import { faultAt, type FaultPath, type PathFault } from './fault.js';
import { suggestion } from './nearest.js';
import { authorityOf, mapFor, repeatedAt, typeOf, type FederationParts, type Located } from './parts.js';
import type { FieldPolicy, SuspendFirst, TypePolicy } from './resolution.js';
import { surfaceOf } from './surface.js';
import { effectFieldsOf, type FieldKind, type TaxonomyType } from './taxonomy.js';

export function checkResolution(parts: FederationParts, dataset: Located<Dataset>): readonly PathFault[] {
  return Object.entries(dataset.value.resolution ?? {}).flatMap(([name, policy]) => {
    const path = ['resolution', name];
    if (!dataset.value.types.includes(name))
      return [
        faultAt(dataset.file, path, `is no type of this dataset; ${suggestion(name, dataset.value.types)}`, 'key'),
      ];
    const type = typeOf(parts, name);
    if (!type) return [];
    const check = new TypeCheck(parts, dataset, type.value, path);
    return [
      ...check.fields(policy),
      ...check.deletion(policy),
      ...check.unique(policy),
      ...check.together(policy),
      ...check.sameEffect(policy),
    ];
  });
}

/** How the members of the dataset hold a field; undefined for a member whose files are broken. */
type Holding = 'clear' | 'digest' | 'none' | undefined;

class TypeCheck {
  readonly #parts: FederationParts;
  readonly #dataset: Located<Dataset>;
  readonly #type: TaxonomyType;
  readonly #path: FaultPath;

  constructor(parts: FederationParts, dataset: Located<Dataset>, type: TaxonomyType, path: FaultPath) {
    this.#parts = parts;
    this.#dataset = dataset;
    this.#type = type;
    this.#path = path;
  }

  fields(policy: TypePolicy): readonly PathFault[] {
    return Object.entries(policy.fields ?? {}).flatMap(([field, own]) => {
      const path = ['fields', field];
      const kind = this.#type.fields[field];
      if (!kind) return [this.#unknownField(path, field, 'key')];
      if (this.#type.key?.includes(field))
        return [this.#fault(path, `"${field}" is part of the key of ${this.#type.type}, so it never differs`, 'key')];
      if (kind.kind === 'effect')
        return [
          this.#fault(
            path,
            `"${field}" is an effect: nobody can write it, so no policy could decide it; its differences are shown, and ended where the policies and roles are`,
            'key',
          ),
        ];
      const unheld = this.#unheld(path, field);
      if (unheld) return [unheld];
      return this.#policy([...path, 'kind'], field, kind, own);
    });
  }

  #policy(path: FaultPath, field: string, kind: FieldKind, policy: FieldPolicy): readonly PathFault[] {
    const isSet = kind.kind === 'set';
    switch (policy.kind) {
      case 'owned':
        return this.#owner([...path.slice(0, -1), 'by'], field, policy.by);
      case 'union':
      case 'intersection':
        return isSet ? [] : [this.#fault(path, `${policy.kind} is for sets, and "${field}" holds one value`)];
      case 'latest':
        return isSet
          ? [this.#fault(path, `"${field}" is a set, whose elements are merged one by one; none of them is the latest`)]
          : [];
      case 'leastPrivilege':
        return this.#leastPrivilege(path, field, kind);
      case 'people':
        return [];
    }
  }

  #owner(path: FaultPath, field: string, owner: string): readonly PathFault[] {
    const { members } = this.#dataset.value;
    if (!members.includes(owner))
      return [this.#fault(path, `"${owner}" is no member of this dataset; ${suggestion(owner, members)}`)];
    return this.#holding(owner, field) === 'none'
      ? [
          this.#fault(
            path,
            `${owner} does not hold "${field}", so it could never decide: it needs an active map with the field and a surface that exposes it`,
          ),
        ]
      : [];
  }

  #leastPrivilege(path: FaultPath, field: string, kind: FieldKind): readonly PathFault[] {
    if (kind.kind === 'set') return [this.#fault(path, `"${field}" is a set; its least privilege is \`intersection\``)];
    const privileges = 'privileges' in kind ? kind.privileges : undefined;
    if (!privileges)
      return [
        this.#fault(
          path,
          `taxonomy/${this.#type.type}.yaml does not say what the values of "${field}" permit; declare \`privileges\` there, as an order or as capabilities`,
        ),
      ];
    const sealing = this.#sealing(field);
    return sealing === undefined
      ? []
      : [this.#fault(path, `${sealing} exposes "${field}" only as a digest, and digests have no order`)];
  }

  deletion({ deletion }: TypePolicy): readonly PathFault[] {
    if (deletion?.kind !== 'suspendFirst') return [];
    const path = ['deletion', 'field'];
    const { field } = deletion;
    const kind = this.#type.fields[field];
    if (!kind) return [this.#unknownField(path, field)];
    if (this.#type.key?.includes(field))
      return [this.#fault(path, `"${field}" is part of the key of ${this.#type.type}, and keys are never changed`)];
    const faults = this.#members()
      .filter((member) => this.#holdsType(member) && this.#holding(member, field) === 'none')
      .map((member) =>
        this.#fault(path, `${member} holds ${this.#type.type} and not "${field}", so it could suspend nobody there`),
      );
    const sealing = this.#sealing(field);
    if (sealing !== undefined)
      faults.push(
        this.#fault(path, `${sealing} exposes "${field}" only as a digest, so nobody could tell who is suspended`),
      );
    const value = suspensionValueFault(kind, deletion);
    if (value !== null) faults.push(this.#fault(['deletion', 'value'], value));
    return faults;
  }

  unique({ unique = [], fields = {} }: TypePolicy): readonly PathFault[] {
    const repeated = repeatedAt(unique, (field) => field).map((at) => this.#fault(['unique', at], 'is listed already'));
    return [
      ...repeated,
      ...unique.flatMap((field, at) => {
        const path = ['unique', at];
        const kind = this.#type.fields[field];
        if (!kind) return [this.#unknownField(path, field)];
        if (kind.kind !== 'text') return [this.#fault(path, `"${field}" is no text; only texts can be unique`)];
        if (fields[field]?.kind === 'leastPrivilege')
          return [
            this.#fault(
              path,
              `"${field}" is resolved by least privilege, so several records must be able to share a value`,
            ),
          ];
        const unheld = this.#unheld(path, field);
        if (unheld) return [unheld];
        const sealing = this.#sealing(field);
        return sealing === undefined
          ? []
          : [
              this.#fault(
                path,
                `${sealing} exposes "${field}" only as a digest, which differs from record to record, so no doubled value could be seen`,
              ),
            ];
      }),
    ];
  }

  together({ together = [], fields = {} }: TypePolicy): readonly PathFault[] {
    const seen = new Set<string>();
    return together.flatMap((group, at) =>
      group.flatMap((field, position) => {
        const path = ['together', at, position];
        const kind = this.#type.fields[field];
        if (!kind) return [this.#unknownField(path, field)];
        if (seen.has(field)) return [this.#fault(path, `"${field}" is listed already`)];
        seen.add(field);
        if (kind.kind === 'set' || kind.kind === 'effect')
          return [this.#fault(path, `"${field}" is a ${kind.kind}; only fields of one value can belong together`)];
        if (this.#type.key?.includes(field))
          return [this.#fault(path, `"${field}" is part of the key of ${this.#type.type}, so it never differs`)];
        const policy = fields[field]?.kind ?? 'people';
        return policy === 'people'
          ? []
          : [this.#fault(path, `"${field}" is decided by ${policy} already; leave one of the two out`)];
      }),
    );
  }

  sameEffect({ sameEffect }: TypePolicy): readonly PathFault[] {
    if (!sameEffect) return [];
    const repeated = repeatedAt(sameEffect, (field) => field).map((at) =>
      this.#fault(['sameEffect', at], 'is listed already'),
    );
    const effects = effectFieldsOf(this.#type);
    if (effects.length === 0)
      return [this.#fault(['sameEffect'], `taxonomy/${this.#type.type}.yaml has no field of the kind effect`, 'key')];
    const key = this.#type.key ?? [];
    return [
      ...repeated,
      ...sameEffect.flatMap((field, at) => {
        if (!this.#type.fields[field]) return [this.#unknownField(['sameEffect', at], field)];
        return effects.includes(field) ? [this.#fault(['sameEffect', at], 'is the effect itself')] : [];
      }),
      ...(key.length > 0 && key.every((field) => sameEffect.includes(field))
        ? [
            this.#fault(
              ['sameEffect'],
              'leaves nothing of the key: any record would stand in for any other; leave at least who it is about',
              'key',
            ),
          ]
        : []),
    ];
  }

  #fault(path: FaultPath, message: string, on: 'key' | 'value' = 'value'): PathFault {
    return faultAt(this.#dataset.file, [...this.#path, ...path], message, on);
  }

  #unknownField(path: FaultPath, field: string, on: 'key' | 'value' = 'value'): PathFault {
    const known = Object.keys(this.#type.fields);
    return this.#fault(
      path,
      `taxonomy/${this.#type.type}.yaml has no field "${field}"; ${suggestion(field, known)}`,
      on,
    );
  }

  #unheld(path: FaultPath, field: string): PathFault | null {
    return this.#members().every((member) => this.#holding(member, field) === 'none')
      ? this.#fault(path, `no member of this dataset holds "${field}", so nothing is ever decided about it`, 'key')
      : null;
  }

  #sealing(field: string): string | undefined {
    return this.#members().find((member) => this.#holding(member, field) === 'digest');
  }

  #members(): readonly string[] {
    return this.#dataset.value.members;
  }

  #holdsType(member: string): boolean {
    const authority = authorityOf(this.#parts, member)?.value;
    const map = mapFor(this.#parts, member, this.#type.type)?.value;
    return (
      authority !== undefined && map?.lifecycle === 'active' && surfaceOf(authority, this.#type.type) !== undefined
    );
  }

  #holding(member: string, field: string): Holding {
    const broken = [`authorities/${member}.yaml`, `maps/${member}.${this.#type.type}.yaml`];
    if (this.#parts.broken.some((file) => broken.includes(file))) return undefined;
    const authority = authorityOf(this.#parts, member)?.value;
    const map = mapFor(this.#parts, member, this.#type.type)?.value;
    const exposed = authority && surfaceOf(authority, this.#type.type)?.fields[field];
    if (map?.lifecycle !== 'active' || !Object.hasOwn(map.fields, field)) return 'none';
    return exposed === 'clear' || exposed === 'digest' ? exposed : 'none';
  }
}

function suspensionValueFault(kind: FieldKind, { field, value }: SuspendFirst): string | null {
  if (kind.kind === 'boolean') return typeof value === 'boolean' ? null : `"${field}" is true or false`;
  if (kind.kind === 'text') return typeof value === 'string' ? null : `"${field}" is a text`;
  return `"${field}" is no single value`;
}
