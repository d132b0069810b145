/**
 * What this authority's people have said that outlives a run: links, rejections and acceptances until their end, and
 * native records that are nobody's.
 */
import { z } from 'zod';
import { StandingAcceptance } from '../../core/acceptance-statement.js';
import { StandingLink } from '../../core/correlate.js';
import { Digest } from '../../core/digest.js';
import { ConcordatError } from '../../core/errors.js';
import { byCodeUnit } from '../../core/json.js';
import type { Standing } from '../../core/messages.js';
import { Rejection } from '../../core/acceptance.js';
import { StandingIgnore } from '../../core/ignored.js';
import { loadLinks } from '../links.js';
import type { AuthorityContext } from './context.js';
import { currentUndos } from './undo-statement.js';

const StandingState = z.strictObject({
  links: z.array(StandingLink),
  rejections: z.array(Rejection),
  acceptances: z.array(StandingAcceptance).default([]),
  ignored: z.array(StandingIgnore).default([]),
  /** Ids of what was taken back: the same signed words brought once more must not bring it back. */
  withdrawn: z.array(Digest).default([]),
});
type StandingState = z.infer<typeof StandingState>;

function headName(dataset: string): string {
  return `standing/${dataset}`;
}

async function readState(
  context: AuthorityContext,
  dataset: string,
): Promise<{ state: StandingState; version: number }> {
  const head = await context.privateStore.readHead(headName(dataset));
  if (!head) return { state: { links: [], rejections: [], acceptances: [], ignored: [], withdrawn: [] }, version: 0 };
  return { state: StandingState.parse(JSON.parse(new TextDecoder().decode(head.bytes))), version: head.version };
}

/** What the next open publishes: sorted, and without rejections whose end has come on this authority's own clock. */
export async function currentStanding(context: AuthorityContext, dataset: string): Promise<Standing> {
  const { state } = await readState(context, dataset);
  const nowMs = context.now();
  const acceptances = inOrder(state.acceptances.filter(({ untilMs }) => untilMs > nowMs));
  const ignored = inOrder(state.ignored);
  const undos = await currentUndos(context, dataset);
  return {
    authority: context.id,
    links: (await withKeys(context, dataset, state.links)).sort((a, b) =>
      byCodeUnit(`${a.record} ${a.to}`, `${b.record} ${b.to}`),
    ),
    rejections: state.rejections
      .filter(({ untilMs }) => untilMs > nowMs)
      .sort((a, b) => byCodeUnit(a.subject, b.subject)),
    // Absent where there are none: the digest of such a standing stays what it was.
    ...(acceptances.length > 0 ? { acceptances } : {}),
    ...(ignored.length > 0 ? { ignored } : {}),
    ...(undos ? { undos: [...undos] } : {}),
  };
}

function inOrder<Item extends { readonly id: string }>(items: readonly Item[]): Item[] {
  return [...items].sort((a, b) => byCodeUnit(a.id, b.id));
}

/** Throws notFound where nothing of that id stands here. */
export async function withdrawFromStanding(context: AuthorityContext, dataset: string, id: Digest): Promise<void> {
  const { state } = await readState(context, dataset);
  if (![...state.acceptances, ...state.ignored].some((one) => one.id === id)) {
    if (state.withdrawn.includes(id)) return;
    throw new ConcordatError(
      'notFound',
      `nothing stands at ${context.id} under ${id.slice(0, 12)}: it has ended, or was never given`,
    );
  }
  await addToStanding(context, dataset, { withdrawn: [id] });
}

/** Peers see provisional keys only; what became of its own records this authority must say, so that authors are known. */
async function withKeys(
  context: AuthorityContext,
  dataset: string,
  links: readonly StandingLink[],
): Promise<StandingLink[]> {
  if (links.length === 0) return [];
  const known = await loadLinks(context.privateStore, dataset, context.linkKey);
  const wanted = new Set(links.map(({ type, record }) => `${type} ${record}`));
  const keys = new Map<string, string>();
  for (const type of new Set(links.map((link) => link.type)))
    for await (const some of known.stream(type))
      for (const [nativeId, key] of some) {
        const name = `${type} ${known.provisionalKeyOf(type, nativeId)}`;
        if (wanted.has(name)) keys.set(name, key);
      }
  return links.map((link) => ({ ...link, key: keys.get(`${link.type} ${link.record}`) ?? null }));
}

export async function addToStanding(
  context: AuthorityContext,
  dataset: string,
  added: Partial<StandingState>,
): Promise<void> {
  for (let attempt = 0; attempt < 10; attempt += 1) {
    const { state, version } = await readState(context, dataset);
    const nowMs = context.now();
    const links = new Map(
      [...state.links, ...(added.links ?? [])].map((link) => [`${link.type} ${link.record} ${link.to}`, link]),
    );
    const rejections = new Map(
      [...state.rejections, ...(added.rejections ?? [])].map((rejection) => [rejection.subject, rejection]),
    );
    const withdrawn = new Set([...state.withdrawn, ...(added.withdrawn ?? [])]);
    const again = [...(added.acceptances ?? []), ...(added.ignored ?? [])].find(({ id }) => withdrawn.has(id));
    if (again)
      throw new ConcordatError('statementEnded', `${again.id.slice(0, 12)} was withdrawn; sign a new one instead`);
    const next: StandingState = {
      links: [...links.values()],
      rejections: [...rejections.values()].filter(({ untilMs }) => untilMs > nowMs),
      acceptances: standing([...state.acceptances, ...(added.acceptances ?? [])], withdrawn).filter(
        ({ untilMs }) => untilMs > nowMs,
      ),
      ignored: standing([...state.ignored, ...(added.ignored ?? [])], withdrawn),
      withdrawn: [...withdrawn].sort(byCodeUnit),
    };
    const bytes = new TextEncoder().encode(JSON.stringify(next));
    if (await context.privateStore.compareAndSetHead(headName(dataset), version, bytes)) return;
  }
  throw new ConcordatError('storeFault', `the standing of ${dataset} is being written by somebody else`);
}

function standing<Item extends { readonly id: Digest }>(
  items: readonly Item[],
  withdrawn: ReadonlySet<Digest>,
): Item[] {
  const byId = new Map(items.map((item) => [item.id, item]));
  return [...byId.values()].filter(({ id }) => !withdrawn.has(id));
}
