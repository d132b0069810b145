/** What no effect counts in, by kind of mesh: said beside every answer, because it can give more or take away. */
import type { Mesh } from './authority.js';

export const notEvaluated: Readonly<Record<Mesh['kind'], readonly string[]>> = {
  'aws-iam': [
    'service and resource control policies of the organisation, resource policies and session policies',
    'what inline policies allow: they are no grants, and only what they deny is counted',
    'for who has it through a team: denies and the boundary of the person',
  ],
  entra: [
    'Azure RBAC, delegated permissions and consent, conditional access, owners of applications',
    'what a directory role permits beyond its name, and administrative units that keep roles of the directory out',
  ],
  keystone: [
    'policy files of the services: what a role permits is what taxonomy/capabilities.yaml says',
    'trusts and application credentials that were given on',
  ],
  folder: [],
  postgresql: [],
  dynamodb: [],
  s3: [],
  'azure-tables': [],
  'azure-blob': [],
  cosmos: [],
  swift: [],
};
