/** A tenant with an application, an administrative unit, workloads and grants, and reads of it. */
import type { Connector, ReadItem } from '../../../../activities/connectors/connector.js';
import type { EntraMesh } from '../../../../activities/connectors/entra/config.js';
import { accessTypes } from '../../../../activities/connectors/entra/access/types.js';
import type { EntraApplication, EntraServicePrincipal } from '../../../../sandbox/entra/access-state.js';
import type { EntraState } from '../../../../sandbox/entra/state.js';
import { person } from './tenant.js';

export const issuer = 'https://token.example.org';
export const userAdministrator = 'fe930be7-5e62-47db-91af-98c3a49a38b1';
export const globalReader = 'f2ef992c-3afb-46b9-b7cf-a126ee74c451';

export interface Rights {
  readonly resource: EntraServicePrincipal;
  readonly appId: string;
  readonly reader: string;
  readonly writer: string;
  readonly unit: string;
  readonly user: string;
  readonly group: string;
  readonly workload: EntraApplication;
  readonly workloadId: string;
  readonly workloadPrincipal: string;
  readonly mesh: Partial<EntraMesh>;
}

/** No grant yet. */
export function rightsIn(state: EntraState): Rights {
  const { access } = state;
  const resource = access.addResource('object-store', ['Objects.Read', 'Objects.Write']);
  const appId = String(resource.properties['appId']);
  const user = state.addUser(person('ada')).id;
  const group = state.addGroup({ displayName: 'team-a', mailNickname: 'team-a', isAssignableToRole: true });
  group.members.add(user);
  const workload = access.addWorkload('wl-backup', { issuer, subject: 'backup' });
  const roleOf = (value: string): string => resource.appRoles.find((role) => role.value === value)?.id ?? '';
  return {
    resource,
    appId,
    reader: roleOf('Objects.Read'),
    writer: roleOf('Objects.Write'),
    unit: access.addAdministrativeUnit('Seattle'),
    user,
    group: group.id,
    workload,
    workloadId: `${workload.id}/${[...workload.credentials.keys()][0] ?? ''}`,
    workloadPrincipal: access.servicePrincipalFor(workload.properties['appId'])?.id ?? '',
    mesh: { applications: [appId] },
  };
}

export const everyType: readonly string[] = ['user', 'group', ...accessTypes];

export async function readAs(
  connector: Connector,
  nativeTypes: readonly string[] = accessTypes,
  cursor?: string,
): Promise<ReadItem[]> {
  const items: ReadItem[] = [];
  const request = cursor === undefined ? { nativeTypes } : { nativeTypes, cursor };
  for await (const item of connector.readAll(request)) items.push(item);
  return items;
}
