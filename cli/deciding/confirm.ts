/** Asks a person at a terminal; where nobody is there, the command line itself is the word. */
import { createInterface } from 'node:readline/promises';
import { ConcordatError } from '../../core/errors.js';
import type { Invocation } from '../invocation.js';

/** True without a question where there is no terminal, under --json and with --yes. */
export async function confirmed(invocation: Invocation, question: string, yes: boolean): Promise<boolean> {
  const { stdin, stderr, output, signal } = invocation;
  if (yes || output.isJson || stdin.isTTY !== true) return true;
  const asking = createInterface({ input: stdin, output: stderr });
  try {
    const answer = await asking.question(`${question} [y/N] `, { signal });
    return /^y(es)?$/i.test(answer.trim());
  } catch (error) {
    if (signal.aborted) throw new ConcordatError('usage', 'nothing was signed', { cause: error });
    throw error;
  } finally {
    asking.close();
  }
}
