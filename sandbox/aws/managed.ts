/**
 * A few of the policies that AWS publishes, with their documents as they stood when this was written. Others may be
 * attached here too, but not looked into.
 * Source: https://docs.aws.amazon.com/aws-managed-policy/latest/reference/policy-list.html
 */

export interface AwsManagedPolicy {
  readonly name: string;
  readonly id: string;
  readonly path: string;
  readonly arn: string;
  readonly document: string;
}

function managed(name: string, id: string, statements: readonly object[], path = '/'): AwsManagedPolicy {
  const document = JSON.stringify({ Version: '2012-10-17', Statement: statements });
  return { name, id, path, arn: `arn:aws:iam::aws:policy${path}${name}`, document };
}

const allow = (actions: string | readonly string[]) => ({ Effect: 'Allow', Action: actions, Resource: '*' });

/** By name. */
export const awsManaged: readonly AwsManagedPolicy[] = [
  managed('AdministratorAccess', 'ANPAIWMBCKSKIEE64ZLYK', [allow('*')]),
  managed('AmazonS3FullAccess', 'ANPAIFIR6V6BVTRAHWINE', [allow(['s3:*', 's3-object-lambda:*'])]),
  managed('AmazonS3ReadOnlyAccess', 'ANPAIZTJ4DXE7G6AGAE6M', [
    allow(['s3:Get*', 's3:List*', 's3:Describe*', 's3-object-lambda:Get*', 's3-object-lambda:List*']),
  ]),
  managed('IAMReadOnlyAccess', 'ANPAJKSO7NDY4T57MWDSQ', [
    allow([
      'iam:GenerateCredentialReport',
      'iam:GenerateServiceLastAccessedDetails',
      'iam:Get*',
      'iam:List*',
      'iam:SimulateCustomPolicy',
      'iam:SimulatePrincipalPolicy',
    ]),
  ]),
  managed('PowerUserAccess', 'ANPAJYRXTHIB4FOVS3ZXS', [
    { Effect: 'Allow', NotAction: ['iam:*', 'organizations:*', 'account:*'], Resource: '*' },
    allow([
      'account:GetAccountInformation',
      'account:GetPrimaryEmail',
      'account:ListRegions',
      'iam:CreateServiceLinkedRole',
      'iam:DeleteServiceLinkedRole',
      'iam:ListRoles',
      'organizations:DescribeEffectivePolicy',
      'organizations:DescribeOrganization',
    ]),
  ]),
];
