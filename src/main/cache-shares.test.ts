import { expect, it } from 'vitest';
import { cacheShares } from './cache-shares.ts';

it('the shares of caches are no more than the whole, and none is nothing', () => {
  for (const bytes of [1 << 20, 112 << 20, 12_345_678]) {
    const { database, bodies, answers } = cacheShares(bytes);
    expect(database + bodies + answers).toBeLessThanOrEqual(bytes);
    expect(Math.min(database, bodies, answers)).toBeGreaterThan(bytes / 8);
  }
});
