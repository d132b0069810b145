/** Everything that a read is for, one collection after another; and single objects of every type. */
import { ConcordatError } from '../../../core/errors.js';
import { assertNever, type JsonObject } from '../../../core/json.js';
import type { NativeObject } from '../../../core/record.js';
import type { ReadItem, ReadRequest } from '../connector.js';
import { createAssignments } from './access/assignments.js';
import type { Clients } from './clients.js';
import { firstPosition, readCollections, type Collection, type Lookup } from './collection.js';
import { isAmongPeople, positionOf, type Position } from './cursor.js';
import { createEffectiveCheck } from './access/effective-check.js';
import { createMappingRules } from './access/federation.js';
import { createInventory } from './access/inventory.js';
import { nativeTypes, type NativeType } from './native-types.js';
import type { KeystoneReader } from './read.js';
import { createRoles } from './access/roles.js';
import { createScopes } from './access/scopes.js';

export interface MeshReader {
  readAll(request: ReadRequest): AsyncGenerator<ReadItem>;
  readOne(type: NativeType, id: string): Promise<NativeObject | null>;
  findTwin(type: NativeType, after: JsonObject): Promise<NativeObject | null>;
  readonly projects: Lookup;
}

/** As before native types had maps of their own. */
const people: readonly string[] = ['user', 'group'];

export function createMeshReader(clients: Clients, reader: KeystoneReader, domain: string): MeshReader {
  const scopes = createScopes(clients.ofDomain, domain);
  const roles = createRoles(clients, domain);
  const mappingRules = createMappingRules(clients, domain);
  const assignments = createAssignments(clients);
  const inventory = createInventory(clients, domain);
  const effective = createEffectiveCheck(clients, domain);

  const collectionsFor = (wanted: readonly string[]): readonly Collection[] => {
    const all = [
      ...scopes.collections,
      roles.collection,
      mappingRules.collection,
      assignments.collection(wanted),
      effective,
      ...inventory.collections,
    ];
    return nativeTypes.flatMap((type) =>
      wanted.includes(type) ? all.filter(({ nativeType }) => nativeType === type) : [],
    );
  };

  const lookupOf = (type: Exclude<NativeType, 'user' | 'group'>): Lookup => {
    switch (type) {
      case 'domain':
        return scopes.domain;
      case 'project':
        return scopes.project;
      case 'system':
        return scopes.system;
      case 'role':
        return roles.lookup;
      case 'mappingRule':
        return mappingRules.lookup;
      case 'roleAssignment':
        return assignments.lookup;
      case 'trust':
        return inventory.trust;
      case 'applicationCredential':
        return inventory.applicationCredential;
      default:
        return assertNever(type);
    }
  };

  return {
    async *readAll({ cursor, signal, nativeTypes: wanted = people }) {
      const unknown = wanted.filter((type) => !nativeTypes.some((each) => each === type));
      if (unknown.length > 0)
        throw new ConcordatError('invalidFederation', `Keystone has no native type ${unknown.join(', ')}`);
      const collections = collectionsFor(wanted);
      const next = firstPosition(collections);
      let position: Position = cursor === undefined ? reader.start : positionOf(cursor);
      if (position.at === 'done') return;
      const distrusted = await reader.distrust(signal);
      if (isAmongPeople(position)) {
        const wantsPeople = wanted.includes('user') || wanted.includes('group');
        if (wantsPeople) yield* reader.readPeople({ position, next, wanted, distrusted, signal });
        position = next;
      }
      yield* readCollections({ collections, position, distrusted, signal });
    },
    readOne: (type, id) =>
      type === 'user' || type === 'group' ? reader.readOne(type, id) : lookupOf(type).readOne(id),
    findTwin: (type, after) =>
      type === 'user' || type === 'group' ? reader.findTwin(type, after) : lookupOf(type).findTwin(after),
    projects: scopes.project,
  };
}
