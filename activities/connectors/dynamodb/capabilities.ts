/** What DynamoDB can do, and the permissions it asks for. */
import { paceWords } from '../../pace.js';
import type { Capabilities } from '../connector.js';
import type { DynamodbMesh } from './config.js';

export const readActions = ['dynamodb:DescribeTable', 'dynamodb:Scan', 'dynamodb:GetItem'] as const;
/** What telling changes needs; without it every run reads everything. */
export const streamActions = ['dynamodb:DescribeStream', 'dynamodb:GetShardIterator', 'dynamodb:GetRecords'] as const;
export const writeActions = ['dynamodb:PutItem', 'dynamodb:UpdateItem', 'dynamodb:DeleteItem'] as const;

export function dynamodbCapabilities({
  tables,
  segments,
  unitsPerSecond,
  changes,
}: Pick<DynamodbMesh, 'tables' | 'segments' | 'unitsPerSecond' | 'changes'>): Capabilities {
  return {
    kind: 'dynamodb',
    nativeTypes: Object.entries(tables).map(([type, { table, key, attributes = {} }]) => ({
      type,
      // Items of a table share nothing but its key.
      properties: [...new Set([...key, ...Object.keys(attributes)])],
      writes: ['create', 'update', 'delete'],
      permissions: {
        read: [
          ...readActions.map((action) => `${action} on ${table}`),
          ...(changes ? streamActions.map((action) => `${action} on the stream of ${table}`) : []),
        ],
        write: writeActions.map((action) => `${action} on ${table}`),
      },
    })),
    absenceProvesDeletion: true,
    conditionalWrites: true,
    rateLimits: [
      ...paceWords(unitsPerSecond, 'capacity units', 'what the table gives'),
      `${segments} segments of a table at once`,
    ],
    permissions: { read: [], write: [] },
  };
}
