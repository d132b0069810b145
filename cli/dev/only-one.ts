/**
 * One `concordat dev` for a folder: who holds the socket is the one, and tells others where everything is. A socket of a
 * process that crashed refuses connections and is taken over.
 */
import { createHash } from 'node:crypto';
import { realpath, rm } from 'node:fs/promises';
import { connect, createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { text } from 'node:stream/consumers';
import { ConcordatError } from '../../core/errors.js';

export interface Held {
  /** What others are told who ask for the same folder. */
  announce(words: string): void;
  release(): Promise<void>;
}

/** Throws alreadyRunning, with the words of the one that holds the folder. */
export async function holdFolder(folder: string): Promise<Held> {
  const socket = await socketOf(folder);
  for (let attempt = 0; ; attempt++) {
    let words = 'it is still starting';
    const server = createServer((asking) => asking.on('error', () => undefined).end(words));
    if (await listens(server, socket))
      return {
        announce: (text) => void (words = text),
        release: () => new Promise((resolve) => server.close(() => resolve())),
      };
    const told = await ask(socket);
    if (told !== undefined)
      throw new ConcordatError('alreadyRunning', `\`concordat dev\` runs already for ${folder}: ${told}`);
    if (attempt > 3) throw new ConcordatError('storeFault', `${socket} can neither be used nor asked; remove it`);
    await rm(socket, { force: true });
  }
}

/** Not in the folder itself: the path of a socket may have about 100 characters. */
async function socketOf(folder: string): Promise<string> {
  const name = createHash('sha256')
    .update(await realpath(folder))
    .digest('hex')
    .slice(0, 24);
  return path.join(tmpdir(), `concordat-dev-${name}.sock`);
}

function listens(server: Server, socket: string): Promise<boolean> {
  return new Promise((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) =>
      error.code === 'EADDRINUSE' ? resolve(false) : reject(error),
    );
    // Nothing but this socket must keep the process alive, and it must not either.
    server.listen(socket, () => {
      server.unref();
      resolve(true);
    });
  });
}

async function ask(socket: string): Promise<string | undefined> {
  try {
    const asking = connect(socket);
    return await text(asking.setTimeout(5_000, () => asking.destroy(new Error('no answer'))));
  } catch {
    return undefined;
  }
}
