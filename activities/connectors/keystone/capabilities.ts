/** What OpenStack Keystone (Identity API v3) can do, and the roles it asks for. */
import type { Capabilities } from '../connector.js';

export const keystoneCapabilities: Capabilities = {
  kind: 'keystone',
  nativeTypes: [
    {
      type: 'user',
      // Any further property that a record carries is an extra attribute: Keystone keeps it beside these.
      properties: ['name', 'enabled', 'email', 'description', 'default_project_id', 'domain_id', 'options'],
      writes: ['create', 'update', 'delete'],
    },
    {
      type: 'group',
      properties: ['name', 'description', 'domain_id', 'members', 'otherMembers'],
      writes: ['create', 'update', 'delete'],
    },
  ],
  absenceProvesDeletion: true,
  conditionalWrites: false,
  rateLimits: ['Keystone has none; a proxy before it may answer 429 with Retry-After'],
  permissions: {
    read: ['role reader on the domain'],
    // HAZARD: up to and including 2024.1 Keystone does not confine this role to the domain on which it was given.
    write: ['role admin on the domain'],
  },
};
