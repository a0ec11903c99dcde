import { lazyContracts } from './arm/contracts.ts';
import { managementFront } from './arm/front.ts';
import type { ResourceProvider } from './arm/provider.ts';
import { authorizationProvider } from './authorization/provider.ts';
import type { Management, ManagementParts } from './open-management.ts';
import { registryProvider } from './registry/provider.ts';
import { resourcesProvider } from './resources/provider.ts';

/** What providers work with. */
export type ProviderParts = Omit<ManagementParts, 'tokens' | 'refusals' | 'failed'>;

/** Every provider of the resource manager. A new one is a line in `others`. */
export function resourceProviders(parts: ProviderParts) {
  const others: readonly ResourceProvider[] = [authorizationProvider(parts), registryProvider(parts)];
  const resources = resourcesProvider({ ...parts, others });
  return { providers: [...others, resources] as const, deletion: resources.deletion };
}

/** Joins the front and the providers of the resource manager. */
export async function management(parts: ManagementParts): Promise<Management> {
  const { providers, deletion } = resourceProviders(parts);
  const handle = managementFront({
    ...parts,
    contracts: await lazyContracts()(),
    providers,
    draining: () => parts.draining(),
    failed: (exchange, error) => parts.failed(exchange, error),
  });
  return {
    handle,
    resumeDeletions: () => deletion.resume(),
    settled: () => deletion.settled(),
  };
}
