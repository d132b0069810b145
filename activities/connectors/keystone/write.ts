/** Writes of every native type, and the calls that they plan. */
import { ConcordatError } from '../../../core/errors.js';
import type { NativeCall, NativeWrite, WriteAnswer } from '../connector.js';
import type { NativeType } from './native-types.js';
import { refused } from './request.js';
import { plannedAssignment, writeAssignment, type AssignmentSurroundings } from './access/write-assignments.js';
import { plannedMappingRule, writeMappingRule } from './access/write-mapping-rules.js';
import { plannedPerson, writePerson } from './write-people.js';
import { plannedRole, writeRole } from './access/write-roles.js';
import { plannedProject, writeProject } from './access/write-scopes.js';

type Announce = ((call: NativeCall) => Promise<void>) | undefined;
type WriteOf<Type extends NativeType> = NativeWrite<Type>;

/** A write of one type: `type` says which, so the rest of the union is known to be that type's. */
function isOf<Type extends NativeType>(write: NativeWrite<NativeType>, ...types: Type[]): write is WriteOf<Type> {
  return (types as NativeType[]).includes(write.type);
}

export function plannedCalls(domain: string, write: NativeWrite<NativeType>): readonly NativeCall[] {
  if (isOf(write, 'user', 'group')) return plannedPerson(domain, write).map(({ call }) => call);
  if (isOf(write, 'roleAssignment')) return plannedAssignment(write).map(({ call }) => call);
  if (isOf(write, 'role')) return plannedRole(write).map(({ call }) => call);
  if (isOf(write, 'project')) return plannedProject(domain, write).map(({ call }) => call);
  if (isOf(write, 'mappingRule')) return plannedMappingRule(write);
  return [];
}

async function carryOut(
  write: NativeWrite<NativeType>,
  around: AssignmentSurroundings,
  announce: Announce,
): Promise<WriteAnswer> {
  const { clients, domain, people } = around;
  if (isOf(write, 'user', 'group')) return writePerson(clients.ofDomain, people, domain, write, announce);
  if (isOf(write, 'roleAssignment')) return writeAssignment(write, around, announce);
  if (isOf(write, 'role')) return writeRole(clients, domain, write, announce);
  if (isOf(write, 'project')) return writeProject(clients.ofDomain, domain, write, announce);
  if (isOf(write, 'mappingRule')) return writeMappingRule(clients, domain, write, announce);
  return refused('readOnlyObject', `objects of type ${write.type} are read and never written`);
}

export async function executeWrite(
  write: NativeWrite<NativeType>,
  around: AssignmentSurroundings,
  announce: Announce,
): Promise<WriteAnswer> {
  let isAnnounced = false;
  const announced: Announce = async (call) => {
    isAnnounced = true;
    await announce?.(call);
  };
  try {
    return await carryOut(write, around, announced);
  } catch (error) {
    // Nothing was sent yet: what is read before a write may fail as any read.
    if (error instanceof ConcordatError && !isAnnounced) return refused(error.code, error.message);
    throw error;
  }
}
