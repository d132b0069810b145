/** Who plays in the demo: three authorities, what each governs, and the one person who approves for it. */
import type { AuthorityId } from '../../core/record.js';

export interface Player {
  readonly authority: AuthorityId;
  /** What its cloud is, for people. */
  readonly governs: string;
  readonly approver: string;
  /** The stand-in of its cloud, under the name that the sandbox gives it. */
  readonly cloud: 'aws' | 'entra' | 'keystone';
}

export const players: readonly Player[] = [
  { authority: 'aws', governs: 'an AWS account: IAM users and groups', approver: 'ada', cloud: 'aws' },
  { authority: 'azure', governs: 'a Microsoft Entra tenant: users and groups', approver: 'bela', cloud: 'entra' },
  {
    authority: 'sov',
    governs: 'an OpenStack domain: Keystone users and groups',
    approver: 'carmen',
    cloud: 'keystone',
  },
];

export function playerOf(authority: AuthorityId): Player {
  const player = players.find((one) => one.authority === authority);
  if (!player) throw new Error(`nobody plays ${authority} in the demo`);
  return player;
}
