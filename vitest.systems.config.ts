import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/systems/**/*.test.ts'],
    globalSetup: ['test/systems/support/print-deviations.ts', 'test/systems/support/scan.ts'],
    // The scan of what was left comes last (test/support/scan-remains.ts).
    teardownTimeout: 120_000,
    pool: 'forks',
    // Each file starts the systems that it needs; what they install, they install one after the other.
    maxWorkers: 2,
    testTimeout: 300_000,
    hookTimeout: 600_000,
  },
});
