/**
 * Evaluates constraint rules in a thread of their own, with little memory, ended when one takes longer than its time:
 * CEL ends always, but its author may have written something that ends next week.
 *
 * The body of the thread is text, so that it needs no file beside it, bundled, built or run from source.
 */
import { Worker } from 'node:worker_threads';
import type { Json } from '../../core/json.js';
import { ruleLimits, ruleVariables } from './rule-language.js';

export interface RuleQuestion {
  readonly expression: string;
  readonly variables: Readonly<Record<keyof typeof ruleVariables, Json>>;
}

export type RuleAnswer =
  | { readonly kind: 'allowed' }
  | { readonly kind: 'notAllowed' }
  /** In words without values. */
  | { readonly kind: 'failed'; readonly reason: string };

/** How long one rule may take for one operation. */
const ruleTimeLimitMs = 2_000;
/** Before the first answer a thread has to be started, on a machine that may be busy. */
const startTimeLimitMs = 30_000;
const threadHeapMb = 64;

const threadBody = `
const { parentPort, workerData } = require('node:worker_threads');
import(workerData.module).then(({ Environment }) => {
  const environment = new Environment({ limits: workerData.limits });
  for (const [name, type] of Object.entries(workerData.variables)) environment.registerVariable(name, type);
  const parsed = new Map();
  parentPort.on('message', ({ expression, variables }) => {
    try {
      if (!parsed.has(expression)) parsed.set(expression, environment.parse(expression));
      const value = parsed.get(expression)(variables);
      parentPort.postMessage({ value: typeof value === 'boolean' ? value : null });
    } catch (error) {
      parentPort.postMessage({ error: String(error && error.message) });
    }
  });
  parentPort.postMessage({ ready: true });
});
`;

interface Reply {
  readonly ready?: true;
  readonly value?: boolean | null;
  readonly error?: string;
}

/** Answers in the order of the questions. Throws only where no thread can be started at all. */
export async function askRules(
  questions: readonly RuleQuestion[],
  timeLimitMs = ruleTimeLimitMs,
): Promise<readonly RuleAnswer[]> {
  const answers: RuleAnswer[] = [];
  let thread: Worker | null = null;
  try {
    for (const question of questions) {
      thread ??= await startThread();
      const reply = await replyOf(thread, question, timeLimitMs);
      if (reply.kind === 'ended') {
        await thread.terminate();
        thread = null;
      }
      answers.push(reply.kind === 'reply' ? answerOf(reply.reply) : { kind: 'failed', reason: reply.reason });
    }
  } finally {
    await thread?.terminate();
  }
  return answers;
}

async function startThread(): Promise<Worker> {
  const thread = new Worker(threadBody, {
    eval: true,
    env: {},
    workerData: {
      module: import.meta.resolve('@marcbachmann/cel-js'),
      limits: ruleLimits,
      variables: ruleVariables,
    },
    resourceLimits: { maxOldGenerationSizeMb: threadHeapMb, maxYoungGenerationSizeMb: 16 },
  });
  // A thread that dies between two questions must not take the worker with it.
  thread.on('error', () => undefined);
  const started = await nextReply(thread, startTimeLimitMs);
  if (started.kind === 'reply' && started.reply.ready === true) return thread;
  await thread.terminate();
  throw new Error('the thread for constraint rules does not start');
}

type ThreadReply =
  { readonly kind: 'reply'; readonly reply: Reply } | { readonly kind: 'ended'; readonly reason: string };

function replyOf(thread: Worker, question: RuleQuestion, timeLimitMs: number): Promise<ThreadReply> {
  const reply = nextReply(thread, timeLimitMs);
  thread.postMessage(question);
  return reply;
}

function nextReply(thread: Worker, timeLimitMs: number): Promise<ThreadReply> {
  return new Promise((resolve) => {
    const settle = (reply: ThreadReply): void => {
      clearTimeout(timer);
      thread.off('message', onMessage).off('error', onError).off('exit', onExit);
      resolve(reply);
    };
    const onMessage = (reply: Reply): void => {
      settle({ kind: 'reply', reply });
    };
    const onError = (): void => {
      settle({ kind: 'ended', reason: 'it needed more memory than a rule may have' });
    };
    const onExit = (): void => {
      settle({ kind: 'ended', reason: 'its thread ended' });
    };
    const timer = setTimeout(() => {
      settle({ kind: 'ended', reason: `it did not end within ${timeLimitMs} ms` });
    }, timeLimitMs);
    thread.on('message', onMessage).on('error', onError).on('exit', onExit);
  });
}

function answerOf({ value, error }: Reply): RuleAnswer {
  if (value === true) return { kind: 'allowed' };
  if (value === false) return { kind: 'notAllowed' };
  return { kind: 'failed', reason: error === undefined ? 'it gives neither true nor false' : wordsOf(error) };
}

/** HAZARD: messages of the language may hold a value of the record, so each is said in words of our own. */
const failures: readonly (readonly [beginning: string, words: string])[] = [
  ['No such key: ', 'it asks for a field that this record does not have here: ask `"field" in after` first'],
  ['found no matching overload for ', 'it calls a function with a value of another type'],
  ['no such overload: ', 'it compares or combines values of unlike types'],
];

function wordsOf(error: string): string {
  return failures.find(([beginning]) => error.startsWith(beginning))?.[1] ?? 'it could not be evaluated';
}
