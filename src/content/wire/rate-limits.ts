import { Fault, operatorOnly } from '../../kernel/index.ts';
import { type EmptyBucket, rateBuckets } from '../rate-buckets.ts';
import { type RateCategory, rateCategories, ratesByTier } from '../rate-table.ts';
import type { Registry } from '../registries.ts';
import type { DataRouteId } from './routes.ts';

/** Bounds on the rate of requests, as ACR's tiers have them (ACR-FACTS §1.2, ADR 19). Counted per process. */
export interface RateLimits {
  /** Counts a request; `identity` is null at the token endpoints. Throws `too-many-requests` with the seconds to wait. */
  take(registry: Registry, route: DataRouteId, method: string, identity: string | null): void;
  /** Counts a request if it may go on; a false is told to nobody, and the same request is to be asked about by `take`. */
  admits(registry: Registry, route: DataRouteId, method: string, identity: string | null): boolean;
  /** Gives memory back. Called by a timer. */
  forget(): void;
}

const position = (category: RateCategory): number => rateCategories.indexOf(category);
const read = [position('read')];
const write = [position('write')];
const remove = [position('delete')];
const referrers = [position('list-referrers'), position('read')];
const oauth = [position('oauth')];

function categoriesOf(route: DataRouteId, method: string): readonly number[] {
  if (route === 'oauth2.token' || route === 'oauth2.exchange') return oauth;
  if (route === 'v2.referrers') return referrers;
  if (method === 'DELETE') return remove;
  return method === 'GET' || method === 'HEAD' || method === 'OPTIONS' ? read : write;
}

/**
 * Makes the bounds: the table of the registry's tier times `factor`, or none when it is null. `throttled` is told of every
 * request that is refused.
 */
export function rateLimits(options: {
  factor: number | null;
  monotonic: () => number;
  throttled(category: RateCategory, scope: EmptyBucket['scope']): void;
}): RateLimits {
  if (options.factor === null) return { take: () => undefined, admits: () => true, forget: () => undefined };
  const rates = ratesByTier(options.factor);
  const buckets = rateBuckets({ monotonic: options.monotonic });
  const count = (...[registry, route, method, identity]: Parameters<RateLimits['take']>): EmptyBucket | undefined =>
    buckets.take(registry.id, rates[registry.sku], identity, categoriesOf(route, method)) ?? undefined;
  return {
    admits: (...request) => count(...request) === undefined,
    take(registry, route, method, identity) {
      const empty = count(registry, route, method, identity);
      if (!empty) return;
      const category = rateCategories[empty.category] as RateCategory;
      options.throttled(category, empty.scope);
      throw refusal(registry, category, empty);
    },
    forget: () => void buckets.forget(),
  };
}

function refusal(registry: Registry, category: RateCategory, empty: EmptyBucket): Fault {
  const seconds = Math.ceil(empty.waitMs / 1000);
  const whose = empty.scope === 'registry' ? 'this registry' : 'this identity on this registry';
  return new Fault('too-many-requests', `too many requests; try again in ${seconds} s`, {
    detail: { retryAfterSeconds: seconds },
    operator: operatorOnly({
      rule: empty.scope === 'registry' ? 'rate-registry' : 'rate-identity',
      because: `the ${category} requests of ${whose} used up ${empty.perMinute} a minute, the bound of tier ${registry.sku}; taken again ${seconds} s later`,
      cure: 'wait as Retry-After says, or start with --limits-rates off or with a greater factor',
    }),
  });
}
