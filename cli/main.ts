#!/usr/bin/env node
/**
 * `concordat`: the command line. Starts fast because only the module of the command that was asked for is imported.
 *
 * To add a command: write cli/commands/<name>.ts (see cli/invocation.ts) and add its line to `commands`.
 */
import { getEventListeners } from 'node:events';
import { readFileSync, realpathSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { Command, CommanderError } from 'commander';
import { ConcordatError } from '../core/errors.js';
import { enterFrame, type Frame, type World } from './invocation.js';
import { createOutput } from './output/output.js';

interface ListedCommand {
  readonly name: string;
  /** For the list in `concordat --help`. */
  readonly summary: string;
  readonly load: () => Promise<(program: Command) => void>;
}

/** In the order in which people need them. */
const commands: readonly ListedCommand[] = [
  {
    name: 'demo',
    summary: 'show the whole of it on this machine, in about a minute',
    load: async () => (await import('./commands/demo.js')).registerDemo,
  },
  {
    name: 'dev',
    summary: 'run a whole federation on this machine until Ctrl-C',
    load: async () => (await import('./commands/dev.js')).registerDev,
  },
  {
    name: 'init',
    summary: 'write a new federation folder',
    load: async () => (await import('./commands/init.js')).registerInit,
  },
  {
    name: 'validate',
    summary: 'check the federation folder',
    load: async () => (await import('./commands/validate.js')).registerValidate,
  },
  {
    name: 'policy',
    summary: 'test what decides where members differ',
    load: async () => (await import('./commands/policy.js')).registerPolicy,
  },
  {
    name: 'keys',
    summary: 'make and pin signing keys',
    load: async () => (await import('./commands/keys.js')).registerKeys,
  },
  {
    name: 'manifest',
    summary: 'sign, verify, show or compare what authorities publish',
    load: async () => (await import('./commands/manifest.js')).registerManifest,
  },
  {
    name: 'sign',
    summary: 'sign maps, types, policies and terms as their author',
    load: async () => (await import('./commands/sign.js')).registerSign,
  },
  {
    name: 'peer',
    summary: 'pin the keys of peers and accept their terms',
    load: async () => (await import('./commands/peer.js')).registerPeer,
  },
  {
    name: 'prepare',
    summary: 'make a Temporal server ready for the federation',
    load: async () => (await import('./commands/prepare.js')).registerPrepare,
  },
  {
    name: 'doctor',
    summary: 'check folder, server, workers and permissions',
    load: async () => (await import('./commands/doctor.js')).registerDoctor,
  },
  {
    name: 'worker',
    summary: 'start the worker of an authority or of the federation',
    load: async () => (await import('./commands/worker.js')).registerWorker,
  },
  {
    name: 'run',
    summary: 'compare, ask, write and agree',
    load: async () => (await import('./commands/run.js')).registerRun,
  },
  {
    name: 'runs',
    summary: 'list runs',
    load: async () => (await import('./commands/runs.js')).registerRuns,
  },
  {
    name: 'show',
    summary: 'show a run: what was read, asked, written and left',
    load: async () => (await import('./commands/show.js')).registerShow,
  },
  {
    name: 'plan',
    summary: 'show what a plan would change, and why',
    load: async () => (await import('./commands/plan.js')).registerPlan,
  },
  {
    name: 'explain',
    summary: 'say why a record is planned as it is, and what another rule would have done',
    load: async () => (await import('./commands/explain.js')).registerExplain,
  },
  {
    name: 'who-can',
    summary: 'say who has a capability, in all meshes at once, and by which grants',
    load: async () => (await import('./commands/who-can.js')).registerWhoCan,
  },
  {
    name: 'approve',
    summary: 'sign an approval for your authorities',
    load: async () => (await import('./commands/approve.js')).registerApprove,
  },
  {
    name: 'reject',
    summary: 'sign a rejection with a reason and an end',
    load: async () => (await import('./commands/reject.js')).registerReject,
  },
  {
    name: 'accept',
    summary: 'leave a difference as it is, with an owner and an end',
    load: async () => (await import('./commands/accept.js')).registerAccept,
  },
  {
    name: 'accepted',
    summary: 'list what was accepted or ignored, with owner and end',
    load: async () => (await import('./commands/accepted.js')).registerAccepted,
  },
  {
    name: 'withdraw',
    summary: 'take back an acceptance or an ignored record',
    load: async () => (await import('./commands/withdraw.js')).registerWithdraw,
  },
  {
    name: 'settle',
    summary: 'say what became of a write with unknown effect',
    load: async () => (await import('./commands/settle.js')).registerSettle,
  },
  {
    name: 'taxonomy',
    summary: 'show drifted schemas of tables and files, and approve them',
    load: async () => (await import('./commands/taxonomy.js')).registerTaxonomy,
  },
  {
    name: 'undo',
    summary: 'sign that what a run changed goes back, as far as it has not moved since',
    load: async () => (await import('./commands/undo.js')).registerUndo,
  },
  {
    name: 'inbox',
    summary: 'show all that waits for an approver',
    load: async () => (await import('./commands/inbox.js')).registerInbox,
  },
  {
    name: 'delegate',
    summary: 'lend your voice to another approver for a time',
    load: async () => (await import('./commands/delegate.js')).registerDelegate,
  },
  {
    name: 'delegations',
    summary: 'show who lent whom a voice, and take yours back',
    load: async () => (await import('./commands/delegations.js')).registerDelegations,
  },
  {
    name: 'cases',
    summary: 'show records that could be the same',
    load: async () => (await import('./commands/cases.js')).registerCases,
  },
  {
    name: 'link',
    summary: 'say that two records are the same',
    load: async () => (await import('./commands/link.js')).registerLink,
  },
  {
    name: 'unlink',
    summary: 'say that two records are not the same',
    load: async () => (await import('./commands/link.js')).registerUnlink,
  },
  {
    name: 'ignore',
    summary: "say that a record is nobody's",
    load: async () => (await import('./commands/ignore.js')).registerIgnore,
  },
  {
    name: 'lineage-events',
    summary: 'show the OpenLineage events that wait or were refused',
    load: async () => (await import('./commands/lineage-events.js')).registerLineageEvents,
  },
  {
    name: 'clock',
    summary: 'show or reset the logical clock of an authority',
    load: async () => (await import('./commands/clock.js')).registerClock,
  },
  {
    name: 'lineage',
    summary: 'show who showed, approved and wrote what of a record',
    load: async () => (await import('./commands/lineage.js')).registerLineage,
  },
  {
    name: 'export',
    summary: 'write a run or a record with all that proves it',
    load: async () => (await import('./commands/export.js')).registerExport,
  },
  {
    name: 'erase',
    summary: "remove your authority's copies of a record's history, with a signed receipt",
    load: async () => (await import('./commands/erase.js')).registerErase,
  },
  {
    name: 'verify',
    summary: 'say what an export proves, with public keys alone',
    load: async () => (await import('./commands/verify.js')).registerVerify,
  },
  {
    name: 'schedule',
    summary: 'apply, show and steer schedules',
    load: async () => (await import('./commands/schedule.js')).registerSchedule,
  },
];

const interrupted = 130;

/** Runs one command line without the name of the program. Never throws and never ends the process; returns the exit code. */
export async function main(given: readonly string[], world: World): Promise<number> {
  const argv = withCoordinator(given);
  const beforeEnd = argv.includes('--') ? argv.slice(0, argv.indexOf('--')) : argv;
  const output = createOutput({
    ...world,
    json: beforeEnd.includes('--json'),
    colour: !beforeEnd.includes('--no-color'),
  });
  const frame: Frame = { world, output, exitCode: 0 };
  try {
    const program = await programFor(argv, frame);
    if (argv.length === 0) {
      program.outputHelp();
      return 1;
    }
    await program.parseAsync([...argv], { from: 'user' });
    return world.signal.aborted ? interrupted : frame.exitCode;
  } catch (error) {
    if (error instanceof CommanderError) {
      if (error.exitCode === 0 || error.code === 'commander.help') return error.exitCode;
      output.failure(new ConcordatError('usage', error.message.replace(/^error: /, '')));
      return 1;
    }
    if (world.signal.aborted) return interrupted;
    output.failure(error);
    return 1;
  }
}

async function programFor(argv: readonly string[], frame: Frame): Promise<Command> {
  const program = new Command('concordat')
    .description('Keeps records in agreement across clouds that answer to different authorities.')
    .version(version(), '-V, --version', 'show the version')
    .option(
      '--federation <folder>',
      'the federation folder (default: $CONCORDAT_FEDERATION, else ./federation where it exists, else .)',
    )
    .option('--json', 'print one JSON document on stdout, and everything else on stderr')
    .option('--no-color', 'print no colours; NO_COLOR does the same')
    .configureHelp({ showGlobalOptions: true })
    .configureOutput({
      writeOut: (text) => void frame.world.stdout.write(text),
      writeErr: (text) => void frame.world.stderr.write(text),
      // Errors are shown in main, in one form for all.
      outputError: () => undefined,
    })
    .exitOverride()
    .addHelpText(
      'after',
      '\nExit codes:\n  0  agreement, or done\n  1  error\n  2  divergences, or an approval is pending\n\nBegin with:\n  $ concordat init --mesh aws=aws-iam --mesh azure=entra\n  $ concordat validate',
    );
  enterFrame(program, frame);
  const wanted = commandName(argv);
  for (const { name, summary, load } of commands) {
    if (name === wanted) (await load())(program);
    // Known by name and summary only: its module stays on the disk.
    else program.command(name).description(summary);
  }
  return program;
}

/** The first word that is no option; of `help validate`, the second. */
function commandName(argv: readonly string[]): string | undefined {
  const words: string[] = [];
  for (let at = 0; at < argv.length && words.length < 2; at += 1) {
    const word = argv[at] ?? '';
    if (word === '--federation') at += 1;
    else if (!word.startsWith('-')) words.push(word);
  }
  return words[0] === 'help' ? words[1] : words[0];
}

/** `worker --federation` without a folder means the worker of the federation, as workers/main.ts has it. */
function withCoordinator(argv: readonly string[]): readonly string[] {
  if (commandName(argv) !== 'worker') return argv;
  return argv.map((word, at) =>
    word === '--federation' && (argv[at + 1] ?? '-').startsWith('-') ? '--coordinator' : word,
  );
}

/** package.json lies one folder up from the source and two from the built file. */
function version(): string {
  for (const place of ['../package.json', '../../package.json']) {
    try {
      const { name, version: found } = JSON.parse(readFileSync(new URL(place, import.meta.url), 'utf8')) as Record<
        string,
        string
      >;
      if (name === 'concordat' && found !== undefined) return found;
    } catch {
      // Not there: the other place has it.
    }
  }
  return 'unknown';
}

/** The first signal asks the command to stop; the second, or a command that does not listen, ends the process. */
function stopOnSignals(controller: AbortController): void {
  for (const [name, code] of [
    ['SIGINT', interrupted],
    ['SIGTERM', 143],
  ] as const) {
    process.on(name, () => {
      const othersListen = process.listenerCount(name) > 1 || getEventListeners(controller.signal, 'abort').length > 0;
      if (controller.signal.aborted || !othersListen) process.exit(code);
      process.stderr.write('\nstopping; press Ctrl-C again to leave at once\n');
      controller.abort();
    });
  }
}

function isEntry(): boolean {
  const script = process.argv[1];
  try {
    return script !== undefined && realpathSync(script) === fileURLToPath(import.meta.url);
  } catch {
    return false;
  }
}

if (isEntry()) {
  const controller = new AbortController();
  stopOnSignals(controller);
  // A reader that left (`concordat … | head`) is no error.
  for (const stream of [process.stdout, process.stderr])
    stream.on('error', (error: NodeJS.ErrnoException) => process.exit(error.code === 'EPIPE' ? 0 : 1));
  const code = await main(process.argv.slice(2), {
    stdout: process.stdout,
    stderr: process.stderr,
    stdin: process.stdin,
    environment: process.env,
    workingFolder: process.cwd(),
    signal: controller.signal,
  });
  // Ends even where a library left a handle open, but only after all output is out.
  process.stdout.write('', () => process.stderr.write('', () => process.exit(code)));
}
