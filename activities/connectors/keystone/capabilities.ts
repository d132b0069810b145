/** What OpenStack Keystone (Identity API v3) can do, and the roles it asks for. */
import type { Capabilities, NativeTypeCapabilities } from '../connector.js';
import type { NativeType } from './native-types.js';

/** What reads them, and what writes them, beyond what users and groups need. */
const cloudWide = {
  read: ['role reader on the system; up to 2024.1 role admin on the domain, too'],
  write: ['role admin on the system; up to 2024.1 role admin on the domain, too'],
};
const ofDomain = { read: ['role reader on the domain'], write: ['role admin on the domain'] };

interface KeystoneTypeCapabilities extends NativeTypeCapabilities {
  readonly type: NativeType;
}

const nativeTypes: readonly KeystoneTypeCapabilities[] = [
  {
    type: 'user',
    // Any further property that a record carries is an extra attribute: Keystone keeps it beside these.
    properties: ['name', 'enabled', 'email', 'description', 'default_project_id', 'domain_id', 'options'],
    writes: ['create', 'update', 'delete'],
    permissions: ofDomain,
  },
  {
    type: 'group',
    properties: ['name', 'description', 'domain_id', 'members', 'otherMembers'],
    writes: ['create', 'update', 'delete'],
    permissions: ofDomain,
  },
  {
    type: 'domain',
    properties: ['name', 'description', 'enabled', 'options'],
    writes: [],
    permissions: { read: ofDomain.read, write: [] },
  },
  {
    type: 'project',
    properties: ['name', 'description', 'domain_id', 'parent_id', 'enabled', 'tags', 'options'],
    // What other services hold in a project would be left without an owner.
    writes: ['create', 'update'],
    permissions: ofDomain,
  },
  { type: 'system', properties: ['name'], writes: [] },
  {
    type: 'role',
    properties: ['name', 'description', 'domain_id', 'options', 'implies'],
    writes: ['create', 'update', 'delete'],
    permissions: cloudWide,
  },
  {
    type: 'mappingRule',
    properties: ['issuer', 'subject', 'local', 'identityProvider', 'protocol', 'mapping', 'enabled'],
    writes: ['create', 'delete'],
    permissions: cloudWide,
  },
  {
    type: 'roleAssignment',
    properties: ['principal', 'role', 'scope', 'inherited'],
    writes: ['create', 'delete'],
    permissions: {
      read: [
        'role reader on the domain',
        'for what follows from roles, and for assignments on the system: role reader on the system',
      ],
      write: ['role admin on the domain', 'for assignments on the system: role admin on the system'],
    },
  },
  {
    type: 'trust',
    properties: ['trustor', 'trustee', 'project', 'roles', 'impersonation', 'expires_at'],
    writes: [],
    permissions: { read: cloudWide.read, write: [] },
  },
  {
    type: 'applicationCredential',
    properties: ['name', 'description', 'user', 'project', 'roles', 'unrestricted', 'hasAccessRules', 'expires_at'],
    writes: [],
    permissions: { read: cloudWide.read, write: [] },
  },
];

export const keystoneCapabilities: Capabilities = {
  kind: 'keystone',
  nativeTypes,
  absenceProvesDeletion: true,
  conditionalWrites: false,
  rateLimits: ['Keystone has none; a proxy before it may answer 429 with Retry-After'],
  permissions: {
    read: ['role reader on the domain'],
    // HAZARD: up to and including 2024.1 Keystone does not confine this role to the domain on which it was given.
    write: ['role admin on the domain'],
  },
};
