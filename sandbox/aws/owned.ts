/** The IAM calls on what a user or group owns, as far as deletions meet it: keys, devices, credentials. */
import { alreadyExists, IamProblem, invalid } from './input.js';
import type { IamUser, OwnedKind } from './state.js';
import { namedUser, type Action } from './users.js';
import type { Xml } from './xml.js';

interface Owned {
  readonly kind: OwnedKind;
  readonly create: string;
  readonly list: string;
  readonly remove: string;
  /** The parameter that names one of them. */
  readonly id: string;
  readonly prefix: string;
  readonly listElement: string;
  readonly createElement?: string;
}

const table: readonly Owned[] = [
  {
    kind: 'accessKeys',
    create: 'CreateAccessKey',
    list: 'ListAccessKeys',
    remove: 'DeleteAccessKey',
    id: 'AccessKeyId',
    prefix: 'AKIA',
    listElement: 'AccessKeyMetadata',
    createElement: 'AccessKey',
  },
  {
    kind: 'mfaDevices',
    create: 'EnableMFADevice',
    list: 'ListMFADevices',
    remove: 'DeactivateMFADevice',
    id: 'SerialNumber',
    prefix: 'GAHT',
    listElement: 'MFADevices',
  },
  {
    kind: 'sshKeys',
    create: 'UploadSSHPublicKey',
    list: 'ListSSHPublicKeys',
    remove: 'DeleteSSHPublicKey',
    id: 'SSHPublicKeyId',
    prefix: 'APKA',
    listElement: 'SSHPublicKeys',
    createElement: 'SSHPublicKey',
  },
  {
    kind: 'signingCertificates',
    create: 'UploadSigningCertificate',
    list: 'ListSigningCertificates',
    remove: 'DeleteSigningCertificate',
    id: 'CertificateId',
    prefix: 'ASCA',
    listElement: 'Certificates',
    createElement: 'Certificate',
  },
  {
    kind: 'serviceCredentials',
    create: 'CreateServiceSpecificCredential',
    list: 'ListServiceSpecificCredentials',
    remove: 'DeleteServiceSpecificCredential',
    id: 'ServiceSpecificCredentialId',
    prefix: 'ACCA',
    listElement: 'ServiceSpecificCredentials',
    createElement: 'ServiceSpecificCredential',
  },
];

function element(owned: Owned, user: IamUser, id: string): Xml {
  return {
    UserName: user.name,
    [owned.id]: id,
    Status: owned.kind === 'mfaDevices' ? undefined : user.inactiveKeys.has(id) ? 'Inactive' : 'Active',
    ...(owned.kind === 'mfaDevices' ? { EnableDate: user.created } : { CreateDate: user.created }),
  };
}

function actionsOf(owned: Owned): Readonly<Record<string, Action>> {
  return {
    [owned.create](input, state) {
      const user = namedUser(input, state);
      const given = owned.createElement === undefined ? input.required(owned.id) : undefined;
      const id = given ?? state.newId(owned.prefix, 20);
      user.owned[owned.kind].push(id);
      return owned.createElement === undefined ? undefined : { [owned.createElement]: element(owned, user, id) };
    },
    [owned.list](input, state) {
      const user = namedUser(input, state);
      const page = input.page([...user.owned[owned.kind]].sort(), (id) => id);
      return { [owned.listElement]: page.items.map((id) => element(owned, user, id)), ...page.result };
    },
    [owned.remove](input, state) {
      const user = namedUser(input, state);
      const id = input.required(owned.id);
      const ids = user.owned[owned.kind];
      if (!ids.includes(id))
        throw new IamProblem('NoSuchEntity', 404, `The ${owned.id} with id ${id} cannot be found.`);
      user.owned[owned.kind] = ids.filter((other) => other !== id);
      return undefined;
    },
  };
}

const accessKeyStatus: Readonly<Record<string, Action>> = {
  UpdateAccessKey(input, state) {
    const user = namedUser(input, state);
    const id = input.required('AccessKeyId');
    if (!user.owned.accessKeys.includes(id))
      throw new IamProblem('NoSuchEntity', 404, `The Access Key with id ${id} cannot be found.`);
    const status = input.required('Status');
    if (status !== 'Active' && status !== 'Inactive') throw invalid(`Status ${status} is not valid.`);
    if (status === 'Active') user.inactiveKeys.delete(id);
    else user.inactiveKeys.add(id);
    return undefined;
  },
};

const loginProfile: Readonly<Record<string, Action>> = {
  CreateLoginProfile(input, state) {
    const user = namedUser(input, state);
    if (user.loginProfile) throw alreadyExists('Login Profile for User', user.name);
    user.loginProfile = true;
    return { LoginProfile: { UserName: user.name, CreateDate: user.created, PasswordResetRequired: false } };
  },
  GetLoginProfile(input, state) {
    const user = namedUser(input, state);
    if (!user.loginProfile)
      throw new IamProblem('NoSuchEntity', 404, `Login Profile for User ${user.name} cannot be found.`);
    return { LoginProfile: { UserName: user.name, CreateDate: user.created, PasswordResetRequired: false } };
  },
  DeleteLoginProfile(input, state) {
    const user = namedUser(input, state);
    if (!user.loginProfile)
      throw new IamProblem('NoSuchEntity', 404, `Login Profile for User ${user.name} cannot be found.`);
    user.loginProfile = false;
    return undefined;
  },
  DeleteVirtualMFADevice: () => undefined,
};

export const ownedActions: Readonly<Record<string, Action>> = Object.assign(
  {},
  ...table.map(actionsOf),
  loginProfile,
  accessKeyStatus,
) as Readonly<Record<string, Action>>;
