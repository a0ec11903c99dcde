import { expect, it } from 'vitest';
import { plainSeal } from '../data/index.ts';
import { digestOf } from '../kernel/index.ts';
import type { Database } from '../ports/index.ts';
import { bodyCache } from './body-cache.ts';

const bodies = Array.from({ length: 64 }, (_, at) => Buffer.alloc(1024, at));

it.each([
  ['a memory for all of them reads each once', 64 * 1024, 64],
  ['a memory for a quarter reads each every time they come round', 16 * 1024, 128],
])('of bodies that come twice in turn, %s', async (_, maxBytes, reads) => {
  const rows = new Map(bodies.map((bytes) => [digestOf(bytes), bytes]));
  let asked = 0;
  const database = {
    first: async (_statement: unknown, { digest }: { digest: string }) => {
      asked++;
      return { codec: 'plain', key_id: null, bytes: rows.get(digest as never) };
    },
  } as unknown as Database;
  const lost = () => expect.unreachable('nothing is lost');
  const cache = bodyCache({ database, seal: plainSeal, maxBytes, lost });
  for (const bytes of [...bodies, ...bodies]) {
    expect(await cache.read(1, 'blob', digestOf(bytes))).toEqual(bytes);
  }
  expect(asked).toBe(reads);
});
