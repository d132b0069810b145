/**
 * A file whose time moves while a worker runs and its server answers: a container's health check then needs no open port.
 * `CONCORDAT_READY_FILE` names it; docker-compose.yml looks at its age.
 */
import { rm, writeFile } from 'node:fs/promises';

export const readyIntervalMs = 10_000;

export interface ReadyFileOptions {
  readonly file: string;
  /** True while the worker polls and the server answers. A rejection counts as false. */
  readonly isReady: () => Promise<boolean>;
  readonly intervalMs?: number;
}

/** Begins at once. What it returns ends it and removes the file. A file that cannot be written stops nothing. */
export function keepReadyFile({ file, isReady, intervalMs = readyIntervalMs }: ReadyFileOptions): () => Promise<void> {
  let ended = false;
  let beat: Promise<void> | undefined;
  const touch = async (): Promise<void> => {
    try {
      if ((await isReady()) && !ended) await writeFile(file, `${process.pid}\n`);
    } catch {
      // The age of the file tells it.
    }
  };
  // One question at a time: a server that does not answer must not be asked by more and more of them.
  const next = (): void => void (beat ??= touch().finally(() => (beat = undefined)));
  const timer = setInterval(next, intervalMs);
  timer.unref();
  next();
  return async () => {
    ended = true;
    clearInterval(timer);
    await beat;
    await rm(file, { force: true });
  };
}
