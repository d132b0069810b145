/** Types and maps that are new: what is asked of whom, what proves it, what a base remembers, and that all must say yes. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { affectedAuthorities } from '../../core/affected-authorities.js';
import {
  agreedUnderOfNextBase,
  type AgreedUnder,
  versionsAlgorithm,
  type DocumentVersion,
} from '../../core/agreed-under.js';
import { requirementOfVersion } from '../../core/approval/requirement.js';
import { approvalDefaults } from '../../core/approval/terms.js';
import type { OpenedDecision } from '../../core/decision.js';
import { canonicalJson, digestOf } from '../../core/digest.js';
import { Dataset } from '../../core/federation/dataset.js';
import type { DatasetType } from '../../core/federation/federation.js';
import { TaxonomyType } from '../../core/federation/taxonomy.js';
import type { Base, SnapshotStatement } from '../../core/messages.js';
import { requireProvenVersions } from '../../core/migrate-base.js';
import { carriedVersions, newVersionsOf, newVersionWords, versionsWaitFor } from '../../core/new-versions.js';
import { makePermit } from '../../core/permit.js';
import { makePlan, type Plan, type PlanInput } from '../../core/plan.js';
import type { AuthorityId } from '../../core/record.js';
import { reviewScope, tally, type Review } from '../../core/review.js';
import { decisionOf } from './support/round.js';
import { ownVotes, plainTerms } from './support/terms.js';

const written = (name: string, version = 1): DocumentVersion => ({ version, digest: digestOf(name) });

const taxonomy = (version = 1): TaxonomyType =>
  TaxonomyType.parse({
    type: 'shipment',
    ...(version > 1 ? { version, earlier: { moved: { to: { from: 'receiver' } } } } : {}),
    fields: version > 1 ? { to: { kind: 'text' } } : { receiver: { kind: 'text' } },
  });

interface World {
  readonly members?: readonly AuthorityId[];
  readonly absent?: readonly AuthorityId[];
  readonly type?: DocumentVersion;
  readonly maps?: Readonly<Record<AuthorityId, DocumentVersion>>;
  readonly version?: number;
}

const oldMaps = { berlin: written('berlin'), lyon: written('lyon'), oslo: written('oslo') };

function typeOf({
  members = ['berlin', 'lyon', 'oslo'],
  absent = [],
  type,
  maps = {},
  version,
}: World = {}): DatasetType {
  const present = members.filter((member) => !absent.includes(member));
  return {
    taxonomy: taxonomy(version),
    held: Object.fromEntries(present.map((member) => [member, ['receiver']])),
    absent,
    groups: [],
    digests: [],
    documents: { taxonomy: type ?? written('shipment'), maps: { ...oldMaps, ...maps } },
  };
}

const agreed = (notBack: Readonly<Record<AuthorityId, number>> = {}): AgreedUnder => ({
  shipment: {
    taxonomy: written('shipment'),
    maps: Object.fromEntries(
      Object.entries(oldMaps).map(([authority, map]) => [
        authority,
        { ...map, ...(notBack[authority] === undefined ? {} : { notBack: notBack[authority] }) },
      ]),
    ),
  },
});

type OfBase = Pick<Base, 'types' | 'agreedUnder' | 'versions'>;
const baseOf = (agreedUnder: AgreedUnder | undefined, count = 412): OfBase => ({
  types: [{ format: 1, type: 'shipment', count, bucketCount: 1, groups: [], segments: [] }],
  ...(agreedUnder ? { agreedUnder } : {}),
});

type Read = Pick<SnapshotStatement, 'authority' | 'lossy' | 'untranslatable' | 'types' | 'scopes'>;
interface ReadWishes {
  readonly lossy?: number;
  readonly unread?: number;
  readonly field?: string;
  readonly drifted?: boolean;
}

function read(authority: AuthorityId, { lossy = 0, unread = 0, field = 'receiver', drifted }: ReadWishes = {}): Read {
  const types = [
    { format: 1 as const, type: 'shipment', count: 412 - unread, bucketCount: 1, groups: [], segments: [] },
  ];
  return {
    authority,
    types,
    lossy: lossy > 0 ? [{ type: 'shipment', count: lossy }] : [],
    untranslatable: unread > 0 ? [{ type: 'shipment', field, reason: 'it is no text', count: unread }] : [],
    scopes: [
      ...(unread > 0
        ? [{ scope: 'shipment/untranslatable', type: 'shipment', complete: false, reason: 'valueNotRepresentable' }]
        : []),
      ...(drifted === true
        ? [{ scope: 'shipment/schema', type: 'shipment', complete: false, reason: 'schemaDrifted' }]
        : []),
    ],
  };
}

const reads = (wishes: Readonly<Record<AuthorityId, ReadWishes>> = {}): Record<AuthorityId, Read> =>
  Object.fromEntries(Object.keys(oldMaps).map((authority) => [authority, read(authority, wishes[authority])]));

const found = (world: World, base: OfBase | null = baseOf(agreed()), snapshots = reads()) =>
  newVersionsOf({ types: [typeOf(world)] }, base, digestOf('base'), snapshots);

const digest = digestOf('any');
const quietDataset = {
  ...Dataset.parse({ dataset: 'shipments', types: ['shipment'], members: Object.keys(oldMaps) }),
  schedule: null,
};
const quietInput: PlanInput = {
  shape: { dataset: quietDataset, members: [], types: [], absent: [], configuration: digest },
  base: digest,
  standing: digest,
  rejections: {},
  correlation: digest,
  cases: [],
  held: [],
  incomplete: [],
  views: {},
  heldAtBase: {},
};
const quietPlan = makePlan(quietInput);

describe('what is new since the last agreement', () => {
  it('is each map and type of another digest, asked of all who hold the type, with what snapshots prove', () => {
    expect(found({})).toEqual([]);
    const versions = found({ maps: { oslo: written('other') }, type: written('more fields', 2) });
    expect(versions).toMatchObject([
      {
        kind: 'type',
        type: 'shipment',
        before: { version: 1 },
        now: { version: 2 },
        asked: ['berlin', 'lyon', 'oslo'],
      },
      { kind: 'map', authority: 'oslo', before: oldMaps.oslo, now: written('other') },
    ]);
    expect(newVersionWords(versions[1] as never)).toBe(
      'map of oslo for shipment is new: 412 of 412 records come back as they were',
    );
  });

  it('is asked of who is absent too, and proven by who is there', () => {
    const [version] = found({ absent: ['lyon'], type: written('other type') });
    expect(version?.asked).toEqual(['berlin', 'lyon', 'oslo']);
    expect(version?.proof.map(({ authority }) => authority)).toEqual(['berlin', 'oslo']);
  });

  it('counts what does not come back once, and says where not all was read', () => {
    const snapshots = reads({ oslo: { lossy: 2, unread: 3, drifted: true } });
    const [version] = found({ maps: { oslo: written('other') } }, baseOf(agreed()), snapshots);
    expect(version?.proof).toEqual([{ authority: 'oslo', records: 412, cameBack: 407, incomplete: true }]);
    const [unread] = found({ maps: { oslo: written('other') } }, baseOf(agreed()), reads({ oslo: { unread: 1 } }));
    expect(unread?.proof).toEqual([{ authority: 'oslo', records: 412, cameBack: 411 }]);
  });

  it('is nothing at first contact: of the dataset, of the type, of a base of before, and of one authority', () => {
    const world = { maps: { oslo: written('other') }, type: written('other type') };
    const { oslo: _first, ...maps } = agreed()['shipment']?.maps ?? {};
    for (const base of [null, baseOf(undefined), baseOf({}), baseOf(agreed(), 0)])
      expect(found(world, base)).toEqual([]);
    expect(
      found({ maps: { oslo: written('first') } }, baseOf({ shipment: { taxonomy: written('shipment'), maps } })),
    ).toEqual([]);
  });

  it('does not depend on the order of members or snapshots', () => {
    const ids = Object.keys(oldMaps);
    fc.assert(
      fc.property(
        fc.shuffledSubarray(ids, { minLength: 3 }),
        fc.shuffledSubarray(ids, { minLength: 3 }),
        fc.subarray(ids),
        fc.boolean(),
        (members, order, newMaps, newType) => {
          const world: World = {
            maps: Object.fromEntries(newMaps.map((id) => [id, written(`${id} anew`)])),
            ...(newType ? { type: written('anew') } : {}),
          };
          const all = reads();
          const snapshots = Object.fromEntries(order.map((id) => [id, all[id] as Read]));
          const here = found({ ...world, members }, baseOf(agreed()), snapshots);
          expect(here).toEqual(found(world));
          expect(here).toHaveLength(newMaps.length + (newType ? 1 : 0));
        },
      ),
    );
  });

  it('is known by its base: a yes over one base says nothing over the next', () => {
    const types = [typeOf({ maps: { oslo: written('other') } })];
    const [first] = newVersionsOf({ types }, baseOf(agreed()), digestOf('one'), reads());
    const [second] = newVersionsOf({ types }, baseOf(agreed()), digestOf('two'), reads());
    expect(first?.id).not.toBe(second?.id);
    const [lossier] = newVersionsOf({ types }, baseOf(agreed()), digestOf('one'), reads({ oslo: { lossy: 1 } }));
    expect(lossier?.id).toBe(first?.id);
  });
});

describe('the proof', () => {
  const prove = (world: World, wishes: Readonly<Record<AuthorityId, ReadWishes>>, base = baseOf(agreed())) => {
    try {
      requireProvenVersions([typeOf(world)], base, Object.values(reads(wishes)));
      return 'proven';
    } catch (error) {
      return (error as Error).message;
    }
  };
  const other = { maps: { oslo: written('other') } };

  it('fails where records do not come back through a new map, and names how many', () => {
    expect(prove(other, {})).toBe('proven');
    expect(prove(other, { oslo: { lossy: 3, unread: 1 } })).toBe(
      'the map of oslo for shipment is not proven by these snapshots: 4 of oslo do not come back as they were',
    );
    // What others do not bring back has nothing to do with it.
    expect(prove(other, { lyon: { lossy: 3 } })).toBe('proven');
    expect(prove({ type: written('label') }, { lyon: { lossy: 3 } })).toContain('3 of lyon do not come back');
  });

  it('holds where no more are lossy than were when the map before was agreed on, so that those do not block for ever', () => {
    const base = baseOf(agreed({ oslo: 3 }));
    expect(prove(other, { oslo: { lossy: 3 } }, base)).toBe('proven');
    expect(prove(other, { oslo: { lossy: 4 } }, base)).toContain(
      '4 of oslo do not come back as they were, and 3 did not before',
    );
  });

  it('asks no proof of what is not new, nor of first contact', () => {
    expect(prove({}, { oslo: { lossy: 3 } })).toBe('proven');
    expect(prove(other, { oslo: { lossy: 3 } }, baseOf(undefined))).toBe('proven');
  });

  it('of a version that takes the base along stays whole where the base remembers no documents', () => {
    const two: World = { version: 2, type: written('two', 2) };
    expect(prove(two, { lyon: { lossy: 1 } }, baseOf(undefined))).toContain('1 of lyon do not come back as they were');
    expect(prove(two, { lyon: { unread: 2, field: 'to' } })).toContain('2 of lyon cannot tell to');
    expect(prove(two, { lyon: { lossy: 1 } }, baseOf(agreed({ lyon: 1 })))).toBe('proven');
  });
});

describe('what a base remembers', () => {
  const knows = { algorithms: ['concordat-plan/1', versionsAlgorithm] };
  const next = (world: World, before: AgreedUnder | undefined, opens = [knows, knows], wishes = {}) =>
    agreedUnderOfNextBase({ types: [typeOf(world)], before, opens, snapshots: reads(wishes) });

  it('begins once every open says that its worker knows of it, and never ends', () => {
    expect(next({}, undefined, [knows, { algorithms: ['concordat-plan/1'] }])).toBeUndefined();
    expect(next({}, undefined)).toEqual(agreed());
    expect(next({}, agreed(), [knows, { algorithms: ['concordat-plan/1'] }])).toEqual(agreed());
  });

  it('is what is agreed on now, what did not come back with it, and of who is absent or gone what was agreed before', () => {
    const maps = { oslo: written('other') };
    expect(next({ maps }, agreed(), [knows], { lyon: { lossy: 2 } })).toEqual({
      shipment: {
        taxonomy: written('shipment'),
        maps: { ...oldMaps, lyon: { ...oldMaps.lyon, notBack: 2 }, oslo: written('other') },
      },
    });
    expect(next({ maps, absent: ['oslo'] }, agreed())).toEqual(agreed());
    const gone: DatasetType = { ...typeOf(), documents: { taxonomy: written('shipment'), maps: {} } };
    expect(agreedUnderOfNextBase({ types: [gone], before: agreed(), opens: [knows], snapshots: reads() })).toEqual(
      agreed(),
    );
  });
});

describe('a plan with a new version', () => {
  const version = found({ maps: { oslo: written('other') } })[0] as NonNullable<Plan['newVersions']>[number];
  const plan: Plan = { ...quietPlan, newVersions: [version] };
  const review = (
    authority: AuthorityId,
    approved: readonly string[],
  ): { readonly id: string; readonly review: Review } => ({
    id: digestOf(authority),
    review: {
      authority,
      dataset: plan.dataset,
      plan: digestOf(plan),
      outcome: 'approved',
      code: null,
      hlc: '0'.repeat(20),
      operations: [],
      rejected: [],
      left: [],
      choices: {},
      decisions: [],
      delegations: [],
      newVersions: { approved: [...approved], rejected: [] },
    } as Review,
  });

  it('asks all who hold the type though it writes nothing, and nobody where one of them is absent', () => {
    expect(affectedAuthorities(plan)).toEqual(['berlin', 'lyon', 'oslo']);
    const without: Plan = { ...plan, absent: ['lyon', 'turku'] };
    expect(versionsWaitFor(without)).toEqual(['lyon']);
    expect(affectedAuthorities(without)).toEqual([]);
    expect(affectedAuthorities({ ...plan, absent: ['turku'] })).toEqual(['berlin', 'lyon', 'oslo']);
    expect(reviewScope(plan, 'turku').newVersions).toBeUndefined();
  });

  it('is permitted by a yes of every one of them, and by nothing less', () => {
    const all = ['berlin', 'lyon', 'oslo'];
    const permitBy = (authorities: readonly string[]) =>
      makePermit(
        digestOf(plan),
        plan,
        { commit: 'permitted' },
        authorities.map((one) => review(one, [version.id])),
      );
    expect(permitBy(all).newVersions).toEqual([version.id]);
    for (const missing of all) {
      const others = all.filter((one) => one !== missing);
      expect(permitBy(others).newVersions).toBeUndefined();
      const no = makePermit(digestOf(plan), plan, { commit: 'permitted' }, [
        ...others.map((one) => review(one, [version.id])),
        review(missing, []),
      ]);
      expect(no).not.toHaveProperty('newVersions');
    }
  });

  it('is counted like an operation: a quorum of different people, one no, and a whole word that leaves it out', () => {
    const scope = reviewScope(plan, 'oslo');
    const says = (approver: string, wishes: Partial<OpenedDecision>): OpenedDecision =>
      decisionOf({ approver, operations: [], partial: true, ...wishes });
    const yes = (approver: string): OpenedDecision => says(approver, { kind: 'approve', newVersions: [version.id] });
    const counted = (quorum: number, ...decisions: readonly OpenedDecision[]) => {
      const { approvedVersions, rejectedVersions, open, missing, closed } = tally(
        scope,
        ownVotes(decisions),
        plainTerms(quorum, 'oslo'),
      );
      return { yes: approvedVersions.length, no: rejectedVersions.length, open: open.length, missing, closed };
    };
    expect(counted(1)).toEqual({ yes: 0, no: 0, open: 1, missing: 1, closed: false });
    expect(counted(1, yes('ada'))).toEqual({ yes: 1, no: 0, open: 0, missing: 0, closed: true });
    expect(counted(2, yes('ada'), yes('ada'))).toEqual({ yes: 0, no: 0, open: 1, missing: 1, closed: false });
    expect(counted(2, yes('ada'), yes('bo'))).toMatchObject({ yes: 1, closed: true });
    const no = says('bo', { kind: 'reject', newVersions: [version.id] });
    expect(counted(1, yes('ada'), no)).toMatchObject({ yes: 0, no: 1, closed: true });
    expect(counted(1, says('ada', { kind: 'approve', partial: false }))).toMatchObject({ yes: 0, no: 0, closed: true });
  });

  it('carries a yes to later plans over the same base, and no no', () => {
    const scope = reviewScope(plan, 'oslo');
    const newVersions = [version.id, digestOf('of another base')];
    expect(carriedVersions({ kind: 'approve', newVersions }, scope)).toEqual({ newVersions: [version.id] });
    expect(carriedVersions({ kind: 'approve', newVersions }, scope, () => false)).toEqual({});
    expect(carriedVersions({ kind: 'reject', newVersions }, scope)).toEqual({});
  });

  it('takes the people of every rule that any operation on the type could take', () => {
    const terms = {
      approval: {
        ...approvalDefaults,
        quorums: [
          { for: { type: 'shipment', kind: 'delete' as const }, need: { security: 1 } },
          { for: { type: 'shipment', field: 'weight' }, need: { any: 3 } },
          { for: { type: 'price' }, need: { finance: 2 } },
        ],
      },
      approvers: [],
    };
    expect(requirementOfVersion(terms, 'shipment', 1, ['ada'])).toEqual({
      roles: { security: 1 },
      people: 3,
      authors: ['ada'],
    });
  });
});

it('leaves no trace in a plan without anything new', () => {
  const bytes = canonicalJson(quietPlan);
  expect(canonicalJson(makePlan({ ...quietInput, newVersions: [] }))).toBe(bytes);
  expect(bytes).not.toContain('newVersions');
});
