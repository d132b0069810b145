/** How much of its store an authority lets a worker use: what it counts in a second, and how large a page is. */
import { z } from 'zod';

const rate = z.int().min(1).max(1_000_000).optional();

/** `what`: requests, rows or units. */
export const perSecond = (what: string) =>
  z
    .strictObject({ read: rate, write: rate })
    .optional()
    .describe(`${what} that one worker may use in a second; without them it takes what the store gives`);

export const requestsPerSecond = perSecond('requests');

/** `why`: whose bound `most` is. */
const pageSize = (what: string, most: number, why: string) =>
  z
    .int()
    .min(1)
    .refine((size) => size <= most, { error: `must be at most ${most}: ${why}` })
    .optional()
    .meta({ maximum: most, description: `${what}, at most ${most}; ${Math.min(most, 1_000)} where left out` });

const pageInMemory = 'a page is held in memory';
const names = 'names that an answer to a listing holds';

export const pageSizes = {
  postgresql: pageSize('rows of a page', 10_000, pageInMemory),
  dynamodb: pageSize('items of a page of a scan, which ends earlier where it has 1 MB', 10_000, pageInMemory),
  cosmos: pageSize('items of a page, which ends earlier where it has 4 MB', 10_000, pageInMemory),
  // https://learn.microsoft.com/rest/api/storageservices/query-timeout-and-pagination
  azureTables: pageSize('entities of a page', 1_000, 'Azure Tables answers with no more at once'),
  // https://learn.microsoft.com/rest/api/storageservices/list-blobs
  azureBlob: pageSize(names, 5_000, 'Azure lists no more blobs at once'),
  // https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListObjectsV2.html
  s3: pageSize(names, 1_000, 'S3 lists no more at once'),
  // `container_listing_limit` of https://docs.openstack.org/swift/latest/config/swift_server_config.html
  swift: pageSize(
    `${names}, where \`container_listing_limit\` of the store allows them`,
    10_000,
    'Swift lists no more at once unless its operators say so',
  ),
};
