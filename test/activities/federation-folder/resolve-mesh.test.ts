/** Endpoints that the environment replaces. */
import { expect, test } from 'vitest';
import { resolveMesh } from '../../../activities/federation-folder/resolve-mesh.js';
import { Mesh } from '../../../core/federation/authority.js';

const keystone = Mesh.parse({ kind: 'keystone', endpoint: 'https://a.example/v3', endpointFrom: 'SOV', domain: 'd' });
const entra = Mesh.parse({ kind: 'entra', tenant: 't', endpointFrom: 'GRAPH', authorityHostFrom: 'LOGIN' });
const aws = Mesh.parse({ kind: 'aws-iam' });

test('a variable that is set replaces the endpoint, and nothing else', () => {
  expect(resolveMesh(keystone, { SOV: 'http://127.0.0.1:1/v3' })).toEqual({
    ...keystone,
    endpoint: 'http://127.0.0.1:1/v3',
  });
  expect(resolveMesh(entra, { GRAPH: 'https://g.example/v1.0', LOGIN: 'https://l.example' })).toEqual({
    ...entra,
    endpoint: 'https://g.example/v1.0',
    authorityHost: 'https://l.example',
  });
});

test('a variable that is not set, is empty or is not named changes nothing', () => {
  expect(resolveMesh(keystone, {})).toEqual(keystone);
  expect(resolveMesh(keystone, { SOV: '' })).toEqual(keystone);
  expect(resolveMesh(aws, { SOV: 'http://127.0.0.1:1' })).toEqual(aws);
});

test.each(['hunter2', 'file:///etc/passwd', 'javascript:alert(1)'])(
  'a variable that holds %j is refused without showing it',
  (value) => {
    const resolve = (): Mesh => resolveMesh(keystone, { SOV: value });
    expect(resolve).toThrow(
      expect.objectContaining({ code: 'invalidFederation', message: expect.stringContaining('SOV must hold a URL') }),
    );
    expect(resolve).not.toThrow(expect.objectContaining({ message: expect.stringContaining(value) }));
  },
);
