import type { Explanation } from '../kernel/index.ts';
import type { RepositoryAction } from './actions.ts';
import type { DataWanted } from './decide.ts';
import type { Principal, RegistryAccess } from './principal.ts';

/** The narrowest built-in role that gives a right, by how the registry counts roles. */
const roleFor: Readonly<
  Record<RegistryAccess['roleMode'], Readonly<Record<RepositoryAction | 'catalog/read', string>>>
> = {
  LegacyRegistryPermissions: {
    'catalog/read': 'AcrPull',
    'content/read': 'AcrPull',
    'metadata/read': 'AcrPull',
    'content/write': 'AcrPush',
    'metadata/write': 'AcrPush',
    'content/delete': 'AcrDelete',
  },
  AbacRepositoryPermissions: {
    'catalog/read': 'Container Registry Repository Catalog Lister',
    'content/read': 'Container Registry Repository Reader',
    'metadata/read': 'Container Registry Repository Reader',
    'content/write': 'Container Registry Repository Writer',
    'metadata/write': 'Container Registry Repository Writer',
    'content/delete': 'Container Registry Repository Contributor',
  },
};

/** Why somebody of the directory may not do what their roles do not allow. Pure. */
export function explainMissingRole(principal: Principal, wanted: DataWanted, registry: RegistryAccess): Explanation {
  const what = wanted.action === 'catalog/read' ? wanted.action : `${wanted.action} on ${wanted.repository}`;
  const names = [...new Set(principal.roles.map((grant) => grant.role.name))].join(', ');
  const has = names === '' ? 'no role on it or above it' : `only ${names} there`;
  const mode =
    registry.roleMode === 'AbacRepositoryPermissions'
      ? `; roles of ${registry.name} count repository by repository, where Owner, Contributor, Reader and AcrPull or AcrPush have no right to content`
      : '';
  const type = principal.kind === 'user' ? 'User' : 'ServicePrincipal';
  const role = roleFor[registry.roleMode][wanted.action];
  return {
    rule: 'role-missing',
    because: `no role of ${principal.name} on ${registry.name} allows ${what}; it has ${has}${mode}`,
    cure: `az role assignment create --assignee-object-id ${principal.objectId} --assignee-principal-type ${type} --role '${role}' --scope ${registry.resourceKey}`,
  };
}
