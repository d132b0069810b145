/** Which connector serves which kind of mesh. */
import { assertNever } from '../core/json.js';
import type { Mesh } from '../core/federation/authority.js';
import { createAwsIamConnector } from '../activities/connectors/aws-iam/connector.js';
import type { Connector } from '../activities/connectors/connector.js';
import { createEntraConnector } from '../activities/connectors/entra/connector.js';
import { createKeystoneConnector } from '../activities/connectors/keystone/connector.js';
import { resolveMesh, type Environment } from '../activities/federation-folder/resolve-mesh.js';

export function createConnector(declared: Mesh, environment: Environment): Connector {
  const mesh = resolveMesh(declared, environment);
  switch (mesh.kind) {
    case 'aws-iam':
      return createAwsIamConnector({ mesh, environment });
    case 'entra':
      return createEntraConnector({ mesh, environment });
    case 'keystone':
      return createKeystoneConnector({ mesh, environment });
    default:
      return assertNever(mesh);
  }
}
