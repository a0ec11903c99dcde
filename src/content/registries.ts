import type { RequestContext, ResourceAuthor } from '../data/index.ts';
import { type Conditions, Fault, noConditions, type RegistryTier } from '../kernel/index.ts';
import type { Database } from '../ports/index.ts';
import { registryFault } from './registry-rules.ts';
import {
  type RegistryResourceRecord,
  regionNames,
  registryResource,
  registryResources,
  registryResourcesOfGroup,
} from './store/registry-resource-store.ts';
import { defaultRegistry, listRegistries, type RegistryRecord, registryByName } from './store/registry-store.ts';
import {
  changeRegistry,
  createRegistry,
  deleteRegistry,
  type RegistrySettings,
  registryType,
} from './transactions/registry-transactions.ts';

/** A registry with the settings that the data plane reads. */
export interface Registry {
  readonly id: number;
  readonly name: string;
  /** Key of the resource group that it stands in. */
  readonly resourceGroup: string;
  /** Its id for the resource manager, in lower case: the scope of rights on it. */
  readonly resourceKey: string;
  readonly sku: RegistryTier;
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

/** A registry with what only the resource manager shows. */
export interface RegistryResource extends Registry {
  /** The id as it was first spelled. */
  readonly resourceId: string;
  /** The name as it was first spelled. */
  readonly resourceName: string;
  readonly location: string;
  readonly tags: Readonly<Record<string, string>>;
  /** Object id of its managed identity; null without one. */
  readonly identityId: string | null;
  readonly etag: string;
  readonly createdBy: ResourceAuthor;
  readonly modifiedBy: ResourceAuthor;
  readonly modifiedMs: number;
}

/** What a new registry may be told; what is absent has its default. */
export interface NewRegistryOptions extends Partial<RegistrySettings> {
  readonly name: string;
  readonly adminEnabled: boolean;
  readonly anonymousPull: boolean;
  /** Its resource group, in any spelling; otherwise the first one. */
  readonly resourceGroup?: string;
  /** A region of this Berth, in any spelling; otherwise the first one. */
  readonly location?: string;
  readonly conditions?: Conditions;
  readonly by?: ResourceAuthor;
  readonly onlyAsDefault?: boolean;
}

/** What a registry must be to be changed or deleted. Where it is another one, there is none: `not-found`. */
export interface RegistryChecks {
  readonly conditions?: Conditions;
  /** Key of its resource, where the right to it was given there and not by its name. */
  readonly resourceKey?: string;
}

/** Registries: looked up by every request, changed by operators. Settings are read each time, so a change holds at once. */
export interface Registries {
  byName(name: string): Promise<Registry | undefined>;
  /** The one behind the plain loopback listener. */
  default(): Promise<Registry | undefined>;
  list(page: { last: string; limit: number }): Promise<Registry[]>;
  /** By the key of its resource. */
  resource(key: string): Promise<RegistryResource | undefined>;
  /** By the keys of the resources, of one group (its key) or all. */
  resources(page: { group: string | null; last: string; limit: number }): Promise<RegistryResource[]>;
  /** Names of the regions that registries can be made in. */
  regions(): Promise<string[]>;
  create(context: RequestContext, options: NewRegistryOptions): Promise<Registry>;
  change(
    context: RequestContext,
    name: string,
    change: Partial<RegistrySettings> & RegistryChecks & { asDefault?: boolean; by?: ResourceAuthor },
  ): Promise<Registry>;
  remove(context: RequestContext, name: string, checks?: RegistryChecks): Promise<void>;
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
  const refuse = (message: string): Fault => registryFault('request-invalid', 'name-invalid', message, 'name');
  const name = text.toLowerCase();
  if (reservedNames.has(name)) throw refuse(`"${text}" is the name of one of Berth's own hosts; choose another`);
  if (!/^[a-z0-9]{5,50}$/.test(name)) throw refuse(`"${text}" is not a registry name: 5 to 50 letters and digits`);
  return name;
}

/** What a registry is when nobody says otherwise. */
const usualSettings: Omit<RegistrySettings, 'adminEnabled' | 'anonymousPull'> = {
  sku: 'Standard',
  tags: {},
  armTokens: true,
  exportAllowed: true,
  roleMode: 'LegacyRegistryPermissions',
  identity: null,
};

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
    async resource(key) {
      const row = await database.first(registryResource, { key });
      return row && resourceOf(row);
    },
    async resources({ group, last, limit }) {
      const page = { type: registryType.toLowerCase(), last, limit };
      const rows =
        group === null
          ? await database.all(registryResources, page)
          : await database.all(registryResourcesOfGroup, { ...page, group });
      return rows.map(resourceOf);
    },
    async regions() {
      return (await database.all(regionNames, {})).map((region) => region.name);
    },
    async create(context, options) {
      const { name: spelledName, resourceGroup, location, conditions, by, onlyAsDefault, ...settings } = options;
      const name = parseRegistryName(spelledName);
      const made = await database.transact(createRegistry, {
        context,
        name,
        spelledName,
        group: resourceGroup?.toLowerCase() ?? null,
        location: location ?? null,
        settings: { ...usualSettings, ...settings },
        conditions: conditions ?? noConditions,
        by: by ?? operator(context),
        onlyAsDefault: onlyAsDefault ?? false,
      });
      if (made !== null) return existing(name);
      const row = await database.first(defaultRegistry, {});
      if (!row) throw new Error('the default registry vanished');
      return registryOf(row);
    },
    async change(context, name, change) {
      const { asDefault, conditions, resourceKey, by, ...settings } = change;
      await database.transact(changeRegistry, {
        context,
        name: name.toLowerCase(),
        resourceKey: resourceKey ?? null,
        settings,
        asDefault: asDefault ?? false,
        conditions: conditions ?? noConditions,
        by: by ?? operator(context),
      });
      return existing(name.toLowerCase());
    },
    async remove(context, name, checks = {}) {
      const { conditions = noConditions, resourceKey = null } = checks;
      await database.transact(deleteRegistry, { context, name: name.toLowerCase(), resourceKey, conditions });
    },
  };
}

/** Who works at the management socket, as a resource tells its author. */
function operator(context: RequestContext): ResourceAuthor {
  return { name: context.actor, type: 'Key' };
}

function registryOf(row: RegistryRecord): Registry {
  return {
    id: row.id,
    name: row.name,
    resourceGroup: row.resource_group,
    resourceKey: row.resource_key,
    sku: row.sku,
    adminEnabled: row.admin_enabled === 1,
    anonymousPull: row.anonymous_pull === 1,
    isDefault: row.is_default === 1,
    armTokens: row.arm_tokens === 1,
    exportAllowed: row.export_allowed === 1,
    roleMode: row.role_mode,
    createdMs: row.created_ms,
  };
}

function resourceOf(row: RegistryResourceRecord): RegistryResource {
  const identity = row.identity === null ? null : (JSON.parse(row.identity) as { principalId: string });
  const author = (name: string, type: string): ResourceAuthor => ({ name, type: type as ResourceAuthor['type'] });
  return {
    ...registryOf(row),
    resourceId: row.resource_id,
    resourceName: row.resource_name,
    location: row.location,
    tags: JSON.parse(row.tags) as Record<string, string>,
    identityId: identity?.principalId ?? null,
    etag: row.etag,
    createdBy: author(row.created_by, row.created_by_type),
    modifiedBy: author(row.modified_by, row.modified_by_type),
    modifiedMs: row.modified_ms,
  };
}
