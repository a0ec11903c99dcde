import type { RequestContext } from '../data/index.ts';
import { Fault } from '../kernel/index.ts';
import type { Database } from '../ports/index.ts';
import { defaultRegistry, listRegistries, type RegistryRecord, registryByName } from './store/registry-store.ts';
import { changeRegistry, createRegistry, deleteRegistry } from './transactions/registry-transactions.ts';

/** A registry with the settings that the data plane reads. */
export interface Registry {
  readonly id: number;
  readonly name: string;
  /** Key of the resource group that it stands in. */
  readonly resourceGroup: string;
  /** Its id for the resource manager, in lower case: the scope of rights on it. */
  readonly resourceKey: string;
  readonly sku: 'Basic' | 'Standard' | 'Premium';
  readonly adminEnabled: boolean;
  readonly anonymousPull: boolean;
  readonly isDefault: boolean;
  /** Whether tokens for the resource manager open it as well as those for registries. */
  readonly armTokens: boolean;
  /** Whether its content may leave it. */
  readonly exportAllowed: boolean;
  readonly roleMode: 'LegacyRegistryPermissions' | 'AbacRepositoryPermissions';
  readonly createdMs: number;
}

/** Registries: looked up by every request, changed by operators. Settings are read each time, so a change holds at once. */
export interface Registries {
  byName(name: string): Promise<Registry | undefined>;
  /** The one behind the plain loopback listener. */
  default(): Promise<Registry | undefined>;
  list(page: { last: string; limit: number }): Promise<Registry[]>;
  create(
    context: RequestContext,
    options: { name: string; adminEnabled: boolean; anonymousPull: boolean; onlyAsDefault?: boolean },
  ): Promise<Registry>;
  change(
    context: RequestContext,
    name: string,
    change: { adminEnabled?: boolean; anonymousPull?: boolean },
  ): Promise<Registry>;
  remove(context: RequestContext, name: string): Promise<void>;
}

/** First labels of the planes; no registry may have them (DESIGN.md §1). */
export const reservedNames: ReadonlySet<string> = new Set([
  'management',
  'login',
  'graph',
  'msgraph',
  'storage',
  'portal',
  'vault',
  'data',
  'instances',
  'www',
  'api',
]);

/** Checks the name of a registry that is to be made (ACR-FACTS §2) and answers it in lower case, as its host has it. */
export function parseRegistryName(text: string): string {
  const name = text.toLowerCase();
  if (reservedNames.has(name))
    throw new Fault('request-invalid', `"${text}" is the name of one of Berth's own hosts; choose another`);
  if (!/^[a-z0-9]{5,50}$/.test(name)) {
    throw new Fault('request-invalid', `"${text}" is not a registry name: 5 to 50 letters and digits`);
  }
  return name;
}

/** Makes the registry use-cases. */
export function registries(database: Database): Registries {
  const byName = async (name: string): Promise<Registry | undefined> => {
    const row = await database.first(registryByName, { name });
    return row && registryOf(row);
  };
  const existing = async (name: string): Promise<Registry> => {
    const registry = await byName(name);
    if (!registry) throw new Fault('not-found', `there is no registry named "${name}"`);
    return registry;
  };

  return {
    byName,
    async default() {
      const row = await database.first(defaultRegistry, {});
      return row && registryOf(row);
    },
    async list(page) {
      return (await database.all(listRegistries, page)).map(registryOf);
    },
    async create(context, options) {
      const name = parseRegistryName(options.name);
      const { adminEnabled, anonymousPull } = options;
      const made = await database.transact(createRegistry, {
        context,
        name,
        sku: 'Standard',
        adminEnabled,
        anonymousPull,
        by: { name: context.actor, type: 'Key' },
        onlyAsDefault: options.onlyAsDefault ?? false,
      });
      if (made !== null) return existing(name);
      const row = await database.first(defaultRegistry, {});
      if (!row) throw new Error('the default registry vanished');
      return registryOf(row);
    },
    async change(context, name, change) {
      await database.transact(changeRegistry, { context, name: name.toLowerCase(), ...change });
      return existing(name.toLowerCase());
    },
    async remove(context, name) {
      await database.transact(deleteRegistry, { context, name: name.toLowerCase() });
    },
  };
}

function registryOf(row: RegistryRecord): Registry {
  return {
    id: row.id,
    name: row.name,
    resourceGroup: row.resource_group,
    resourceKey: row.resource_key,
    sku: row.sku as Registry['sku'],
    adminEnabled: row.admin_enabled === 1,
    anonymousPull: row.anonymous_pull === 1,
    isDefault: row.is_default === 1,
    armTokens: row.arm_tokens === 1,
    exportAllowed: row.export_allowed === 1,
    roleMode: row.role_mode as Registry['roleMode'],
    createdMs: row.created_ms,
  };
}
