import { registryTiers } from '../../kernel/index.ts';
import type { RegistryUsage } from './service.ts';

/**
 * What a registry holds against what its tier allows (ACR-FACTS §1.3), `Size` first. Of what this version does not have there
 * is none, so its count is 0.
 */
export function usageWire(usage: RegistryUsage): Record<string, unknown> {
  const limits = registryTiers[usage.sku];
  const count = (name: string, limit: number, currentValue = 0): Record<string, unknown> => ({
    name,
    limit,
    currentValue,
    unit: 'Count',
  });
  return {
    value: [
      { name: 'Size', limit: limits.includedBytes, currentValue: usage.bytes, unit: 'Bytes' },
      count('Webhooks', limits.webhooks),
      count('Geo-replications', limits.replications),
      count('PrivateEndpointConnections', limits.privateEndpoints),
      count('IPRules', limits.ipRules),
      count('VNetRules', limits.virtualNetworkRules),
      count('ScopeMaps', limits.scopeMaps, usage.scopeMaps),
      count('Tokens', limits.tokens, usage.tokens),
    ],
  };
}
