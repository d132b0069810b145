import { defineConfig } from 'vitest/config';

/** What people start: commands, the demo, the packed tarball, workers that are killed. Each test runs processes of its own. */
export default defineConfig({
  test: {
    include: ['test/processes/**/*.test.ts'],
    globalSetup: ['test/support/global-setup.ts'],
    setupFiles: ['test/support/property-seed.ts'],
    // The scan of what was left comes last (test/support/scan-remains.ts).
    teardownTimeout: 120_000,
    pool: 'forks',
    maxWorkers: 2,
    testTimeout: 120_000,
    hookTimeout: 180_000,
  },
});
