/**
 * Asks @cloud-copilot/iam-simulate, in a process of its own: { module, principal, questions: [{ policies, boundary, action,
 * resource }] } on stdin, the answers as a list of 'Allowed', 'ExplicitlyDenied', 'ImplicitlyDenied' or `error: …` on stdout.
 */
import { pathToFileURL } from 'node:url';

const pieces = [];
for await (const piece of process.stdin) pieces.push(piece);
const { module, principal, documents, questions } = JSON.parse(Buffer.concat(pieces).toString('utf8'));
const { runSimulation } = await import(pathToFileURL(module).href);
const accountId = principal.split(':')[4];
const policy = (name) => ({ name, policy: documents[name] });

/** What AWS gives a key: without it no policy of a principal counts for it, and that is a resource policy. */
const keyPolicy = {
  Version: '2012-10-17',
  Statement: [
    { Effect: 'Allow', Principal: { AWS: `arn:aws:iam::${accountId}:root` }, Action: 'kms:*', Resource: '*' },
  ],
};

const answers = [];
for (const { policies, boundary, action, resource } of questions) {
  const answer = await runSimulation(
    {
      request: { principal, action, resource: { resource, accountId }, contextVariables: {} },
      identityPolicies: policies.map(policy),
      serviceControlPolicies: [],
      resourceControlPolicies: [],
      ...(action.startsWith('kms:') ? { resourcePolicy: keyPolicy } : {}),
      ...(boundary === null ? {} : { permissionBoundaryPolicies: [policy(boundary)] }),
    },
    {},
  );
  answers.push(answer.resultType === 'error' ? `error: ${JSON.stringify(answer.errors)}` : answer.overallResult);
}
process.stdout.write(JSON.stringify(answers));
