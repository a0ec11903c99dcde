import { test as base } from 'vitest';
import { missingReason } from '../../tools/clients/locate.ts';
import { startBerth } from './_world.ts';

/**
 * The test function of every client: `world` is one Berth for all tests of a file (each test uses repositories of its
 * own), `shell` is a fresh home for each test.
 */
export const test = base
  // oxlint-disable-next-line no-empty-pattern -- vitest reads the needs of a fixture from this pattern
  .extend('world', { scope: 'file' }, async ({}, { onCleanup }) => {
    const world = await startBerth();
    onCleanup(() => world[Symbol.asyncDispose]());
    return world;
  })
  .extend('shell', ({ world }) => world.shell());

/** True when one of the clients cannot run here. `npm run test:clients` prints why. */
export function lacks(...clients: string[]): boolean {
  return clients.some((client) => missingReason(client) !== undefined);
}

export { describe, expect } from 'vitest';
