/** Where test systems keep what they install. */
import { homedir } from 'node:os';
import path from 'node:path';

/** `$XDG_CACHE_HOME/concordat/test-systems` */
export function systemsFolder(): string {
  const cache = process.env['XDG_CACHE_HOME'];
  return path.join(cache ? cache : path.join(homedir(), '.cache'), 'concordat', 'test-systems');
}
