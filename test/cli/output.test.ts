/** The one writer: a live line that leaves nothing behind, one JSON document, errors that say what to do. */
import { PassThrough } from 'node:stream';
import { stripVTControlCharacters } from 'node:util';
import { expect, test, vi } from 'vitest';
import { createOutput, type Output, type Sink } from '../../cli/output/output.js';
import { terminalText } from '../../cli/output/terminal-text.js';
import { ConcordatError } from '../../core/errors.js';

interface Written {
  readonly output: Output;
  readonly stdout: () => string;
  readonly stderr: () => string;
}

function writer(options: {
  readonly terminal?: boolean;
  readonly json?: boolean;
  readonly environment?: Record<string, string>;
}): Written {
  const make = (): { sink: Sink; text: () => string } => {
    const sink: Sink = Object.assign(new PassThrough(), options.terminal ? { isTTY: true, columns: 30 } : {});
    return { sink, text: () => String((sink as PassThrough).read() ?? '') };
  };
  const [out, error] = [make(), make()];
  const environment = options.environment ?? {};
  const output = createOutput({
    stdout: out.sink,
    stderr: error.sink,
    json: options.json ?? false,
    colour: true,
    environment,
  });
  return { output, stdout: out.text, stderr: error.text };
}

test('progress is a line each where nobody watches, and a repeated one is said once', () => {
  const { output, stdout, stderr } = writer({});
  output.progress('reading aws');
  output.progress('reading aws');
  output.progress('reading azure');
  output.result({}, 'done');
  expect(stderr()).toBe('reading aws\nreading azure\n');
  expect(stdout()).toBe('done\n');
});

test('a detail of progress stands in its place on a terminal, and is no line for each count elsewhere', () => {
  const log = writer({});
  log.output.progress('writing');
  for (let count = 1; count <= 5; count += 1) log.output.progress('writing', `wrote ${count}`);
  log.output.progress('signing', 'signed 1');
  log.output.progress('signing');
  expect(log.stderr()).toBe('writing\nsigned 1\n');
  const live = writer({ terminal: true });
  live.output.progress('writing');
  live.output.progress('writing', 'wrote 1');
  live.output.progress('writing', 'wrote 2');
  const said = stripVTControlCharacters(live.stderr()).split('\r').filter(Boolean);
  expect(said).toEqual(['writing', 'wrote 1', 'wrote 2']);
});

test('a detail of progress is said again where it has gone on for long', () => {
  vi.useFakeTimers({ toFake: ['performance'] });
  try {
    const { output, stderr } = writer({});
    output.progress('writing');
    vi.advanceTimersByTime(29_000);
    output.progress('writing', 'wrote 1');
    vi.advanceTimersByTime(2_000);
    output.progress('writing', 'wrote 2');
    output.progress('writing', 'wrote 3');
    expect(stderr()).toBe('writing\nwrote 2\n');
  } finally {
    vi.useRealTimers();
  }
});

test('progress is one line on a terminal, cut to its width, and gone before anything else is written', () => {
  const { output, stderr } = writer({ terminal: true });
  output.progress('a very long line that does not fit into thirty columns');
  output.note('note');
  const said = stderr();
  expect(said.startsWith('\r\u001b[2K')).toBe(true);
  expect(said.endsWith('\r\u001b[2Knote\n')).toBe(true);
  expect(stripVTControlCharacters(said).replaceAll('\r', '').split('…')[0]).toHaveLength(28);
});

test('a second result is a defect, because scripts read one document', () => {
  const { output, stdout } = writer({ json: true });
  output.line('for people');
  output.result({ a: 1 }, 'text');
  expect(() => output.result({ a: 2 }, 'text')).toThrow('one result');
  output.failure(new ConcordatError('frozen', 'later'));
  expect(JSON.parse(stdout())).toEqual({ a: 1 });
});

test('an error says what is wrong and what to do next, and a stack only where it was asked for', () => {
  const known = writer({});
  known.output.failure(new ConcordatError('quorumMissing', 'one of two approved'));
  expect(known.stderr()).toBe('error: one of two approved\n  next: more approvers of this authority must approve\n');
  const defect = writer({});
  defect.output.failure(new TypeError('x is not a function'));
  expect(defect.stderr()).toMatch(/^error: x is not a function\n {2}next: .*CONCORDAT_DEBUG=1.*\n$/);
  const debug = writer({ environment: { CONCORDAT_DEBUG: '1' } });
  debug.output.failure(new TypeError('x is not a function'));
  expect(debug.stderr()).toContain('output.test.ts');
});

test('control characters and marks that turn text around are shown, not obeyed', () => {
  expect(terminalText('a\u001b[31mb\u202ec\r\nd')).toBe('a\\u001b[31mb\\u202ec\\u000d\\u000ad');
  expect(terminalText('a\nb\tc', true)).toBe('a\nb\tc');
  expect(terminalText('Zoë Łukasiewicz 王')).toBe('Zoë Łukasiewicz 王');
});

test('a text that forgot to escape a foreign value still moves, hides and turns around nothing', () => {
  const { output, stdout } = writer({ terminal: true });
  output.line(`${output.paint.red('mail')} a\u001b[2Jb\u0007c\u202egnp.exe\td`);
  expect(stdout()).toBe('\u001b[31mmail\u001b[39m a\\u001b[2Jb\\u0007c\\u202egnp.exe\td\n');
});

test('a JSON document holds no mark that turns text around, and says the same', () => {
  const { output, stdout } = writer({ json: true });
  output.result({ name: 'invoice\u202egnp.exe\u007f' }, '');
  const text = stdout();
  expect(text).toContain('\\u202e');
  expect(/[\u202e\u007f]/.test(text)).toBe(false);
  expect(JSON.parse(text)).toEqual({ name: 'invoice\u202egnp.exe\u007f' });
});
