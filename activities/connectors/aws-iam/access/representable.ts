/**
 * What IAM can hold of a grant or workload, checked before anything is sent. Problems name properties and rules, never a
 * value.
 * Source: https://docs.aws.amazon.com/IAM/latest/APIReference/API_CreateRole.html, API_CreateOpenIDConnectProvider.html
 */
import type { JsonObject } from '../../../../core/json.js';
import type { NativeWrite } from '../../connector.js';
import { textIn } from '../body.js';
import type { AccessType } from './native-types.js';
import { principalIn, referredId } from './planned-calls.js';
import type { PolicySets } from './policy-sets.js';

const roleName = /^[A-Za-z0-9_+=,.@-]{1,64}$/;
const rolePath = /^\/([!-~]+\/)?$/;
/** A host and a path: IAM takes neither port nor query. */
const issuer = /^https:\/\/[a-z0-9.-]+(\/[A-Za-z0-9._~/-]*)?$/;

/** Why IAM, or this connector, cannot do what the write asks for; null where it can. */
export function notRepresentableAccess(
  write: NativeWrite<AccessType>,
  sets: PolicySets,
  pathPrefix: string,
): string | null {
  if (write.kind === 'update') return `a ${write.type} is made or deleted, never changed`;
  const body = write.kind === 'create' ? write.after : write.before;
  switch (write.type) {
    case 'policyAttachment':
      return attachmentProblem(body, sets);
    case 'assumption':
      return assumptionProblem(body);
    case 'webIdentityRole':
      return write.kind === 'create' ? roleProblem(body, pathPrefix) : null;
    default:
      return `a ${write.type} is read and never written`;
  }
}

function attachmentProblem(body: JsonObject, sets: PolicySets): string | null {
  if (principalIn(textIn(body, 'Principal')) === undefined) {
    return 'Principal must be a user, group or webIdentityRole of this mesh';
  }
  const id = referredId(textIn(body, 'PolicySet'), 'policySet');
  return id === undefined || sets.byId(id) === undefined
    ? 'PolicySet must be one of mesh.policySets or a managed policy that no set names'
    : null;
}

function assumptionProblem(body: JsonObject): string | null {
  const principal = principalIn(textIn(body, 'Principal'));
  if (principal === undefined || principal.kind === 'webIdentityRole') {
    return 'Principal must be a user or group of this mesh';
  }
  return referredId(textIn(body, 'Role'), 'assumableRole') === undefined ? 'Role must be an assumableRole' : null;
}

function roleProblem(body: JsonObject, pathPrefix: string): string | null {
  if (!roleName.test(textIn(body, 'RoleName'))) return 'RoleName must hold 1 to 64 letters, digits and _+=,.@-';
  const path = textIn(body, 'Path') || pathPrefix;
  if (path.length > 512 || !rolePath.test(path)) {
    return 'Path must start and end with / and hold at most 512 printable characters without spaces';
  }
  // what is outside would vanish from the next snapshot and look deleted
  if (!path.startsWith(pathPrefix)) return 'Path must lie under the pathPrefix of the authority file';
  const [from, subject] = [textIn(body, 'Issuer'), textIn(body, 'Subject')];
  if (from.length > 255 || !issuer.test(from) || from.endsWith('/')) {
    return 'Issuer must be an https address of at most 255 characters without port, query or a slash at the end';
  }
  if (subject === '' || subject.length > 1024) return 'Subject must hold 1 to 1024 characters';
  // `${…}` would be filled in by IAM, and `*` stands for itself in StringEquals
  return subject.includes('${') ? 'Subject must hold no policy variable' : null;
}
