import { defineConfig } from 'vitest/config';

// oxlint-disable-next-line import/no-default-export -- vitest reads the default export
export default defineConfig({
  test: {
    include: ['test/clients/**/*.test.ts'],
    isolate: false,
    pool: 'forks',
    maxWorkers: 2,
    // Each command of a client has its own, shorter limit; these only end a test whose program hangs.
    testTimeout: 180_000,
    hookTimeout: 120_000,
    teardownTimeout: 30_000,
  },
});
