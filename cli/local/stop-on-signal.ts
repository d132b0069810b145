/** Ctrl-C and its relatives: end what runs, then end. */

const exitCodes = { SIGINT: 130, SIGTERM: 143, SIGHUP: 129 } as const;

/**
 * On the first signal calls `stop` and then ends the process; on the second ends it at once, which is safe because no child
 * outlives us. Returns a function that takes the handlers away again.
 */
export function stopOnSignal(stop: () => Promise<void>): () => void {
  let asked = false;
  const handlers = Object.entries(exitCodes).map(([signal, code]) => {
    const handle = () => {
      if (asked) process.exit(code);
      asked = true;
      void stop()
        .catch((error: unknown) => console.error(error instanceof Error ? error.message : error))
        .finally(() => process.exit(code));
    };
    process.on(signal, handle);
    return () => process.off(signal, handle);
  });
  return () => {
    for (const remove of handlers) remove();
  };
}
