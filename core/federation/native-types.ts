/**
 * The native types of each kind of mesh and what can be done to them. Every connector says the same of itself in its
 * capabilities (test/core/federation/native-types.test.ts): core cannot ask them, and peers must plan alike.
 *
 * A store of records has no such list: its native types are the tables and files that its authority declares. Each of them
 * allows every write; what an authority does not want written it says in its constraints, which peers see.
 */
import type { Mesh } from './authority.js';

export type NativeWriteKind = 'create' | 'update' | 'delete';

export const everyWrite: readonly NativeWriteKind[] = ['create', 'update', 'delete'];
/** Edges and workloads: made or deleted, never changed. */
const made: readonly NativeWriteKind[] = ['create', 'delete'];

export const recordMeshKinds = [
  'folder',
  'postgresql',
  'dynamodb',
  's3',
  'azure-tables',
  'azure-blob',
  'cosmos',
  'swift',
] as const satisfies readonly Mesh['kind'][];
export type RecordMeshKind = (typeof recordMeshKinds)[number];
export type RecordMesh = Extract<Mesh, { readonly kind: RecordMeshKind }>;
type CloudKind = Exclude<Mesh['kind'], RecordMeshKind>;

export function isRecordKind(kind: Mesh['kind']): kind is RecordMeshKind {
  return (recordMeshKinds as readonly string[]).includes(kind);
}

export function isRecordMesh(mesh: Mesh): mesh is RecordMesh {
  return isRecordKind(mesh.kind);
}

/** What can be done to a native type; undefined where that kind of mesh has none of this name. */
export function writesOf(kind: Mesh['kind'], native: string): readonly NativeWriteKind[] | undefined {
  if (isRecordKind(kind)) return everyWrite;
  return Object.hasOwn(nativeTypes[kind], native) ? nativeTypes[kind][native] : undefined;
}

/**
 * The native types that are read and never written: a Parquet file holds rows by column, and no writer keeps all others as
 * they are. Peers do not see how a mesh holds its records, so its authority says it in its constraints.
 */
export function readOnlyNatives(mesh: Mesh): readonly string[] {
  if (!('files' in mesh)) return [];
  return Object.entries(mesh.files).flatMap(([native, { format }]) => (format === 'parquet' ? [native] : []));
}

/** Whether the store itself says which properties there are, so that every object has them all, empty or not. */
export function hasColumns(mesh: Mesh, native: string): boolean {
  if (mesh.kind === 'postgresql') return true;
  const format = 'files' in mesh ? mesh.files[native]?.format : undefined;
  return format === 'csv' || format === 'parquet';
}

/** The native types that a mesh has, by name. */
export function nativeNamesOf(mesh: Mesh): readonly string[] {
  switch (mesh.kind) {
    case 'folder':
    case 's3':
    case 'azure-blob':
    case 'swift':
      return Object.keys(mesh.files);
    case 'postgresql':
    case 'dynamodb':
    case 'azure-tables':
      return Object.keys(mesh.tables);
    case 'cosmos':
      return Object.keys(mesh.containers);
    default:
      return Object.keys(nativeTypes[mesh.kind]);
  }
}

/** The columns or properties by which a row of a native type is known, as the authority file says. */
export function rowKeyOf(mesh: RecordMesh, native: string): readonly string[] {
  const declared = 'files' in mesh ? mesh.files : 'tables' in mesh ? mesh.tables : mesh.containers;
  return (declared[native]?.key ?? []).slice();
}

export const nativeTypes: Readonly<Record<CloudKind, Readonly<Record<string, readonly NativeWriteKind[]>>>> = {
  'aws-iam': {
    user: everyWrite,
    group: everyWrite,
    account: [],
    policySet: [],
    assumableRole: [],
    webIdentityRole: made,
    inlinePolicy: [],
    policyAttachment: made,
    assumption: made,
  },
  entra: {
    user: everyWrite,
    group: everyWrite,
    directoryScope: [],
    servicePrincipal: [],
    directoryRole: [],
    appRole: [],
    federatedIdentity: made,
    appRoleAssignment: made,
    directoryRoleAssignment: made,
  },
  keystone: {
    user: everyWrite,
    group: everyWrite,
    domain: [],
    project: ['create', 'update'],
    system: [],
    role: everyWrite,
    mappingRule: made,
    roleAssignment: made,
    trust: [],
    applicationCredential: [],
  },
};
