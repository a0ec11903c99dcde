import { lazyContracts } from './arm/contracts.ts';
import { managementFront } from './arm/front.ts';
import type { ResourceProvider } from './arm/provider.ts';
import { authorizationProvider } from './authorization/provider.ts';
import type { Management, ManagementParts } from './open-management.ts';
import { registryProvider } from './registry/provider.ts';
import { resourcesProvider } from './resources/provider.ts';

/** Joins the front and the providers of the resource manager. A new provider is a line in `others`. */
export async function management(parts: ManagementParts): Promise<Management> {
  const others: readonly ResourceProvider[] = [authorizationProvider(parts), registryProvider(parts)];
  const resources = resourcesProvider({ ...parts, others });
  const handle = managementFront({
    ...parts,
    contracts: await lazyContracts()(),
    providers: [...others, resources],
    draining: () => parts.draining(),
    failed: (exchange, error) => parts.failed(exchange, error),
  });
  return {
    handle,
    resumeDeletions: () => resources.deletion.resume(),
    settled: () => resources.deletion.settled(),
  };
}
