/** The records of bench/compare as one mesh holds them: native pages as a read of it leaves them in the private store. */
import { TaxonomyType } from '../../core/federation/taxonomy.js';
import { TypeMap } from '../../core/federation/map.js';
import type { NativeObject } from '../../core/record.js';
import { recordsOf, type World } from '../compare/data.js';

const objectsPerPage = 500;

export const taxonomy = TaxonomyType.parse({
  type: 'person',
  fields: {
    active: { kind: 'boolean' },
    department: { kind: 'text' },
    displayName: { kind: 'text' },
    mail: { kind: 'text', equality: 'caseInsensitive' },
    manager: { kind: 'text' },
    roles: { kind: 'set', of: 'text' },
    teams: { kind: 'set', of: 'text' },
    title: { kind: 'text' },
  },
});

export const map = TypeMap.parse({
  type: 'person',
  native: 'user',
  lifecycle: 'active',
  fields: {
    active: { path: 'accountEnabled' },
    department: { path: 'department' },
    displayName: { path: 'displayName' },
    mail: { path: 'mail', through: [{ fold: 'lower' }] },
    manager: { path: 'employeeOrgData.manager' },
    roles: { path: 'assignedRoles', through: [{ set: true }] },
    teams: { path: 'teams', through: [{ set: true }] },
    title: { path: 'jobTitle' },
  },
  ignore: ['createdDateTime', 'employeeOrgData.costCenter'],
});

export const surface = Object.keys(map.fields);

/** About 480 bytes of JSON an object. The order of each set is the mesh's own. */
export function* nativePages(world: World): Generator<readonly NativeObject[]> {
  let page: NativeObject[] = [];
  for (const { key, fields } of recordsOf(world, 'left')) {
    const { active, department, displayName, mail, manager, roles, teams, title } = fields;
    page.push({
      type: 'user',
      id: key,
      body: {
        accountEnabled: active ?? null,
        assignedRoles: roles ?? [],
        createdDateTime: '2026-01-31T08:15:00Z',
        department: department ?? null,
        displayName: displayName ?? null,
        employeeOrgData: { costCenter: '4711', manager: manager ?? null },
        jobTitle: title ?? null,
        mail: typeof mail === 'string' ? mail.replace('person', 'Person') : null,
        teams: teams ?? [],
      },
    });
    if (page.length === objectsPerPage) {
      yield page;
      page = [];
    }
  }
  if (page.length > 0) yield page;
}
