/* oxlint-disable vitest/no-conditional-expect -- a step of the property either is taken or is not */
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { rateBuckets } from './rate-buckets.ts';
import { type Rates, ratesByTier } from './rate-table.ts';

const [read, write, remove, referrers, oauth] = [0, 1, 2, 3, 4];
/** Ten of everything for the registry, five for an identity, no bound on an identity's sign-ins. */
const small: Rates = { registry: [10, 10, 10, 10, 10], identity: [5, 5, 5, 5, null] };

function world(rates: Rates = small, maxIdentities?: number) {
  let now = 1_000_000;
  const buckets = rateBuckets({ monotonic: () => now, ...(maxIdentities === undefined ? {} : { maxIdentities }) });
  return {
    buckets,
    advance: (ms: number) => void (now += ms),
    take: (identity: string | null, ...categories: number[]) => buckets.take(1, rates, identity, categories),
  };
}

describe('rate buckets', () => {
  test('let a burst pass until the bucket of the identity is empty, and others go on', () => {
    const { take } = world();
    for (let sent = 0; sent < 5; sent++) expect(take('a', read)).toBeUndefined();
    expect(take('a', read)).toEqual({ category: read, scope: 'identity', perMinute: 5, waitMs: 60_000 });
    expect(take('b', read)).toBeUndefined();
    expect(take('a', write)).toBeUndefined();
  });

  test('bound all identities of a registry together', () => {
    const { take } = world();
    for (let sent = 0; sent < 10; sent++) expect(take(`who${sent}`, read)).toBeUndefined();
    expect(take('another', read)).toMatchObject({ scope: 'registry', perMinute: 10, waitMs: 60_000 });
  });

  test('do not bound the sign-ins of an identity, only those of the registry', () => {
    const { take } = world();
    for (let sent = 0; sent < 10; sent++) expect(take('a', oauth)).toBeUndefined();
    expect(take(null, oauth)).toMatchObject({ scope: 'registry' });
  });

  test('of different registries are different', () => {
    const { take, buckets } = world();
    for (let sent = 0; sent < 5; sent++) take('a', read);
    expect(take('a', read)).toBeDefined();
    expect(buckets.take(2, small, 'a', [read])).toBeUndefined();
  });

  test('once empty refuse until full, and say how long that is: 60, then 50', () => {
    const { take, advance } = world();
    for (let sent = 0; sent < 5; sent++) take('a', read);
    expect(take('a', read)?.waitMs).toBe(60_000);
    advance(10_000);
    expect(take('a', read)?.waitMs).toBe(50_000);
    advance(49_999);
    expect(take('a', read)?.waitMs).toBeCloseTo(1);
    advance(1);
    for (let sent = 0; sent < 5; sent++) expect(take('a', read)).toBeUndefined();
  });

  test('refill all the time while they are not empty', () => {
    const { take, advance } = world();
    for (let sent = 0; sent < 100; sent++) {
      expect(take('a', read)).toBeUndefined();
      advance(12_000);
    }
  });

  test('are drained by no request that is refused', () => {
    const { take } = world();
    for (let sent = 0; sent < 5; sent++) take('a', referrers);
    for (let sent = 0; sent < 50; sent++) expect(take('a', referrers, read)).toBeDefined();
    for (let sent = 0; sent < 5; sent++) expect(take('a', read)).toBeUndefined();
  });

  test('answer the one that has to be waited for longest', () => {
    const { take, advance } = world();
    for (let sent = 0; sent < 5; sent++) take('a', read);
    expect(take('a', read)).toBeDefined();
    advance(30_000);
    for (let sent = 0; sent < 5; sent++) take('a', referrers);
    expect(take('a', referrers, read)).toMatchObject({ category: referrers, waitMs: 60_000 });
  });

  test('are forgotten when full, and nobody gains by it', () => {
    const { take, advance, buckets } = world();
    for (let who = 0; who < 8; who++) take(`who${who}`, read);
    expect(buckets.forget()).toBe(8);
    advance(11_999);
    expect(buckets.forget()).toBe(8);
    advance(1);
    expect(buckets.forget()).toBe(0);
  });

  test('stay within their bound however many identities come', () => {
    const wide: Rates = { registry: small.registry.map(() => 1e9), identity: small.identity };
    const { take, buckets } = world(wide, 100);
    for (let who = 0; who < 5_000; who++) take(`who${who}`, read);
    expect(buckets.forget()).toBeLessThanOrEqual(100);
  });

  test('never take more than a bucket and what flowed in, and tell a wait that is true to the second', () => {
    const steps = fc.array(
      fc.record({ wait: fc.integer({ min: 0, max: 20_000 }), category: fc.constantFrom(read, write, remove) }),
      { maxLength: 200 },
    );
    fc.assert(
      fc.property(steps, fc.integer({ min: 1, max: 30 }), (list, perMinute) => {
        const rates: Rates = {
          registry: small.registry.map(() => perMinute),
          identity: small.identity.map(() => null),
        };
        const { buckets, advance, take } = world(rates);
        let passed = 0;
        const taken = [0, 0, 0];
        for (const { wait, category } of list) {
          advance(wait);
          passed += wait;
          const empty = buckets.take(1, rates, 'a', [category]);
          if (!empty) {
            taken[category] = (taken[category] ?? 0) + 1;
            expect(taken[category]).toBeLessThanOrEqual(perMinute + (passed * perMinute) / 60_000 + 0.02);
            continue;
          }
          const seconds = Math.ceil(empty.waitMs / 1000);
          expect(seconds).toBeGreaterThanOrEqual(1);
          expect(seconds).toBeLessThanOrEqual(60);
          // A whole second earlier is too early; at the time that was told the bucket takes again.
          const early = Math.max(0, (seconds - 1) * 1000 - 1);
          advance(early);
          expect(take('a', category)).toBeDefined();
          advance(seconds * 1000 - early);
          passed += seconds * 1000;
          expect(take('a', category)).toBeUndefined();
          taken[category] = (taken[category] ?? 0) + 1;
        }
      }),
    );
  });
});

describe('the table of tiers', () => {
  test('is the one of ACR', () => {
    const { Basic, Standard, Premium } = ratesByTier(1);
    expect(Basic).toEqual(Standard);
    expect(Standard.registry).toEqual([10_000, 2_000, 1_000, 500, 10_000]);
    expect(Standard.identity).toEqual([5_000, 1_000, 500, 250, null]);
    expect(Premium.registry).toEqual([20_000, 4_000, 4_000, 2_000, 20_000]);
    expect(Premium.identity).toEqual([10_000, 2_000, 2_000, 1_000, null]);
  });

  test('may be multiplied, and never ends at nothing', () => {
    expect(ratesByTier(0.5).Premium.registry[read]).toBe(10_000);
    expect(ratesByTier(0.000_001).Standard.identity).toEqual([1, 1, 1, 1, null]);
  });

  test('count an identity that comes when all sets are in use, and let go of it later', () => {
    const { take, advance, buckets } = world(small, 1);
    take('a', read);
    advance(120_000);
    // Everything is full, the registry too: making room must not lose the registry that is asked about.
    take('b', read);
    expect(buckets.forget()).toBe(1);
    for (let sent = 0; sent < 4; sent++) expect(take('b', read)).toBeUndefined();
    expect(take('b', read)).toMatchObject({ scope: 'identity' });
    advance(120_000);
    expect(buckets.forget()).toBe(0);
  });
});
