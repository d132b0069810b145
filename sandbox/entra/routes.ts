/** Every route of Microsoft Graph and of the token endpoint that the sandbox knows; Graph routes stand under /v1.0. */
import { applicationRoutes } from './applications.js';
import { json } from './call.js';
import { directoryRoleRoutes } from './directory-roles.js';
import { groupRoutes } from './groups.js';
import { openIdMetadata, issueToken } from './tokens.js';
import { deletedRoutes, requirePermission, userRoutes, type Run } from './users.js';

const otherRoutes: Readonly<Record<string, Run>> = {
  'GET /organization'(call) {
    requirePermission(call, [
      'Organization.Read.All',
      'Directory.Read.All',
      'Directory.ReadWrite.All',
      'User.Read.All',
      'User.ReadWrite.All',
    ]);
    return json(200, {
      '@odata.context': `${call.request.url.origin}/v1.0/$metadata#organization`,
      value: [
        {
          id: call.state.tenant,
          displayName: 'Contoso',
          tenantType: 'AAD',
          verifiedDomains: call.state.domains.map((name, index) => ({
            name,
            isDefault: index === 0,
            isInitial: name.endsWith('.onmicrosoft.com'),
            type: 'Managed',
          })),
        },
      ],
    });
  },
};

export const graphRoutes: Readonly<Record<string, Run>> = {
  ...userRoutes,
  ...groupRoutes,
  ...deletedRoutes,
  ...applicationRoutes,
  ...directoryRoleRoutes,
  ...otherRoutes,
};

export const tokenRoutes: Readonly<Record<string, Run>> = {
  'GET /{tenant}/v2.0/.well-known/openid-configuration': openIdMetadata,
  'POST /{tenant}/oauth2/v2.0/token': issueToken,
};
