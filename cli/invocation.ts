/**
 * One run of a command: what it was given and whom it speaks to.
 *
 * A command module exports `register<Name>(program)`, describes itself with `defineCommand` and hands its body to
 * `action`. The body returns the exit code and throws for failures; it never touches process, argv or the streams.
 */
import { existsSync } from 'node:fs';
import path from 'node:path';
import type { Command } from 'commander';
import type { Output, Sink } from './output/output.js';

/** 0 agreement, or the command did what it was asked; 1 error; 2 divergences, or an approval is pending. */
export type ExitCode = 0 | 1 | 2;

export type Environment = Readonly<Record<string, string | undefined>>;

/** What `main` lives in: the process, or a test. */
export interface World {
  readonly stdout: Sink;
  readonly stderr: Sink;
  readonly stdin: NodeJS.ReadableStream & { readonly isTTY?: boolean };
  readonly environment: Environment;
  /** Absolute. */
  readonly workingFolder: string;
  /** Aborted by the first Ctrl-C. A command that listens to it ends in order; one that does not is ended. */
  readonly signal: AbortSignal;
}

export interface Invocation extends World {
  readonly output: Output;
  /** Absolute; need not exist. */
  readonly federationFolder: string;
}

export interface Frame {
  readonly world: World;
  readonly output: Output;
  exitCode: ExitCode;
}

const frames = new WeakMap<Command, Frame>();

export function enterFrame(program: Command, frame: Frame): void {
  frames.set(program, frame);
}

export interface CommandDescription {
  /** With its arguments, as commander reads them: `init [folder]`. */
  readonly name: string;
  readonly description: string;
  /** What to type, and what it does. */
  readonly examples: readonly (readonly [command: string, meaning: string])[];
}

const exitCodesText = `
Exit codes:
  0  agreement, or done
  1  error
  2  divergences, or an approval is pending`;

/** A command with its help: every command shows examples and the exit codes. */
export function defineCommand(parent: Command, { name, description, examples }: CommandDescription): Command {
  const width = Math.max(...examples.map(([command]) => command.length));
  const lines = examples.map(([command, meaning]) => `  $ ${command.padEnd(width)}  # ${meaning}`);
  return parent
    .command(name)
    .description(description)
    .addHelpText('after', `\nExamples:\n${lines.join('\n')}\n${exitCodesText}`);
}

/**
 * Makes a commander action of a body. Arguments come as commander gives them: undefined where an optional one is
 * missing, an array for a variadic one.
 */
export function action<Options extends object, Arguments extends readonly unknown[] = []>(
  body: (invocation: Invocation, options: Options, ...given: Arguments) => Promise<ExitCode>,
): (...parameters: unknown[]) => Promise<void> {
  return async (...parameters) => {
    const command = parameters.at(-1) as Command;
    const frame = frames.get(rootOf(command));
    if (!frame) throw new Error('the program has no frame');
    const { federation } = command.optsWithGlobals<{ federation?: string }>();
    const { world, output } = frame;
    const federationFolder = findFederation(federation, world);
    const given = parameters.slice(0, -2) as unknown as Arguments;
    frame.exitCode = await body({ ...world, output, federationFolder }, parameters.at(-2) as Options, ...given);
  };
}

function rootOf(command: Command): Command {
  let root = command;
  while (root.parent) root = root.parent;
  return root;
}

/** The option, else CONCORDAT_FEDERATION, else ./federation where it exists, else the working folder. */
function findFederation(option: string | undefined, { environment, workingFolder }: World): string {
  const named = option ?? environment['CONCORDAT_FEDERATION'];
  if (named !== undefined && named !== '') return path.resolve(workingFolder, named);
  const beside = path.join(workingFolder, 'federation');
  return existsSync(beside) ? beside : workingFolder;
}
