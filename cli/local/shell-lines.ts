/** What a person types once in another terminal so that the commands reach a federation on this machine. */
import path from 'node:path';
import { distFolder } from './program.js';

export function shellLines(options: {
  readonly address: string;
  readonly federationFolder: string;
}): readonly string[] {
  return [
    `export TEMPORAL_ADDRESS=${options.address} CONCORDAT_FEDERATION=${quoted(options.federationFolder)}`,
    `alias concordat=${quoted(`node ${quoted(path.join(distFolder, 'cli', 'main.js'))}`)}   # where it is not installed`,
  ];
}

/** For a POSIX shell. */
function quoted(text: string): string {
  return /^[\w./:=@-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`;
}
