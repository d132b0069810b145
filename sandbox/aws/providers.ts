/** The IAM calls on OpenID Connect providers. */
import { IamProblem, invalid, type Input } from './input.js';
import type { AwsState, IdentityProvider } from './state.js';
import type { Action } from './users.js';

function namedProvider(input: Input, state: AwsState): IdentityProvider {
  const arn = input.required('OpenIDConnectProviderArn');
  const provider = [...state.providers.values()].find(({ host }) => state.providerArn(host) === arn);
  if (!provider) throw new IamProblem('NoSuchEntity', 404, `OpenIDConnect Provider not found for arn ${arn}`);
  return provider;
}

export const providerActions: Readonly<Record<string, Action>> = {
  CreateOpenIDConnectProvider(input, state) {
    const url = input.required('Url');
    if (!url.startsWith('https://') || url.length > 255) throw invalid('Invalid Open ID Connect Provider URL');
    const host = url.slice('https://'.length).replace(/\/$/, '');
    if (state.providers.has(host))
      throw new IamProblem('EntityAlreadyExists', 409, `Provider with url ${url} already exists.`);
    state.addProvider(host, input.list('ClientIDList'));
    return { OpenIDConnectProviderArn: state.providerArn(host) };
  },
  GetOpenIDConnectProvider(input, state) {
    const { host, clientIds, created } = namedProvider(input, state);
    return { Url: host, ClientIDList: clientIds, ThumbprintList: [], CreateDate: created };
  },
  ListOpenIDConnectProviders(_input, state) {
    return {
      OpenIDConnectProviderList: [...state.providers.keys()].sort().map((host) => ({ Arn: state.providerArn(host) })),
    };
  },
  AddClientIDToOpenIDConnectProvider(input, state) {
    const { clientIds } = namedProvider(input, state);
    const id = input.required('ClientID');
    if (!clientIds.includes(id)) clientIds.push(id);
    return undefined;
  },
  DeleteOpenIDConnectProvider(input, state) {
    state.providers.delete(namedProvider(input, state).host);
    return undefined;
  },
};
