/** Which connector serves which kind of mesh. Only its own cloud's SDK is loaded: each takes a third of a worker's start. */
import { assertNever } from '../core/json.js';
import type { Mesh } from '../core/federation/authority.js';
import type { Connector } from '../activities/connectors/connector.js';
import { resolveMesh, type Environment } from '../activities/federation-folder/resolve-mesh.js';

export async function createConnector(
  declared: Mesh,
  environment: Environment,
  federationFolder: string,
): Promise<Connector> {
  const mesh = resolveMesh(declared, environment, federationFolder);
  switch (mesh.kind) {
    case 'aws-iam': {
      const { createAwsIamConnector } = await import('../activities/connectors/aws-iam/connector.js');
      return createAwsIamConnector({ mesh, environment });
    }
    case 'entra': {
      const { createEntraConnector } = await import('../activities/connectors/entra/connector.js');
      return createEntraConnector({ mesh, environment });
    }
    case 'keystone': {
      const { createKeystoneConnector } = await import('../activities/connectors/keystone/connector.js');
      return createKeystoneConnector({ mesh, environment });
    }
    case 'folder': {
      const { createFolderConnector } = await import('../activities/connectors/folder/connector.js');
      return createFolderConnector({ mesh });
    }
    case 'postgresql': {
      const { createPostgresqlConnector } = await import('../activities/connectors/postgresql/connector.js');
      return createPostgresqlConnector({ mesh, environment });
    }
    case 'dynamodb': {
      const { createDynamodbConnector } = await import('../activities/connectors/dynamodb/connector.js');
      return createDynamodbConnector({ mesh, environment });
    }
    case 's3': {
      const { createS3Connector } = await import('../activities/connectors/s3/connector.js');
      return createS3Connector({ mesh, environment });
    }
    case 'azure-tables': {
      const { createAzureTablesConnector } = await import('../activities/connectors/azure-tables/connector.js');
      return createAzureTablesConnector({ mesh, environment });
    }
    case 'azure-blob': {
      const { createAzureBlobConnector } = await import('../activities/connectors/azure-blob/connector.js');
      return createAzureBlobConnector({ mesh, environment });
    }
    case 'cosmos': {
      const { createCosmosConnector } = await import('../activities/connectors/cosmos/connector.js');
      return createCosmosConnector({ mesh, environment });
    }
    case 'swift': {
      const { createSwiftConnector } = await import('../activities/connectors/swift/connector.js');
      return createSwiftConnector({ mesh, environment });
    }
    default:
      return assertNever(mesh);
  }
}
