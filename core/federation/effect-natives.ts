/**
 * Of which native types an effect is worked out, and what has to be read for it beside them. A collection that no map
 * names is read for this alone, and no record is made of it.
 */
import type { Capability } from '../effect/capability.js';
import { byCodeUnit } from '../json.js';
import type { Mesh } from './authority.js';
import type { TypeMap } from './map.js';

type Needed = Readonly<Record<string, readonly string[]>>;

/** Everything whose policies reach a principal: a deny counts wherever it stands. */
const reaching = ['user', 'group', 'policySet', 'policyAttachment', 'inlinePolicy', 'webIdentityRole'];

export const effectNatives: Readonly<Record<Mesh['kind'], Needed>> = {
  'aws-iam': {
    policySet: [],
    // Its boundary is a policy by itself.
    assumableRole: ['policySet', 'inlinePolicy'],
    policyAttachment: reaching,
    assumption: ['assumableRole', 'policySet', 'inlinePolicy'],
  },
  entra: {
    appRole: ['servicePrincipal'],
    directoryRole: [],
    appRoleAssignment: ['appRole', 'servicePrincipal'],
    directoryRoleAssignment: ['directoryRole'],
  },
  keystone: { role: [], roleAssignment: ['role'] },
  // Records of tables and files are no rights.
  folder: {},
  postgresql: {},
  dynamodb: {},
  s3: {},
  'azure-tables': {},
  'azure-blob': {},
  cosmos: {},
  swift: {},
};

/** Of which native types it is worked out where a grant counts, and what is read for it: the scopes that inherit. */
export const placeNatives: Readonly<Record<Mesh['kind'], Needed>> = {
  // Nothing lies above an account that could grant, and nothing below that is a scope.
  'aws-iam': { policyAttachment: [], assumption: [] },
  entra: { appRoleAssignment: [], directoryRoleAssignment: ['directoryScope'] },
  keystone: { roleAssignment: ['project'] },
  folder: {},
  postgresql: {},
  dynamodb: {},
  s3: {},
  'azure-tables': {},
  'azure-blob': {},
  cosmos: {},
  swift: {},
};

export function hasEffect(map: TypeMap): boolean {
  return workedOutFrom(map, 'capabilities');
}

export function hasPlaces(map: TypeMap): boolean {
  return workedOutFrom(map, 'scopes');
}

function workedOutFrom(map: TypeMap, from: 'capabilities' | 'scopes'): boolean {
  return Object.values(map.fields).some((field) => 'from' in field && field.from === from);
}

/** Which capabilities this native type can say anything about, sorted: of the others its effect is silent. */
export function sayable(kind: Mesh['kind'], native: string, capabilities: readonly Capability[]): readonly string[] {
  return capabilities
    .filter(({ aws, entra, keystone }) => {
      switch (kind) {
        case 'aws-iam':
          return aws !== undefined;
        case 'entra':
          return native.startsWith('appRole')
            ? entra?.applicationRoles !== undefined
            : entra?.directoryRoles !== undefined;
        case 'keystone':
          return keystone !== undefined;
        case 'folder':
        case 'postgresql':
        case 'dynamodb':
        case 's3':
        case 'azure-tables':
        case 'azure-blob':
        case 'cosmos':
        case 'swift':
          return false;
      }
    })
    .map(({ capability }) => capability)
    .sort(byCodeUnit);
}

/** The native types that are read for these maps of one mesh, sorted: those of the maps, and what their effects rest on. */
export function nativeTypesFor(kind: Mesh['kind'], maps: readonly TypeMap[]): readonly string[] {
  const names = maps.flatMap((map) => [
    map.native,
    ...(hasEffect(map) ? (effectNatives[kind][map.native] ?? []) : []),
    ...(hasPlaces(map) ? (placeNatives[kind][map.native] ?? []) : []),
  ]);
  return [...new Set(names)].sort(byCodeUnit);
}
