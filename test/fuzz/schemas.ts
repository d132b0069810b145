/** By which schema each sample is read, and of every type of signed or encrypted message which samples are inside of it. */
import type { z } from 'zod';
import { DigestKeyStatement, Envelope } from '../../activities/authority/digest-key.js';
import { Disclosed, DisclosureStatement, EnvelopeDocument } from '../../activities/authority/disclosure.js';
import { SignedLink } from '../../activities/authority/link-statement.js';
import { SignedUndo } from '../../activities/authority/undo-statement.js';
import { PieceList } from '../../activities/documents/piece-list.js';
import { PublishedErasure } from '../../activities/lineage/erasures.js';
import { ExportHead } from '../../activities/lineage/export-file.js';
import { TableManifest } from '../../activities/lineage/record-table.js';
import { SealedHops } from '../../activities/lineage/run-hops.js';
import { ComparedGroup } from '../../activities/walking/compared-group.js';
import { AuthorStatement } from '../../core/approval/author-statement.js';
import { Delegation, DelegationEnd } from '../../core/approval/delegation.js';
import { ClockReset } from '../../core/clock/reset.js';
import { Correlation } from '../../core/correlate.js';
import { Decision } from '../../core/decision.js';
import { Configuration } from '../../core/federation/configuration.js';
import { ErasedObjects, ErasureReceipt, ErasureRequest } from '../../core/lineage/erasure.js';
import { HopRoot } from '../../core/lineage/hop.js';
import { EntityConfiguration, HistoricalKeys, SubordinateStatement } from '../../core/manifest/statement.js';
import {
  Base,
  Candidate,
  Open,
  Proposal,
  ReceiptsBody,
  ReceiptsStatement,
  Ref,
  Seal,
  SnapshotStatement,
  Standing,
  Witness,
} from '../../core/messages.js';
import { OpaqueRecords } from '../../core/opaque.js';
import { Permit } from '../../core/permit.js';
import { Plan } from '../../core/plan.js';
import { RecordVersions } from '../../core/record-versions.js';
import { ReviewBody, ReviewStatement } from '../../core/review.js';
import { SignedStatement } from '../../core/standing-statement.js';
import type { samples } from './samples.js';

export type SampleName = keyof typeof samples;

export const schemas: Readonly<Record<SampleName, z.ZodType>> = {
  accept: SignedStatement,
  author: AuthorStatement,
  base: Base,
  candidate: Candidate,
  clockReset: ClockReset,
  comparedGroup: ComparedGroup,
  configuration: Configuration,
  correlation: Correlation,
  decision: Decision,
  delegation: Delegation,
  delegationEnd: DelegationEnd,
  digestKey: DigestKeyStatement,
  digestKeyEnvelope: Envelope,
  digestKeyHead: Ref,
  disclosed: Disclosed,
  disclosure: DisclosureStatement,
  disclosureEnvelope: EnvelopeDocument,
  entity: EntityConfiguration,
  erasedObjects: ErasedObjects,
  erasureReceipt: ErasureReceipt,
  erasureRequest: ErasureRequest,
  exportedAttempt: ExportHead,
  exportedRecord: ExportHead,
  exportedRun: ExportHead,
  historicalKeys: HistoricalKeys,
  hopRoot: HopRoot,
  ignore: SignedStatement,
  link: SignedLink,
  opaque: OpaqueRecords,
  open: Open,
  permit: Permit,
  pieceList: PieceList,
  plan: Plan,
  proposal: Proposal,
  publishedErasure: PublishedErasure,
  publishedTable: TableManifest,
  receipts: ReceiptsStatement,
  receiptsBody: ReceiptsBody,
  review: ReviewStatement,
  reviewBody: ReviewBody,
  seal: Seal,
  sealedHops: SealedHops,
  settle: SignedStatement,
  drift: SignedStatement,
  snapshot: SnapshotStatement,
  standing: Standing,
  subordinate: SubordinateStatement,
  undo: SignedUndo,
  undoWithdrawal: SignedUndo,
  versions: RecordVersions,
  withdraw: SignedStatement,
  witness: Witness,
};

/** test/fuzz/samples.test.ts finds a `typ` that the sources have and this table has not. */
export const messageTypes: Readonly<Record<string, readonly SampleName[]>> = {
  'concordat-author+jws': ['author'],
  'concordat-clock-reset+jws': ['clockReset'],
  'concordat-decision+jws': ['decision'],
  'concordat-delegation+jws': ['delegation'],
  'concordat-delegation-end+jws': ['delegationEnd'],
  'concordat-digest-key+jwe': ['digestKeyEnvelope'],
  'concordat-digest-key+jws': ['digestKey'],
  'concordat-disclosure+jwe': ['disclosed'],
  'concordat-disclosure+jws': ['disclosure'],
  'concordat-erasure+jwt': ['erasureReceipt'],
  'concordat-erasure-request+jws': ['erasureRequest'],
  'concordat-hop+jwt': ['hopRoot'],
  'concordat-link+jws': ['link'],
  'concordat-open+jws': ['open'],
  'concordat-receipts+jws': ['receipts'],
  'concordat-review+jws': ['review'],
  'concordat-snapshot+jws': ['snapshot'],
  'concordat-statement+jws': ['accept', 'ignore', 'settle', 'withdraw'],
  'concordat-undo+jws': ['undo', 'undoWithdrawal'],
  'concordat-witness+jws': ['witness'],
  'entity-statement+jwt': ['entity', 'subordinate'],
  'jwk-set+jwt': ['historicalKeys'],
};
