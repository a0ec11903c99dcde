import { describe, expect, it } from 'vitest';
import { registryAccess } from '../_registry-access.ts';
import { scopeWordsOf } from '../actions.ts';
import { maskFor } from '../grants.ts';
import { builtInRoles } from './built-in-roles.ts';
import { registryRights } from './registry-rights.ts';

const registry = registryAccess();
const group = '/subscriptions/s/resourcegroups/g';

/** The words of a token scope that a role gives at `scope`, and whether it lists the catalog. */
function wordsOf(
  roleName: string,
  roleMode: 'LegacyRegistryPermissions' | 'AbacRepositoryPermissions',
  scope = registry.resourceKey,
): string {
  const role = builtInRoles.find((one) => one.name === roleName);
  if (!role) throw new Error(`there is no role ${roleName}`);
  const rights = registryRights([{ scope, role }], { ...registry, roleMode });
  const words = scopeWordsOf(maskFor(rights.grants, 'any/repository'));
  return [...words, ...(rights.byRepository?.lists ? ['catalog'] : [])].join(' ');
}

const all = 'pull push delete metadata_read metadata_write';
const read = 'pull metadata_read';

/** ACR-FACTS §5.1 and §5.2, written down by hand. What is not here has no right to content in either mode. */
const legacy: Readonly<Record<string, string>> = {
  AcrPull: read,
  AcrPush: 'pull push metadata_read metadata_write',
  AcrDelete: 'delete',
  Owner: all,
  Contributor: all,
  Reader: read,
  'User Access Administrator': read,
  'Role Based Access Control Administrator': read,
  'Container Registry Data Importer and Data Reader': read,
};
const byRepository: Readonly<Record<string, string>> = {
  'Container Registry Repository Reader': read,
  'Container Registry Repository Writer': 'pull push metadata_read metadata_write',
  'Container Registry Repository Contributor': all,
  'Container Registry Repository Catalog Lister': 'catalog',
  'Container Registry Data Importer and Data Reader': `${read} catalog`,
};

describe('rights on content', () => {
  it.each(builtInRoles.map((role) => role.name))('of %s are those of its lists', (name) => {
    expect(wordsOf(name, 'LegacyRegistryPermissions')).toBe(legacy[name] ?? '');
    expect(wordsOf(name, 'AbacRepositoryPermissions')).toBe(byRepository[name] ?? '');
  });

  it('come from above, and from nowhere beside or below', () => {
    for (const scope of ['/', '/subscriptions/s', group, registry.resourceKey])
      expect(wordsOf('AcrPull', 'LegacyRegistryPermissions', scope), scope).toBe(read);
    for (const scope of [`${group}x`, `${registry.resourceKey}two`, `${registry.resourceKey}/webhooks/one`])
      expect(wordsOf('Owner', 'LegacyRegistryPermissions', scope), scope).toBe('');
  });

  it('of several roles add up', () => {
    const grants = ['AcrPull', 'AcrDelete'].map((name) => ({
      scope: registry.resourceKey,
      role: builtInRoles.find((one) => one.name === name) ?? builtInRoles[0]!,
    }));
    const { grants: added } = registryRights(grants, registry);
    expect(scopeWordsOf(maskFor(added, 'a')).join(' ')).toBe('pull delete metadata_read');
  });
});
