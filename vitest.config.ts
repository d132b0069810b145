import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    exclude: ['test/systems/**', 'test/processes/**', 'node_modules/**'],
    globalSetup: ['test/support/global-setup.ts'],
    setupFiles: ['test/support/property-seed.ts'],
    // The scan of what was left comes last (test/support/scan-remains.ts).
    teardownTimeout: 120_000,
    pool: 'forks',
    // Files of one worker share what they import, which is half of the work. A test leaves no module and no variable of
    // the environment changed behind it.
    isolate: false,
    // One more than the processors that CI has: tests of connectors and workflows wait more than they compute.
    maxWorkers: 3,
    testTimeout: 60_000,
    hookTimeout: 120_000,
  },
});
