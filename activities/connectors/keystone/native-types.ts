/** The native types of Keystone, in the words of its Identity API. */

export type PersonType = 'user' | 'group';

/** In the order in which they are read: what refers to another comes after it. */
export const nativeTypes = [
  'user',
  'group',
  'domain',
  'project',
  'system',
  'role',
  'mappingRule',
  'roleAssignment',
  'trust',
  'applicationCredential',
] as const;
export type NativeType = (typeof nativeTypes)[number];
