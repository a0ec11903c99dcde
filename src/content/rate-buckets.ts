import type { Rates } from './rate-table.ts';

/** Which bucket was empty, and when it is full again. */
export interface EmptyBucket {
  /** Position in `rateCategories`. */
  readonly category: number;
  readonly scope: 'registry' | 'identity';
  readonly perMinute: number;
  /** Milliseconds until a request is taken again. */
  readonly waitMs: number;
}

/** Token buckets of registries, and of identities within them. */
export interface RateBuckets {
  /**
   * Takes one token from each bucket that `categories` names, of the registry and of the identity (null: of the registry
   * only), or from none: then the answer is the bucket that has to be waited for longest.
   */
  take(
    registryId: number,
    rates: Rates,
    identity: string | null,
    categories: readonly number[],
  ): EmptyBucket | undefined;
  /** Drops what is full, which is what a bucket that nobody knows is. Answers how many sets of buckets are left. */
  forget(): number;
}

/** How long an empty bucket takes to be full. */
const windowMs = 60_000;

/**
 * One set of buckets. A bucket of `rate` tokens that refills in a minute is one number: the moment when it is full again. A
 * token taken moves that moment by `windowMs / rate`; the bucket is empty when it is a whole window away. A bucket that was
 * found empty refuses until it is full (bit in `closed`), which is what makes `Retry-After` count down and come true.
 */
interface BucketSet {
  readonly fullAt: number[];
  closed: number;
}

interface RegistryBuckets extends BucketSet {
  readonly identities: Map<string, BucketSet>;
}

/** Makes the buckets. `monotonic` answers milliseconds that never go back. At most `maxIdentities` sets are kept. */
export function rateBuckets(options: { monotonic: () => number; maxIdentities?: number }): RateBuckets {
  const { monotonic } = options;
  const maxIdentities = options.maxIdentities ?? 50_000;
  const registries = new Map<number, RegistryBuckets>();
  let identityCount = 0;

  const registryOf = (id: number): RegistryBuckets => {
    let found = registries.get(id);
    if (!found) {
      found = { ...newSet(), identities: new Map() };
      registries.set(id, found);
    }
    return found;
  };

  const identityOf = (registry: RegistryBuckets, name: string): BucketSet => {
    let found = registry.identities.get(name);
    if (!found) {
      if (identityCount >= maxIdentities && forget(registry) >= maxIdentities) dropOldest(registry);
      found = newSet();
      registry.identities.set(name, found);
      identityCount++;
    }
    return found;
  };

  /** So many identities at once are no registry's ordinary day; the bounds of the registry itself still hold. */
  const dropOldest = (preferred: RegistryBuckets): void => {
    const crowded =
      preferred.identities.size > 0 ? preferred : [...registries.values()].find((one) => one.identities.size);
    const oldest = crowded?.identities.keys().next().value;
    if (crowded && oldest !== undefined && crowded.identities.delete(oldest)) identityCount--;
  };

  /** `inUse` stays, whatever it holds: somebody is about to add to it. */
  const forget = (inUse?: RegistryBuckets): number => {
    const now = monotonic();
    for (const [id, registry] of registries) {
      for (const [name, set] of registry.identities) {
        if (isFull(set, now) && registry.identities.delete(name)) identityCount--;
      }
      if (registry !== inUse && registry.identities.size === 0 && isFull(registry, now)) registries.delete(id);
    }
    return identityCount;
  };

  return {
    take(registryId, rates, identity, categories) {
      const now = monotonic();
      const registry = registryOf(registryId);
      const own = identity === null ? null : identityOf(registry, identity);
      let empty: EmptyBucket | undefined;
      for (const category of categories) {
        const rate = rates.registry[category];
        if (rate !== undefined && !hasToken(registry, category, rate, now)) {
          empty = longer(empty, {
            category,
            scope: 'registry',
            perMinute: rate,
            waitMs: closeBucket(registry, category, now),
          });
        }
        const ownRate = rates.identity[category];
        if (own !== null && ownRate != null && !hasToken(own, category, ownRate, now)) {
          empty = longer(empty, {
            category,
            scope: 'identity',
            perMinute: ownRate,
            waitMs: closeBucket(own, category, now),
          });
        }
      }
      if (empty) return empty;
      for (const category of categories) {
        const rate = rates.registry[category];
        if (rate !== undefined) spend(registry, category, rate, now);
        const ownRate = rates.identity[category];
        if (own !== null && ownRate != null) spend(own, category, ownRate, now);
      }
      return undefined;
    },
    forget: () => forget(),
  };
}

function newSet(): BucketSet {
  return { fullAt: [0, 0, 0, 0, 0], closed: 0 };
}

function isFull(set: BucketSet, now: number): boolean {
  return set.fullAt.every((moment) => moment <= now);
}

function hasToken(set: BucketSet, category: number, rate: number, now: number): boolean {
  const moment = set.fullAt[category] ?? 0;
  if (moment <= now) {
    set.closed &= ~(1 << category);
    return true;
  }
  // A token counts as whole a hundredth early: sums of fractions do not meet the window exactly.
  return (set.closed & (1 << category)) === 0 && moment + (windowMs / rate) * 0.99 <= now + windowMs;
}

function spend(set: BucketSet, category: number, rate: number, now: number): void {
  set.fullAt[category] = Math.max(set.fullAt[category] ?? 0, now) + windowMs / rate;
}

function closeBucket(set: BucketSet, category: number, now: number): number {
  set.closed |= 1 << category;
  return (set.fullAt[category] ?? 0) - now;
}

function longer(left: EmptyBucket | undefined, right: EmptyBucket): EmptyBucket {
  return left && left.waitMs >= right.waitMs ? left : right;
}
