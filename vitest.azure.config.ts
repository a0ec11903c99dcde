import { defineConfig } from 'vitest/config';

// oxlint-disable-next-line import/no-default-export -- vitest reads the default export
export default defineConfig({
  test: {
    include: ['test/azure/**/*.test.ts'],
    isolate: false,
    pool: 'forks',
    maxWorkers: 2,
    // A command of az takes one to three seconds of processor time, and a test runs many of them.
    testTimeout: 240_000,
    hookTimeout: 180_000,
    teardownTimeout: 30_000,
  },
});
