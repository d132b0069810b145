/** What was erased where, and what could not be reached, for people. */
import type { OutOfReach } from '../../core/lineage/erasure.js';

const reachWords: Readonly<Record<OutOfReach['kind'], string>> = {
  exports: 'files that `concordat export` wrote: they hold values and salt',
  storeBackups: 'backups and snapshots of the exchange store and of private stores',
  temporalHistories: 'Temporal histories, until the retention of their namespace ends (keys and digests, no values)',
  logFiles: 'log files of workers (no values)',
  notices: 'reminders that were posted to a webhook',
  lineageEvents: 'OpenLineage events that a receiver keeps (counts and field names, no values)',
  cloudRecycleBin: "Entra's deleted items, which its administrators can restore for 30 days",
  cloudAuditLog: 'audit logs of the clouds themselves',
  coordinator: "the coordinator's plans and segments, which it removes after the last member",
  member: 'has not erased its copies yet',
};

export function outOfReachText({ kind, who }: OutOfReach): string {
  return who === null ? reachWords[kind] : `${who}: ${reachWords[kind]}`;
}

export function removedText(removed: Readonly<Record<string, number>>): string {
  const parts = Object.entries(removed).flatMap(([kind, count]) =>
    count > 0 ? [`${count} ${words[kind] ?? kind}`] : [],
  );
  return parts.length === 0 ? 'nothing was here' : parts.sort().join(', ');
}

const words: Readonly<Record<string, string>> = {
  salt: 'salt',
  salts: 'lists of proposed salts',
  indexes: 'index columns',
  sheets: 'review sheets',
  pages: 'native pages',
  journal: 'journal entries',
  writtenValues: 'lists of written values',
};
