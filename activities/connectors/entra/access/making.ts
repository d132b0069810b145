/** One write on its way: its calls, each announced and sent once, and how far they came. */
import { setTimeout as delay } from 'node:timers/promises';
import type { JsonObject } from '../../../../core/json.js';
import type { NativeCall, WriteAnswer } from '../../connector.js';
import type { Graph, Method, Reply } from '../client.js';
import { refusalAnswer } from '../refusals.js';
import { textIn } from './objects.js';
import type { Refused } from './orders.js';

export type Announce = (call: NativeCall) => Promise<void>;

/** How long what this write has made may be unknown to the replica that is asked next. */
const newApplicationDelaysMs = [250, 500, 1_000, 2_000, 4_000];

interface Request {
  readonly method: Exclude<Method, 'GET'>;
  readonly path: string;
  readonly body?: JsonObject;
  readonly headers?: Readonly<Record<string, string>>;
}

/** Ends a write early, with what is to be said of it. */
export class Stopped extends Error {
  readonly answer: Exclude<WriteAnswer, { kind: 'applied' }>;
  constructor(answer: Exclude<WriteAnswer, { kind: 'applied' }>) {
    super(answer.detail);
    this.answer = answer;
  }
}

/** One order on its way: counts the calls that left, so that an answer says how far it came. */
export class Making {
  /** What `announce` threw: no word of the cloud, and not to be taken for one. */
  interrupted: { readonly by: unknown } | undefined;
  private sent = 0;
  private readonly graph: Graph;
  private readonly announce: Announce;
  private readonly planned: readonly NativeCall[];

  constructor(graph: Graph, announce: Announce, planned: readonly NativeCall[]) {
    this.graph = graph;
    this.announce = announce;
    this.planned = planned;
  }

  /** The call as it was planned, at what it is now known to reach. */
  async announced(call: string, target: string): Promise<void> {
    const planned = this.planned.find((each) => each.call.startsWith(call));
    try {
      await this.announce(planned ? { ...planned, target } : { call, target, arguments: {} });
    } catch (error) {
      this.interrupted = { by: error };
      throw error;
    }
  }

  async send(request: Request): Promise<JsonObject> {
    const reply = await this.graph.ask(request);
    return this.succeeded(reply);
  }

  /** Repeats what Graph did not do because a replica had not heard yet of what the call refers to. */
  async sendToNew(request: Request, unheard: (reply: Reply) => boolean): Promise<JsonObject> {
    for (const delayMs of newApplicationDelaysMs) {
      const reply = await this.graph.ask(request);
      if (!unheard(reply)) return this.succeeded(reply);
      await delay(delayMs);
    }
    return this.send(request);
  }

  private succeeded(reply: Reply): JsonObject {
    if (reply.kind === 'answered' && reply.status >= 200 && reply.status < 300) {
      this.sent += 1;
      return reply.body ?? {};
    }
    throw new Stopped(this.soFar(refusalAnswer(reply)));
  }

  soFar<Answer extends { readonly detail: string }>(answer: Answer): Answer {
    const { sent, planned } = this;
    return sent === 0
      ? answer
      : { ...answer, detail: `${answer.detail}; ${sent} of ${planned.length} calls were made before` };
  }
}

export function stop(answer: Refused): never {
  throw new Stopped(answer);
}

/** The id of what a create has made. */
export function idIn(body: JsonObject): string {
  const id = textIn(body, 'id');
  if (id !== undefined) return id;
  const detail = 'Graph made the object but did not say under which id';
  throw new Stopped({ kind: 'unknown', code: 'effectUnknown', detail });
}
