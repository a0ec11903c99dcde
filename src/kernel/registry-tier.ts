/** Tier of a registry, spelled as Azure does: clients compare it literally (AZ-WIRE T-ARM-8). */
export type RegistryTier = 'Basic' | 'Standard' | 'Premium';

/** What a tier allows (ACR-FACTS §1.1). Counts are of one registry. */
export interface TierLimits {
  /** Storage that usage is told against. */
  readonly includedBytes: number;
  /** Above this much stored, a registry cannot come to the tier. */
  readonly maxBytes: number;
  readonly tokens: number;
  readonly scopeMaps: number;
  readonly webhooks: number;
  /** -1: without limit. */
  readonly replications: number;
  readonly privateEndpoints: number;
  readonly ipRules: number;
  readonly virtualNetworkRules: number;
  readonly anonymousPull: boolean;
  /** Network rules, data endpoints, own keys, replicas, retention, export policy. */
  readonly premiumFeatures: boolean;
}

const gib = 1024 ** 3;
const tib = 1024 ** 4;

export const registryTiers: Readonly<Record<RegistryTier, TierLimits>> = {
  Basic: {
    includedBytes: 10 * gib,
    maxBytes: 40 * tib,
    tokens: 100,
    scopeMaps: 100,
    webhooks: 2,
    replications: 0,
    privateEndpoints: 0,
    ipRules: 0,
    virtualNetworkRules: 0,
    anonymousPull: false,
    premiumFeatures: false,
  },
  Standard: {
    includedBytes: 100 * gib,
    maxBytes: 40 * tib,
    tokens: 500,
    scopeMaps: 500,
    webhooks: 10,
    replications: 0,
    privateEndpoints: 0,
    ipRules: 0,
    virtualNetworkRules: 0,
    anonymousPull: true,
    premiumFeatures: false,
  },
  Premium: {
    includedBytes: 500 * gib,
    maxBytes: 100 * tib,
    tokens: 50_000,
    scopeMaps: 50_000,
    webhooks: 500,
    replications: -1,
    privateEndpoints: 200,
    ipRules: 200,
    virtualNetworkRules: 100,
    anonymousPull: true,
    premiumFeatures: true,
  },
};
