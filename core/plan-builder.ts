/** What a plan gathers while its types are walked, and which meshes can be asked for what. */
import { Acceptances, distinctAcceptances, type Settling } from './acceptance.js';
import { holdingAcceptances } from './acceptance-statement.js';
import type { RecordView } from './compare.js';
import type { Digest } from './digest.js';
import type { DatasetShape, DatasetType } from './federation/federation.js';
import { IgnoredIndex, type IgnoredRecord } from './ignored.js';
import { byCodeUnit } from './json.js';
import { OpaqueIndex, type OpaqueRecord } from './opaque.js';
import type { Operation } from './operation.js';
import { Disputes } from './plan-dispute.js';
import { gatheringInMemory, type PlanGathering } from './plan-gathering.js';
import type { Conflict, Divergence, PlanInput } from './plan.js';
import { referencesOfView } from './presence.js';
import type { AuthorityId } from './record.js';
import { References } from './references.js';
import { Undos } from './undo.js';
import type { OpenedAt } from './resolution/deletion.js';
import type { FieldVerdict } from './verdict.js';

/** Operations are asked for at the end: a dispute gains some when the sets that refer to its record are walked. */
export type DivergenceDraft = Omit<Divergence, 'operations' | 'accepted'> &
  Settling & {
    /** Conflicts that it is, or waits for. */
    readonly conflicts: readonly Digest[];
  };

export class PlanBuilder {
  readonly gathering: PlanGathering;
  readonly conflicts: Conflict[] = [];
  /** Of the record that is walked. */
  readonly divergences: DivergenceDraft[] = [];
  readonly #waiting: DivergenceDraft[] = [];
  /** Opaque records of which the plan speaks. */
  readonly shownOpaque: OpaqueRecord[] = [];
  readonly disputes = new Disputes();
  readonly references: References;
  readonly acceptances: Acceptances;
  readonly openedAt: OpenedAt;
  readonly opaque: OpaqueIndex;
  readonly ignored: IgnoredRecord[] = [];
  readonly #ignores: IgnoredIndex;
  readonly undos: Undos;

  constructor(input: PlanInput, gathering?: PlanGathering) {
    this.gathering = gathering ?? gatheringInMemory(typeOrderOf(input.shape));
    this.openedAt = input.openedAt ?? {};
    this.#ignores = new IgnoredIndex(input.ignored ?? []);
    this.undos = new Undos(input.undos ?? []);
    this.opaque = new OpaqueIndex(input.opaque ?? []);
    this.references = new References(input.shape, input.held);
    this.acceptances = new Acceptances(input.rejections, holdingAcceptances(input, input.acceptances ?? []));
  }

  /** Nobody's, or an edge of what is nobody's and only its own mesh shows: listed, and nothing else follows. */
  isIgnored(type: string, view: RecordView, shape: DatasetType): boolean {
    if (this.#ignores.size === 0) return false;
    const holders = Object.keys(view.members).filter((member) => view.members[member] !== undefined);
    const [found] = [{ type, key: view.key }, ...(view.base ? [] : referencesOfView(view, shape))].flatMap(
      (one) => this.#ignores.of(one.type, one.key, holders) ?? [],
    );
    if (!found) return false;
    const { authority, reason, approver } = found;
    this.ignored.push({ authority, type, key: view.key, reason, approver });
    return true;
  }

  put(operation: Operation): void {
    this.gathering.operations.put(operation);
  }

  /**
   * Makes divergences of what is known of whole records by now, so that a million drafts need not live beside them. What is a
   * conflict, or waits for one, is kept until all are known.
   */
  settleDrafts(settle: (builder: PlanBuilder, draft: DivergenceDraft) => Settling): void {
    for (const draft of this.divergences) {
      if (draft.kind === 'opaque') this.shownOpaque.push(...this.opaque.of(draft.type, draft.key));
      if (draft.conflicts.length > 0) this.#waiting.push(draft);
      else this.gathering.divergences.put(divergenceOf(draft, settle(this, draft)));
    }
    this.divergences.length = 0;
  }

  settleWaiting(settle: (draft: DivergenceDraft) => Settling): void {
    for (const draft of this.#waiting) this.gathering.divergences.put(divergenceOf(draft, settle(draft)));
    this.#waiting.length = 0;
  }

  diverge(
    kind: Divergence['kind'],
    type: DatasetType,
    view: Pick<RecordView, 'key'>,
    field: string | null,
    because: readonly AuthorityId[],
    at: readonly AuthorityId[],
    {
      leaves,
      ...settling
    }: Partial<Pick<DivergenceDraft, 'operations' | 'accepted' | 'conflicts'>> & {
      readonly leaves?: Readonly<Record<AuthorityId, readonly string[]>>;
    } = {},
  ): void {
    this.divergences.push({
      operations: [],
      accepted: [],
      conflicts: [],
      ...settling,
      kind,
      type: type.taxonomy.type,
      key: view.key,
      field,
      because: [...because].sort(byCodeUnit),
      at: [...at].sort(byCodeUnit),
      ...(leaves ? { leaves: Object.fromEntries(Object.entries(leaves).map(([id, own]) => [id, [...own]])) } : {}),
    });
  }
}

/** Types stand in a plan as the dataset names them. */
export function typeOrderOf({ types }: Pick<DatasetShape, 'types'>): ReadonlyMap<string, number> {
  return new Map(types.map((type, position) => [type.taxonomy.type, position]));
}

function divergenceOf(
  { kind, type, key, field, because, at, leaves }: DivergenceDraft,
  { operations, accepted }: Settling,
): Divergence {
  return {
    kind,
    type,
    key,
    field,
    because,
    at,
    operations: operations.map(({ id }) => id).sort(byCodeUnit),
    accepted: distinctAcceptances(accepted),
    ...(leaves ? { leaves } : {}),
  };
}

/** Those whose mesh can be asked for it; what the others lack to it is a divergence of its own. */
export function withinLimits(
  builder: PlanBuilder,
  type: DatasetType,
  view: RecordView,
  kind: Operation['kind'],
  because: readonly AuthorityId[],
  members: readonly AuthorityId[],
): readonly AuthorityId[] {
  // Shown as opaque already.
  const clear = members.filter((member) => !builder.opaque.isOpaque(type.taxonomy.type, view.key, member));
  const readOnly = clear.filter((member) => type.cannot?.[member]?.includes(kind));
  if (readOnly.length > 0) builder.diverge('readOnlyThere', type, view, null, because, readOnly);
  const writable = clear.filter((member) => !readOnly.includes(member));
  if (kind !== 'create') return writable;
  const referred = referencesOfView(view, type);
  const waiting = writable.filter((member) => !builder.references.canRefer(referred, member));
  if (waiting.length > 0) builder.diverge('waitsForReference', type, view, null, because, waiting);
  return writable.filter((member) => !waiting.includes(member));
}

/** The holders that a proposal would change. */
export function behindOf(fields: readonly FieldVerdict[], holders: readonly AuthorityId[]): readonly AuthorityId[] {
  const behind = new Set(
    fields.flatMap((field) =>
      field.kind === 'proposal' ? field.behind : field.kind === 'setProposal' ? Object.keys(field.perMember) : [],
    ),
  );
  return holders.filter((member) => behind.has(member));
}
