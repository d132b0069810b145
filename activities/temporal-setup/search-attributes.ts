/** Search attributes: the few words by which runs and reviews can be listed. Never a value of a record. */
import { encodeSearchAttributeIndexedValueType } from '@temporalio/common/lib/search-attributes.js';
import { ConcordatError } from '../../core/errors.js';
import { searchAttributes, type SearchAttributeKind } from '../../core/names.js';
import type { Made } from './namespaces.js';
import { grpcCodeOf, grpcStatus, pollUntil, type TemporalServices } from './temporal-services.js';

const typeNumber: Readonly<Record<SearchAttributeKind, number | undefined>> = {
  Keyword: encodeSearchAttributeIndexedValueType('KEYWORD'),
  Int: encodeSearchAttributeIndexedValueType('INT'),
};

/**
 * Registers the attributes of core/names.ts that the namespace does not have. Throws `invalidFederation` where one exists
 * with another type: the server would accept the request, ignore it, and fail every run that sets the attribute.
 */
export async function ensureSearchAttributes(services: TemporalServices, namespace: string): Promise<Made> {
  const missing = await missingSearchAttributes(services, namespace);
  if (missing.length === 0) return 'present';
  try {
    await services.operatorService.addSearchAttributes({
      namespace,
      searchAttributes: Object.fromEntries(missing.map((name) => [name, typeNumber[searchAttributes[name]] ?? 0])),
    });
  } catch (error) {
    if (grpcCodeOf(error) !== grpcStatus.alreadyExists) throw error;
  }
  await pollUntil(async () => ((await missingSearchAttributes(services, namespace)).length === 0 ? true : undefined), {
    withinMs: 30_000,
    late: () =>
      new ConcordatError(
        'temporalUnreachable',
        `the server accepted the search attributes of namespace ${namespace} but does not show them; try again`,
      ),
  });
  return 'created';
}

async function missingSearchAttributes(
  services: TemporalServices,
  namespace: string,
): Promise<readonly (keyof typeof searchAttributes)[]> {
  const { customAttributes } = await services.operatorService.listSearchAttributes({ namespace });
  const names = Object.keys(searchAttributes) as (keyof typeof searchAttributes)[];
  return names.filter((name) => {
    const found = customAttributes[name];
    if (found === undefined) return true;
    if (found !== typeNumber[searchAttributes[name]]) {
      throw new ConcordatError(
        'invalidFederation',
        `search attribute ${name} of namespace ${namespace} exists with another type than ${searchAttributes[name]}; remove it with \`temporal operator search-attribute remove\` and prepare again`,
      );
    }
    return false;
  });
}
