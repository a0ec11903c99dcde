import { type ActionMask, repositoryActions } from '../actions.ts';
import { type Grants, grantsEverywhere } from '../grants.ts';
import type { Principal, RegistryAccess } from '../principal.ts';
import { type ActionPlane, permits, type RoleGrant } from './permits.ts';

/** One right on content, and the actions of role definitions that have to be allowed for it, all of them. */
interface Row {
  readonly mask: ActionMask;
  readonly needs: readonly string[];
}

const namespace = 'Microsoft.ContainerRegistry/registries';
const bit = (action: keyof typeof repositoryActions): ActionMask => repositoryActions[action].bit;

/** Rights on the whole registry follow from actions of the resource manager: so Owner and Contributor have them, too. */
const legacy: readonly Row[] = [
  { mask: bit('content/read') | bit('metadata/read'), needs: [`${namespace}/pull/read`] },
  { mask: bit('content/write') | bit('metadata/write'), needs: [`${namespace}/push/write`] },
  { mask: bit('content/delete'), needs: [`${namespace}/artifacts/delete`] },
];

/** Rights repository by repository follow from data actions alone. Deleting takes names and content away at once. */
const byRepository: readonly Row[] = [
  { mask: bit('content/read'), needs: [`${namespace}/repositories/content/read`] },
  { mask: bit('content/write'), needs: [`${namespace}/repositories/content/write`] },
  {
    mask: bit('content/delete'),
    needs: [`${namespace}/repositories/content/delete`, `${namespace}/repositories/metadata/delete`],
  },
  { mask: bit('metadata/read'), needs: [`${namespace}/repositories/metadata/read`] },
  { mask: bit('metadata/write'), needs: [`${namespace}/repositories/metadata/write`] },
];

/** What somebody's roles give them of a registry's content (ACR-FACTS §5.1, §5.2). Pure. */
export function registryRights(
  roles: readonly RoleGrant[],
  registry: Pick<RegistryAccess, 'resourceKey' | 'roleMode'>,
): Pick<Principal, 'grants' | 'byRepository'> {
  switch (registry.roleMode) {
    case 'LegacyRegistryPermissions':
      return { grants: granted(roles, registry, legacy, 'control') };
    case 'AbacRepositoryPermissions':
      return {
        grants: granted(roles, registry, byRepository, 'data'),
        byRepository: { lists: permits(roles, `${namespace}/catalog/read`, registry.resourceKey, 'data') },
      };
    default:
      return registry.roleMode satisfies never;
  }
}

function granted(
  roles: readonly RoleGrant[],
  { resourceKey }: Pick<RegistryAccess, 'resourceKey'>,
  rows: readonly Row[],
  plane: ActionPlane,
): Grants {
  let mask = 0;
  for (const row of rows) {
    if (row.needs.every((action) => permits(roles, action, resourceKey, plane))) mask |= row.mask;
  }
  return grantsEverywhere(mask);
}
