/** What Privileged Identity Management says of the active role assignments of a tenant. */
import { ConcordatError } from '../../../../core/errors.js';
import type { JsonObject } from '../../../../core/json.js';
import type { Graph } from '../client.js';
import { pageOf } from '../odata.js';
import { assignmentKey, pimStateOf, type PimState } from './objects.js';

/** One read, in which the schedules are asked for once. */
export interface PimReading {
  readonly graph: Graph;
  readonly signal: AbortSignal | undefined;
  /** By assignment key; undefined until a page of assignments is read. */
  pim?: Promise<ReadonlyMap<string, PimState>>;
}

/** Whether Graph says that the tenant has no Privileged Identity Management: no licence, or a cloud without it. */
export function lacksPim(status: number, body: JsonObject): boolean {
  const error = body['error'] as JsonObject | undefined;
  return status === 404 || (status === 400 && error?.['code'] === 'AadPremiumLicenseRequired');
}

/**
 * What Privileged Identity Management adds to the list of active assignments. HAZARD: an activation stands in that list
 * like any other assignment; taken for one, it would be carried to other clouds, where nothing ends it.
 */
async function pimStates({ graph, signal }: PimReading): Promise<ReadonlyMap<string, PimState>> {
  const states = new Map<string, PimState>();
  const properties =
    'id,principalId,roleDefinitionId,directoryScopeId,appScopeId,assignmentType,memberType,endDateTime';
  let next: string | undefined = `/roleManagement/directory/roleAssignmentScheduleInstances?$select=${properties}`;
  while (next !== undefined) {
    const { status, body } = await graph.read(next, { allow: [400, 404], signal });
    if (lacksPim(status, body)) return states;
    if (status !== 200)
      throw new ConcordatError('unexpectedAnswer', `Graph answered ${status} to the list of schedules`);
    const page = pageOf(body);
    for (const instance of page.value) {
      const state = pimStateOf(instance);
      if (state !== undefined) states.set(assignmentKey(instance), state);
    }
    if (page.next === next) throw new ConcordatError('unexpectedAnswer', 'a nextLink of Graph leads to itself');
    next = page.next;
  }
  return states;
}

/** The same for all pages of one read. */
export function pimOf(reading: PimReading): Promise<ReadonlyMap<string, PimState>> {
  return (reading.pim ??= pimStates(reading));
}
