import type { Registry } from './registries.ts';

/** What a request counts as (ACR-FACTS §1.2). One request may count as several. */
export type RateCategory = 'read' | 'write' | 'delete' | 'list-referrers' | 'oauth';

/** The categories in the order of the buckets. */
export const rateCategories: readonly RateCategory[] = ['read', 'write', 'delete', 'list-referrers', 'oauth'];

/** Requests per minute, in the order of `rateCategories`; null is no bound. */
export interface Rates {
  readonly registry: readonly number[];
  readonly identity: readonly (number | null)[];
}

const basicAndStandard: Rates = {
  registry: [10_000, 2_000, 1_000, 500, 10_000],
  identity: [5_000, 1_000, 500, 250, null],
};
const premium: Rates = {
  registry: [20_000, 4_000, 4_000, 2_000, 20_000],
  identity: [10_000, 2_000, 2_000, 1_000, null],
};

/** The table of ACR's tiers times `factor`, at least one request per minute each. */
export function ratesByTier(factor: number): Readonly<Record<Registry['sku'], Rates>> {
  const scaled = (rate: number): number => Math.max(1, Math.round(rate * factor));
  const times = (rates: Rates): Rates => ({
    registry: rates.registry.map(scaled),
    identity: rates.identity.map((rate) => (rate === null ? null : scaled(rate))),
  });
  const lower = times(basicAndStandard);
  return { Basic: lower, Standard: lower, Premium: times(premium) };
}
