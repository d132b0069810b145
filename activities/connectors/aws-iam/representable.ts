/**
 * What IAM can hold, checked before anything is sent. Problems name properties and rules, never a value.
 * Source: https://docs.aws.amazon.com/IAM/latest/APIReference/API_CreateUser.html, API_Tag.html, API_CreateGroup.html
 */
import { digestOf } from '../../../core/digest.js';
import { isJsonObject } from '../../../core/json.js';
import type { Json, JsonObject } from '../../../core/json.js';
import type { NativeWrite } from '../connector.js';
import type { NativeType } from './body.js';
import type { AwsIamMesh } from './config.js';
import { tagsOf } from './planned-calls.js';

const nameLengthMax = { user: 64, group: 128 } as const;
const namePattern = /^[A-Za-z0-9_+=,.@-]+$/;
const pathPattern = /^\/([!-~]+\/)?$/;
const tagTextPattern = /^[\p{L}\p{Z}\p{N}_.:/=+\-@]*$/u;
const tagsMax = 50;
const states: readonly (Json | undefined)[] = ['active', 'suspended'];
const writable = { user: ['UserName', 'Path', 'Tags', 'State'], group: ['GroupName', 'Path', 'members'] } as const;

/** Why IAM cannot hold what the write asks for; null where it can. */
export function notRepresentable(
  write: NativeWrite<NativeType>,
  { pathPrefix, suspension }: Pick<AwsIamMesh, 'pathPrefix' | 'suspension'>,
): string | null {
  if (write.kind === 'delete') return null;
  const before = write.kind === 'update' ? write.before : null;
  const { type, after } = write;
  const nameProperty = type === 'user' ? 'UserName' : 'GroupName';
  return (
    nameProblem(nameProperty, after[nameProperty], nameLengthMax[type]) ??
    pathProblem(after['Path'], before, pathPrefix) ??
    (type === 'user' ? tagsProblem(before, after) : membersProblem(before, after)) ??
    (type === 'user' ? stateProblem(before, after, suspension) : null) ??
    otherPropertiesProblem(type, before, after)
  );
}

function nameProblem(property: string, name: Json | undefined, lengthMax: number): string | null {
  return typeof name === 'string' && name.length <= lengthMax && namePattern.test(name)
    ? null
    : `${property} must hold 1 to ${lengthMax} letters, digits and _+=,.@-`;
}

function pathProblem(path: Json | undefined, before: JsonObject | null, pathPrefix: string): string | null {
  if (path === undefined && (before === null || before['Path'] === undefined)) return null;
  if (typeof path !== 'string' || path.length > 512 || !pathPattern.test(path)) {
    return 'Path must start and end with / and hold at most 512 printable characters without spaces';
  }
  // what is outside would vanish from the next snapshot and look deleted
  return path.startsWith(pathPrefix) ? null : 'Path must lie under the pathPrefix of the authority file';
}

/** Whether an IAM tag can hold the text as it stands. */
export function isTagSafe(text: string): boolean {
  return text.length <= 256 && tagTextPattern.test(text);
}

function tagsProblem(before: JsonObject | null, after: JsonObject): string | null {
  if (after['Tags'] !== undefined && !isJsonObject(after['Tags'])) return 'Tags must be an object of texts';
  const tags = Object.entries(tagsOf(after));
  if (tags.length > tagsMax) return `Tags must be at most ${tagsMax}`;
  if (new Set(tags.map(([key]) => key.toLowerCase())).size < tags.length) {
    return 'Tags must differ in more than the case of their keys';
  }
  const held = tagsOf(before ?? {});
  for (const [key, value] of tags) {
    if (Object.hasOwn(held, key) && held[key] === value) continue; // not written, so it may be one of AWS's own
    if (key.length === 0 || key.length > 128 || !tagTextPattern.test(key) || /^aws:/i.test(key)) {
      return 'a key of Tags must hold 1 to 128 characters that IAM allows and not start with aws:';
    }
    // the key comes from the map, so it may be named; the value may be personal
    if (typeof value !== 'string' || !isTagSafe(value)) {
      return `Tags.${key} must hold at most 256 letters, digits, spaces and _.:/=+-@`;
    }
  }
  return null;
}

function stateProblem(
  before: JsonObject | null,
  after: JsonObject,
  suspension: AwsIamMesh['suspension'],
): string | null {
  const { State: state } = after;
  if (state === undefined && before?.['State'] === undefined) return null;
  if (suspension === undefined) return 'State is written only where the authority file declares mesh.suspension';
  return states.includes(state) ? null : 'State must be active or suspended';
}

function membersProblem(before: JsonObject | null, after: JsonObject): string | null {
  const members = after['members'];
  if (members === undefined && (before === null || before['members'] === undefined)) return null;
  if (before !== null && before['members'] === undefined) return 'members could not be read and cannot be changed';
  return Array.isArray(members) && members.every((id) => typeof id === 'string' && id !== '')
    ? null
    : 'members must be a list of user ids';
}

/** Every difference is written or refused; none is passed over. */
function otherPropertiesProblem(type: 'user' | 'group', before: JsonObject | null, after: JsonObject): string | null {
  for (const property of new Set([...Object.keys(before ?? {}), ...Object.keys(after)])) {
    if ((writable[type] as readonly string[]).includes(property)) continue;
    const wanted = after[property] ?? null;
    if (digestOf(wanted) === digestOf(before?.[property] ?? null)) continue;
    if (before === null && type === 'user' && property === 'PermissionsBoundary' && typeof wanted === 'string')
      continue;
    return `${property} cannot be written; take it out of the map or change it in IAM`;
  }
  return null;
}
