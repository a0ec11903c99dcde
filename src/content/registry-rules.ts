import { type TokenCounts, tokensBeyond } from '../identity/index.ts';
import { Fault, type FaultCode, type RegistryTier, registryTiers } from '../kernel/index.ts';

/**
 * Why a registry is not made, changed or deleted; stands in the fault's detail as `rule`, so that a wire with words of its
 * own for each can tell them apart.
 */
export type RegistryRule =
  | 'name-invalid'
  | 'name-taken'
  | 'group-unknown'
  | 'group-deleting'
  | 'location-unknown'
  | 'default-registry'
  | 'tier-lacks'
  | 'tier-exceeded';

/** A refusal of `rule`. `target` names the setting that is at fault. */
export function registryFault(code: FaultCode, rule: RegistryRule, message: string, target?: string): Fault {
  return new Fault(code, message, { detail: { rule, ...(target === undefined ? {} : { target }) } });
}

/** The rule behind a fault of a registry's use-cases; undefined for any other error. */
export function registryRule(error: unknown): { rule: RegistryRule; target: string | undefined } | undefined {
  if (!(error instanceof Fault) || error.detail === undefined) return undefined;
  const { rule, target } = error.detail;
  if (typeof rule !== 'string') return undefined;
  return { rule: rule as RegistryRule, target: typeof target === 'string' ? target : undefined };
}

/** Settings that depend on the tier. */
export interface TieredSettings {
  readonly sku: RegistryTier;
  readonly anonymousPull: boolean;
  readonly exportAllowed: boolean;
}

/** Refuses settings that the tier does not have, and more tokens than it allows (ACR-FACTS §1.1, §1.4). */
export function checkTier(settings: TieredSettings, counts: TokenCounts): void {
  const { sku } = settings;
  const tier = registryTiers[sku];
  if (settings.anonymousPull && !tier.anonymousPull) {
    const message = `${sku} has no anonymous pull; turn it off, or choose Standard or Premium`;
    throw registryFault('conflict', 'tier-lacks', message, 'anonymousPullEnabled');
  }
  if (!settings.exportAllowed && !tier.premiumFeatures) {
    const message = `only Premium can forbid export; allow it, or choose Premium`;
    throw registryFault('conflict', 'tier-lacks', message, 'policies.exportPolicy');
  }
  const beyond = tokensBeyond(counts, sku);
  if (beyond !== null)
    throw registryFault('conflict', 'tier-exceeded', `the registry has ${beyond}; delete some first`, 'sku');
}

/** `West Europe` as region names are stored: `westeurope`. */
export function normalLocation(text: string): string {
  return text.replaceAll(' ', '').toLowerCase();
}

/** Whether the content of a registry may leave it by import, export or transfer. Throws `not-permitted`. */
export function checkExport(registry: { readonly name: string; readonly exportAllowed: boolean }): void {
  if (!registry.exportAllowed) {
    throw new Fault(
      'not-permitted',
      `the content of "${registry.name}" may not leave it: its export policy is disabled`,
    );
  }
}
