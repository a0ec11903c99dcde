import { defineConfig } from 'vitest/config';

// oxlint-disable-next-line import/no-default-export -- vitest reads the default export
export default defineConfig({
  test: {
    include: ['test/azure/**/*.test.ts'],
    isolate: false,
    pool: 'forks',
    maxWorkers: 2,
    // A command of az takes one to three seconds of processor time, a test runs up to forty, and machines are shared.
    testTimeout: 600_000,
    hookTimeout: 180_000,
    teardownTimeout: 30_000,
  },
});
