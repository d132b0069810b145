/**
 * The sandbox as a process: `node dist/sandbox/main.js --folder .concordat/sandbox --people 120`.
 * Prints one JSON line once all three clouds answer, and ends on SIGTERM or SIGINT.
 */
import { parseArgs } from 'node:util';
import { sandboxExamples, startSandbox, type SandboxExample } from './start.js';

const whole = (text: string | undefined): number | undefined => {
  if (text === undefined) return undefined;
  if (!/^\d+$/.test(text)) throw new TypeError(`${text} is not a whole number`);
  return Number(text);
};

const exampleNamed = (name: string | undefined): SandboxExample | undefined => {
  const found = sandboxExamples.find((each) => each === name);
  if (name !== undefined && found === undefined)
    throw new TypeError(`--example is one of ${sandboxExamples.join(', ')}`);
  return found;
};

const { values } = parseArgs({
  options: {
    folder: { type: 'string' },
    people: { type: 'string' },
    teams: { type: 'string' },
    seed: { type: 'string' },
    example: { type: 'string' },
    'aws-port': { type: 'string' },
    'entra-port': { type: 'string' },
    'keystone-port': { type: 'string' },
    persist: { type: 'boolean', default: false },
  },
});
if (values.folder === undefined) throw new TypeError('--folder says where certificate and state are kept');

const [people, teams, seed] = [whole(values.people), whole(values.teams), whole(values.seed)];
const example = exampleNamed(values.example);
const sandbox = await startSandbox({
  folder: values.folder,
  persist: values.persist,
  ports: {
    aws: whole(values['aws-port']) ?? 0,
    entra: whole(values['entra-port']) ?? 0,
    keystone: whole(values['keystone-port']) ?? 0,
  },
  ...(people === undefined ? {} : { people }),
  ...(teams === undefined ? {} : { teams }),
  ...(seed === undefined ? {} : { seed }),
  ...(example === undefined ? {} : { example }),
});

const { aws, entra, keystone } = sandbox;
process.stdout.write(
  `${JSON.stringify({
    ready: true,
    aws: { endpoint: aws.endpoint, environment: aws.environment, mesh: aws.mesh },
    entra: {
      endpoint: entra.endpoint,
      authorityHost: entra.authorityHost,
      tenant: entra.tenant,
      caFile: entra.caFile,
      environment: entra.environment,
      mesh: entra.mesh,
    },
    keystone: {
      endpoint: keystone.endpoint,
      domain: keystone.domain,
      environment: keystone.environment,
      mesh: keystone.mesh,
    },
  })}\n`,
);

let stopping = false;
for (const signal of ['SIGTERM', 'SIGINT'] as const)
  process.on(signal, () => {
    if (stopping) return;
    stopping = true;
    sandbox.stop().then(
      () => process.exit(0),
      (error: unknown) => {
        process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
        process.exit(1);
      },
    );
  });
