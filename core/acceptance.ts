/**
 * What people left as it is: kept in their authority's standing, so that a plan asks for the rest only. An authority
 * accepts for its own mesh alone.
 */
import { z } from 'zod';
import type { RecordView } from './compare.js';
import { Digest } from './digest.js';
import { byCodeUnit } from './json.js';
import { makeOperation, piecesOf, withoutPieces, type Operation } from './operation.js';
import type { Conflict, Divergence } from './plan.js';
import { AuthorityId } from './record.js';
import type { StandingAcceptance } from './acceptance-statement.js';

/**
 * A rejection that still holds: until its end this authority's people are not asked again about a piece of an operation
 * (piecesOf in operation.ts), or about a conflict. Each is known by a digest of the values, so it holds until one moves.
 */
export const Rejection = z.strictObject({
  subject: Digest,
  reason: z.string().max(500),
  untilMs: z.int(),
  approver: z.string(),
});
export type Rejection = z.infer<typeof Rejection>;

/** Who accepted a difference, why, and until when. A rejection names no owner; `concordat accept` does. */
export const Acceptance = z.strictObject({
  authority: AuthorityId,
  reason: z.string(),
  untilMs: z.int(),
  owner: z.string().optional(),
});
export type Acceptance = z.infer<typeof Acceptance>;

/** An operation without the pieces that its authority's people turned down; null where nothing is left to ask. */
export interface Asked {
  readonly operation: Operation | null;
  readonly accepted: readonly { readonly field: string | null; readonly acceptance: Acceptance }[];
}

/** A conflict without the candidates that would write where people left it as it is; null where no way out is left. */
export interface AskedConflict {
  readonly conflict: Conflict | null;
  readonly accepted: readonly Acceptance[];
}

export class Acceptances {
  /** By authority and subject. */
  readonly #bySubject = new Map<string, Acceptance>();
  /** By type and key: what people accepted without being asked, as far as it still holds. */
  readonly #byRecord = new Map<string, StandingAcceptance[]>();

  constructor(
    rejections: Readonly<Record<AuthorityId, readonly Rejection[]>>,
    holding: readonly StandingAcceptance[] = [],
  ) {
    for (const acceptance of [...holding].sort((a, b) => byCodeUnit(a.id, b.id))) {
      const record = `${acceptance.type} ${acceptance.key}`;
      this.#byRecord.set(record, [...(this.#byRecord.get(record) ?? []), acceptance]);
    }
    for (const [authority, own] of Object.entries(rejections)) {
      for (const { subject, reason, untilMs } of own) {
        const known = this.of(authority, subject);
        // Of two that hold, the later end counts; the reason breaks a tie, so that no order shows.
        if (known && (known.untilMs > untilMs || (known.untilMs === untilMs && known.reason <= reason))) continue;
        this.#bySubject.set(`${authority} ${subject}`, { authority, reason, untilMs });
      }
    }
  }

  of(authority: AuthorityId, subject: Digest): Acceptance | undefined {
    return this.#bySubject.get(`${authority} ${subject}`);
  }

  /** Of one authority, about a field or the whole record; `field` null asks for the whole record only. */
  #declared(authority: AuthorityId, type: string, key: string, field: string | null): Acceptance | undefined {
    const found = this.#byRecord
      .get(`${type} ${key}`)
      ?.filter((one) => one.authority === authority && (one.field === null || one.field === field))
      // Of two that hold, the later end counts.
      .sort((a, b) => b.untilMs - a.untilMs || byCodeUnit(a.id, b.id))[0];
    return found && { authority, reason: found.reason, untilMs: found.untilMs, owner: found.owner };
  }

  /** Of a divergence that no operation would settle: what those at whom it is accepted. */
  declaredAt(
    { type, key, field }: { readonly type: string; readonly key: string; readonly field: string | null },
    at: readonly AuthorityId[],
  ): readonly Acceptance[] {
    if (!this.#byRecord.has(`${type} ${key}`)) return [];
    return at.flatMap((authority) => this.#declared(authority, type, key, field) ?? []);
  }

  ask(operations: readonly Operation[], view: RecordView): readonly Asked[] {
    return operations.map((operation) => this.#askOne(operation, view));
  }

  #askOne(operation: Operation, view: RecordView): Asked {
    if (this.#bySubject.size === 0 && this.#byRecord.size === 0) return { operation, accepted: [] };
    const { authority, kind, type, key } = operation;
    const accepted = piecesOf(operation).flatMap(({ field, digest }) => {
      const acceptance = this.#declared(authority, type, key, field) ?? this.of(authority, digest);
      return acceptance ? [{ field, acceptance }] : [];
    });
    if (accepted.length === 0) return { operation, accepted };
    if (kind !== 'update') return { operation: null, accepted };
    const isOut = (piece: Digest): boolean => this.of(authority, piece) !== undefined;
    const changes = operation.changes
      .filter(({ field }) => !this.#declared(authority, type, key, field))
      .flatMap((change) => withoutPieces(operation, change, isOut) ?? []);
    if (changes.length === 0) return { operation: null, accepted };
    return { operation: makeOperation({ ...operation, changes, current: view.members[authority] ?? null }), accepted };
  }

  askConflict(conflict: Conflict): AskedConflict {
    const written = new Set(
      conflict.candidates.flatMap(({ operations }) => operations.map(({ authority }) => authority)),
    );
    const { id, type, key, field } = conflict;
    const accepted = [...written].flatMap(
      (authority) => this.#declared(authority, type, key, field) ?? this.of(authority, id) ?? [],
    );
    if (accepted.length === 0) return { conflict, accepted };
    const leaving = new Set(accepted.map(({ authority }) => authority));
    const candidates = conflict.candidates.filter(({ operations }) =>
      operations.every(({ authority }) => !leaving.has(authority)),
    );
    const isAsked = candidates.some(({ operations }) => operations.length > 0);
    return { conflict: isAsked ? { ...conflict, candidates } : null, accepted };
  }
}

export function askedOperations(asked: readonly Asked[]): readonly Operation[] {
  return asked.flatMap(({ operation }) => operation ?? []);
}

/** What settles a divergence, and who accepted it. */
export interface Settling {
  readonly operations: readonly Operation[];
  readonly accepted: readonly Acceptance[];
}

/** Of one field, or of the whole record. */
export function settlingOf(asked: readonly Asked[], field: string | null = null): Settling {
  return {
    operations: askedOperations(asked).filter(
      ({ changes }) => field === null || changes.some((change) => change.field === field),
    ),
    accepted: asked.flatMap(({ accepted }) =>
      accepted.flatMap((own) => (field === null || own.field === field ? [own.acceptance] : [])),
    ),
  };
}

/** A divergence that is a conflict, or only waits for some: then it goes on waiting while a way out of one is asked about. */
export function withConflicts(
  { operations, accepted }: Settling,
  conflicts: readonly AskedConflict[],
  waits: boolean,
): Settling {
  const isLeft = !waits || conflicts.every(({ conflict }) => conflict === null);
  const asked = conflicts.flatMap(({ conflict }) => conflict?.candidates.flatMap((one) => one.operations) ?? []);
  return {
    operations: [...operations, ...(waits ? [] : asked)],
    accepted: [...accepted, ...(isLeft ? conflicts.flatMap((one) => one.accepted) : [])],
  };
}

export function distinctAcceptances(accepted: readonly Acceptance[]): Acceptance[] {
  const nameOf = ({ authority, reason, untilMs, owner }: Acceptance): string =>
    `${authority} ${untilMs} ${reason}${owner === undefined ? '' : ` ${owner}`}`;
  const byName = new Map(accepted.map((one) => [nameOf(one), one]));
  return [...byName].sort(([left], [right]) => byCodeUnit(left, right)).map(([, one]) => one);
}

/** Whether people left a difference as it is, so that nobody is asked about it any more. */
export function isAccepted({ accepted, operations }: Divergence): boolean {
  return accepted.length > 0 && operations.length === 0;
}
