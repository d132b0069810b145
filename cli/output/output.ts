/**
 * The one way to speak: results on stdout, everything else on stderr.
 *
 * With `--json`, stdout gets exactly one JSON document, the result or the error, and the rest goes to stderr.
 * Colours and a live progress line appear on a terminal only, and never under NO_COLOR (https://no-color.org).
 */
import { once } from 'node:events';
import type { Writable } from 'node:stream';
import pc from 'picocolors';
import { failureOf } from './failure.js';
import { terminalText } from './terminal-text.js';

export type Paint = ReturnType<typeof pc.createColors>;

/** A stream that may be a terminal. */
export type Sink = Writable & { readonly isTTY?: boolean; readonly columns?: number };

export interface Output {
  readonly isJson: boolean;
  /** Whether stdout is a terminal: people read along. */
  readonly isTerminal: boolean;
  /** Width for tables: of the terminal, 100 elsewhere. */
  readonly columns: number;
  /** Colours for text on stdout; they change nothing where there are none. */
  readonly paint: Paint;
  /** The outcome, once: `json` under --json, else the lines of `text`. */
  result(json: object, text: string | readonly string[]): void;
  /** The outcome under --json where it is larger than memory: pieces of one document, written as fast as they are read. */
  stream(pieces: AsyncIterable<string>): Promise<void>;
  /** A line for people on stdout before the result; on stderr under --json. */
  line(text: string): void;
  /**
   * What is going on right now: one line that the next one replaces on a terminal, a line each elsewhere. `detail` says more of
   * it and changes often: it stands in place of `text`, and elsewhere than on a terminal now and then.
   */
  progress(text: string, detail?: string): void;
  /** A line on stderr that stays: a warning, a hint. */
  note(text: string): void;
  /** `error: …` and what to do next. */
  failure(error: unknown): void;
}

export interface OutputOptions {
  readonly stdout: Sink;
  readonly stderr: Sink;
  readonly json: boolean;
  /** False forbids colours; true allows them where there is a terminal. */
  readonly colour: boolean;
  readonly environment: Readonly<Record<string, string | undefined>>;
}

/** How often a detail of progress is a line of its own. */
const detailEveryMs = 30_000;

/** Select Graphic Rendition (ECMA-48), which changes how text looks and nothing else. */
const colourSequence = new RegExp(`(${String.fromCharCode(0x1b)}\\[[0-9;]*m)`);

/**
 * The net under all texts: whatever forgot to show a foreign value with `visibleText`, nothing reaches a terminal that moves,
 * hides or forges lines. Colours of our own pass.
 */
function netted(text: string): string {
  return text
    .split(colourSequence)
    .map((part, at) => (at % 2 === 1 ? part : terminalText(part, true)))
    .join('');
}

export function createOutput({ stdout, stderr, json, colour, environment }: OutputOptions): Output {
  const mayPaint = colour && !environment['NO_COLOR'] && environment['TERM'] !== 'dumb';
  const paint = pc.createColors(mayPaint && stdout.isTTY === true && !json);
  const paintError = pc.createColors(mayPaint && stderr.isTTY === true);
  const isLive = stderr.isTTY === true && environment['TERM'] !== 'dumb';
  let live = false;
  let lastProgress = '';
  let lastText = '';
  let lastLineMs = 0;
  let answered = false;

  /** Takes the live line away before anything else is written, so that no line is written into it. */
  const settle = (): void => {
    if (live) stderr.write('\r\u001b[2K');
    live = false;
  };
  const write = (sink: Sink, text: string): void => {
    settle();
    sink.write(`${netted(text)}\n`);
  };
  const writeJson = (document: object): void => {
    if (answered) throw new Error('a command gives one result');
    answered = true;
    settle();
    // JSON escapes what a terminal would act on, but for the marks that turn text around.
    stdout.write(`${terminalText(JSON.stringify(document, null, 2), true)}\n`);
  };

  return {
    isJson: json,
    isTerminal: stdout.isTTY === true,
    columns: stdout.columns ?? 100,
    paint,
    result: (document, text) => {
      if (json) return writeJson(document);
      for (const line of typeof text === 'string' ? [text] : text) write(stdout, line);
    },
    stream: async (pieces) => {
      if (answered) throw new Error('a command gives one result');
      answered = true;
      settle();
      for await (const piece of pieces) if (!stdout.write(terminalText(piece, true))) await once(stdout, 'drain');
      stdout.write('\n');
    },
    line: (text) => write(json ? stderr : stdout, text),
    progress: (text, detail) => {
      const safe = terminalText(detail ?? text);
      if (safe === lastProgress) return;
      if (!isLive) {
        // Nobody watches: counts must not fill a log.
        if (text === lastText && (detail === undefined || performance.now() - lastLineMs < detailEveryMs)) return;
        lastLineMs = performance.now();
        lastText = text;
        lastProgress = safe;
        return void stderr.write(`${safe}\n`);
      }
      lastProgress = safe;
      const room = Math.max(20, (stderr.columns ?? 80) - 1);
      stderr.write(`\r\u001b[2K${paintError.dim(safe.length > room ? `${safe.slice(0, room - 1)}…` : safe)}`);
      live = true;
    },
    note: (text) => write(stderr, terminalText(text, true)),
    failure: (error) => {
      const failure = failureOf(error);
      write(stderr, `${paintError.red('error:')} ${terminalText(failure.message, true)}`);
      write(stderr, `  ${paintError.dim('next:')} ${failure.next}`);
      if (environment['CONCORDAT_DEBUG'] && error instanceof Error && error.stack !== undefined)
        write(stderr, terminalText(error.stack, true));
      if (json && !answered) writeJson({ error: failure });
    },
  };
}
