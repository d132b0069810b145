/** The pages of GetAccountAuthorizationDetails, one filter at a time, with a marker that another process can go on from. */
import { GetAccountAuthorizationDetailsCommand } from '@aws-sdk/client-iam';
import type { GetAccountAuthorizationDetailsResponse } from '@aws-sdk/client-iam';
import { ConcordatError } from '../../../core/errors.js';
import type { AwsIamClient } from './client.js';
import { nextMarker } from './paging.js';

const action = 'iam:GetAccountAuthorizationDetails';

export type Filter = 'User' | 'Group' | 'Role' | 'LocalManagedPolicy' | 'AWSManagedPolicy';

export interface Page {
  readonly page: GetAccountAuthorizationDetailsResponse;
  /** The marker that gave this page, and the one that gives the next; undefined: the first, none. */
  readonly from: string | undefined;
  readonly next: string | undefined;
}

/** Throws ConcordatError; `cursorLost` where IAM no longer knows the marker. */
export async function* accountPages(
  client: AwsIamClient,
  filter: Filter | readonly Filter[],
  first: string | undefined,
  signal: AbortSignal | undefined,
): AsyncGenerator<Page> {
  let from = first;
  for (;;) {
    const page = await onePage(client, filter, from, signal);
    const next = nextMarker(action, page, from);
    yield { page, from, next };
    if (next === undefined) return;
    from = next;
  }
}

async function onePage(
  client: AwsIamClient,
  filter: Filter | readonly Filter[],
  marker: string | undefined,
  signal: AbortSignal | undefined,
): Promise<GetAccountAuthorizationDetailsResponse> {
  const command = new GetAccountAuthorizationDetailsCommand({
    Filter: [filter].flat(),
    MaxItems: client.config.limits.pageSize,
    ...(marker === undefined ? {} : { Marker: marker }),
  });
  const options = signal === undefined ? {} : { abortSignal: signal };
  try {
    return await client.read(action, (iam) => iam.send(command, options), signal);
  } catch (error) {
    // the rest of the request never changes, so the marker is all that IAM can refuse in it
    if (marker !== undefined && error instanceof ConcordatError && error.code === 'refusedByCloud') {
      throw new ConcordatError('cursorLost', `${action} no longer knows the marker; start from the first page`);
    }
    throw error;
  }
}
