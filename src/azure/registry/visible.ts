import type { Registries, RegistryResource } from '../../content/index.ts';
import { resourceGroupByKey } from '../../data/index.ts';
import { type Directory, permits } from '../../identity/index.ts';
import type { SqlReader } from '../../ports/index.ts';
import { type ArmCall, ArmError } from '../arm/provider.ts';

export const readAction = 'Microsoft.ContainerRegistry/registries/read';

/** A page of registries that the caller may read; `next` is the key after which the list goes on, null at its end. */
export interface VisiblePage {
  readonly registries: readonly RegistryResource[];
  readonly next: string | null;
}

/** Registries that one request looks at; a list that hides many of them goes on at its `nextLink`. */
const maxLookedAt = 5_000;

/**
 * Lists the registries below the scope of a call, a group or the subscription, that its subject may read: all with the right
 * there or above, otherwise those that a role was given on. Who may read the group hears 404 when there is none.
 */
export async function visibleRegistries(
  parts: { readonly registries: Registries; readonly directory: Directory; readonly reader: SqlReader },
  call: Pick<ArmCall, 'scope' | 'principal' | 'subject'>,
  page: { readonly last: string | null; readonly limit: number },
): Promise<VisiblePage> {
  const { scope, principal, subject } = call;
  const group = scope.resourceGroup?.toLowerCase() ?? null;
  const seesAll = permits(principal.roles, readAction, scope.key);
  const below = seesAll ? [] : await parts.directory.rolesBelow(subject.objectId, scope.key);
  const isVisible = (key: string): boolean => seesAll || permits(below, readAction, key);
  if (!seesAll && below.length === 0) return { registries: [], next: null };
  if (seesAll && group !== null) {
    const row = await parts.reader.first(resourceGroupByKey, { key: group });
    if (!row || row.provisioning_state === 'Deleted') {
      throw new ArmError(404, 'ResourceGroupNotFound', `Resource group '${scope.resourceGroup}' could not be found.`);
    }
  }

  const found: RegistryResource[] = [];
  let last = page.last ?? '';
  for (let looked = 0; looked < maxLookedAt; ) {
    const limit = Math.min(page.limit, 1000);
    const rows = await parts.registries.resources({ group, last, limit });
    for (const row of rows) {
      last = row.resourceKey;
      if (!isVisible(row.resourceKey)) continue;
      found.push(row);
      if (found.length === page.limit) return { registries: found, next: last };
    }
    if (rows.length < limit) return { registries: found, next: null };
    looked += rows.length;
  }
  return { registries: found, next: last };
}
