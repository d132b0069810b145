/** One field of one record, as a declared policy looks at it. */
import type { CompareContext, RecordView } from '../compare.js';
import type { Presence } from '../presence.js';
import type { FieldPolicy } from '../federation/resolution.js';
import type { FieldKind } from '../federation/taxonomy.js';
import type { AuthorityId, Fields } from '../record.js';
import type { FieldVerdict } from '../verdict.js';

export interface FieldScene {
  readonly field: string;
  readonly kind: FieldKind;
  readonly policy: FieldPolicy;
  /** Members that hold the record and show the field, sorted; at least one. */
  readonly speaking: readonly AuthorityId[];
  readonly view: RecordView;
  readonly base: Fields | undefined;
  readonly presence: Presence;
  readonly context: CompareContext;
  /** What would be said without a policy. */
  readonly threeWay: () => FieldVerdict;
}

/** Members that hold the field, or may hold it, and cannot be heard now. */
export function silentMembers({ field, speaking, presence, context }: FieldScene): readonly AuthorityId[] {
  const { type } = context;
  const unheard = [...presence.holders, ...presence.unread].filter(
    (member) => type.held[member]?.includes(field) && !speaking.includes(member),
  );
  return [...unheard, ...type.absent].sort();
}

/** Whether a mesh lacks the record, so that it could be created there. */
export function mayBeCreated({ presence }: FieldScene): boolean {
  return presence.absent.length > 0;
}

export function waitsFor(
  scene: FieldScene,
  members: readonly AuthorityId[],
  value = scene.base?.[scene.field],
): FieldVerdict {
  return { kind: 'waits', field: scene.field, for: members, at: scene.speaking, value };
}
