import { setImmediate as turn } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { plainSeal } from '../data/index.ts';
import type { BackupSnapshot } from './backup.ts';
import { damagedBodies, presentObjects } from './backup.ts';

const pages = 5;
const walks: [string, (snapshot: BackupSnapshot) => AsyncGenerator<unknown>][] = [
  ['objects', presentObjects],
  ['bodies', (snapshot) => damagedBodies({ seal: plainSeal }, snapshot)],
];

it.each(walks)('a walk over the %s of a large snapshot lets others have their turn', async (_, walk) => {
  let left = pages;
  const row = {
    registry_id: 1,
    digest: 'x',
    region_ordinal: 1,
    store: 'fs',
    location: '',
    kind: 'blob',
    state: 'missing',
  };
  const snapshot = {
    all: async () => (left-- > 0 ? Array.from({ length: 10_000 }, () => row) : []),
    first: async () => undefined,
  } as unknown as BackupSnapshot;
  let turns = 0;
  const walking = new AbortController();
  const others = (async () => {
    while (!walking.signal.aborted) {
      await turn();
      turns++;
    }
  })();
  for await (const page of walk(snapshot)) void page;
  walking.abort();
  await others;
  expect(turns).toBeGreaterThan(pages);
});
