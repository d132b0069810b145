/** What a mesh must declare before maps can name some native types. */
import { expect, test } from 'vitest';
import { Authority } from '../../../core/federation/authority.js';
import { checkMesh } from '../../../core/federation/check-mesh.js';
import { TypeMap } from '../../../core/federation/map.js';
import type { FederationParts, Located } from '../../../core/federation/parts.js';

function faultsOf(mesh: object, native: string, lifecycle = 'active'): readonly string[] {
  const azure: Located<Authority> = {
    file: 'authorities/azure.yaml',
    value: Authority.parse({
      authority: 'azure',
      mesh: { kind: 'entra', tenant: 'contoso', ...mesh },
      surface: {},
      approvers: [{ id: 'ana' }],
    }),
  };
  const map = { file: 'maps/azure.grant.yaml', value: TypeMap.parse({ type: 'grant', native, lifecycle, fields: {} }) };
  const parts = { authorities: [azure], taxonomy: [], maps: [map], datasets: [], broken: [] };
  return checkMesh(parts as unknown as FederationParts, azure).map(({ file, path, message }) =>
    [file, path.join('.'), message].join(' '),
  );
}

const applications = ['8c1c3f52-7d0f-4b3a-9a64-5f3f1c7f0e01'];

test.each(['servicePrincipal', 'appRole', 'appRoleAssignment'])(
  'a map of %s asks for the applications that are meant',
  (native) => {
    expect(faultsOf({}, native)).toEqual([
      `authorities/azure.yaml mesh maps/azure.grant.yaml maps ${native}, and without the client ids of applications none is read; list them as "applications"`,
    ]);
    expect(faultsOf({ applications: [] }, native)).toHaveLength(1);
    expect(faultsOf({ applications }, native)).toEqual([]);
  },
);

test('a map that is a draft, and one of directory roles, ask for none', () => {
  expect(faultsOf({}, 'appRole', 'draft')).toEqual([]);
  expect(faultsOf({}, 'directoryRoleAssignment')).toEqual([]);
});

test('an application is named by its client id, not by its name', () => {
  expect(() => faultsOf({ applications: ['object-store'] }, 'appRole')).toThrow(/guid/i);
});
