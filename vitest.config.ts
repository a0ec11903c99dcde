import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['src/**/*.test.ts', 'test/fuzz/**/*.test.ts', 'tools/**/*.test.ts'],
    isolate: false,
    pool: 'forks',
    maxWorkers: 2,
    // A hundred times as many random inputs take their time.
    testTimeout: process.env['BERTH_TEST_FULL'] === '1' ? 3_600_000 : 30_000,
    reporters: ['default'],
  },
});
