import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/systems/**/*.test.ts'],
    globalSetup: ['test/systems/support/print-deviations.ts'],
    pool: 'forks',
    fileParallelism: false,
    testTimeout: 300_000,
    hookTimeout: 600_000,
  },
});
