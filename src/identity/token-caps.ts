import { Fault, type RegistryTier, registryTiers } from '../kernel/index.ts';
import type { SqlReader, SqlTransaction } from '../ports/index.ts';
import { tierForUpdate, tokenCounts } from './store.ts';

/** How many tokens and scope maps a registry has. */
export interface TokenCounts {
  readonly tokens: number;
  readonly scopeMaps: number;
}

/** Counts the tokens and scope maps of a registry, also inside a transaction. */
export async function countTokens(reader: SqlReader, registryId: number): Promise<TokenCounts> {
  const row = await reader.first(tokenCounts, { registryId });
  return { tokens: row?.tokens ?? 0, scopeMaps: row?.scope_maps ?? 0 };
}

/** What of a registry is more than a tier allows (ACR-FACTS §1.1), in words; null when all of it fits. */
export function tokensBeyond(counts: TokenCounts, tier: RegistryTier): string | null {
  const limits = registryTiers[tier];
  if (counts.tokens > limits.tokens) return `${counts.tokens} tokens, and ${tier} allows ${limits.tokens}`;
  if (counts.scopeMaps > limits.scopeMaps)
    return `${counts.scopeMaps} scope maps, and ${tier} allows ${limits.scopeMaps}`;
  return null;
}

/** Refuses one token with a scope map more than the tier allows, by `conflict`. Holds the registry's row. */
export async function checkTokenCaps(tx: SqlTransaction, registryId: number): Promise<void> {
  const registry = await tx.first(tierForUpdate, { registryId });
  if (!registry) throw new Fault('not-found', 'the registry is gone');
  const { tokens, scopeMaps } = await countTokens(tx, registryId);
  const beyond = tokensBeyond({ tokens: tokens + 1, scopeMaps: scopeMaps + 1 }, registry.sku);
  if (beyond !== null) {
    throw new Fault('conflict', `this would make ${beyond}; delete some, or move the registry to a higher tier`);
  }
}
