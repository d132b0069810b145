/** The version of this package. package.json lies one folder up from the source and two from the built file. */
import { readFileSync } from 'node:fs';

export function packageVersion(): string {
  for (const place of ['../package.json', '../../package.json']) {
    try {
      const text = readFileSync(new URL(place, import.meta.url), 'utf8');
      const { name, version } = JSON.parse(text) as Readonly<Record<string, unknown>>;
      if (name === 'concordat' && typeof version === 'string') return version;
    } catch {
      // Not there: the other place has it.
    }
  }
  return 'unknown';
}
