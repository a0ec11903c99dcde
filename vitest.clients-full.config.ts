import { defineConfig } from 'vitest/config';
import clients from './vitest.clients.config.ts';

// oxlint-disable-next-line import/no-default-export -- vitest reads the default export
export default defineConfig({
  test: { ...clients.test, include: ['test/clients-full/**/*.test.ts'], testTimeout: 600_000 },
});
