import {
  normalLocation,
  parseRegistryName,
  type Registries,
  type RegistryResource,
  type RegistrySettings,
  registryRule,
  type Usage,
} from '../../content/index.ts';
import type { RequestContext, ResourceAuthor } from '../../data/index.ts';
import { type Credentials, countTokens, type ShownCredentials, type TokenCounts } from '../../identity/index.ts';
import {
  type Conditions,
  type Ids,
  isFault,
  type JsonObject,
  type RegistryTier,
  type ResourceId,
  registryTiers,
} from '../../kernel/index.ts';
import type { SqlReader } from '../../ports/index.ts';
import { ArmError } from '../arm/provider.ts';
import { type AskedRegistry, askedRegistry } from './asked-registry.ts';
import { registryError, registryNotFound } from './errors.ts';

/** A request that changes a registry. */
export interface RegistryRequest {
  /** The id of the registry. */
  readonly scope: ResourceId;
  readonly context: RequestContext;
  readonly by: ResourceAuthor;
  readonly conditions: Conditions;
}

/** Whether a registry can be made under a name. */
export type NameVerdict =
  | { readonly available: true }
  | { readonly available: false; readonly reason: 'Invalid' | 'AlreadyExists'; readonly message: string };

/** What a registry holds. */
export interface RegistryUsage extends TokenCounts {
  readonly sku: RegistryTier;
  readonly bytes: number;
}

/** The rules of registries as the resource manager has them. Throws ArmErrors, and Faults that the front says. */
export interface RegistryService {
  get(scope: ResourceId): Promise<RegistryResource>;
  /** Makes a registry, or replaces what is said of one; its identity and content stay unless the body ends them. */
  put(request: RegistryRequest, body: JsonObject): Promise<{ created: boolean; registry: RegistryResource }>;
  /** Changes what the body names and nothing else. */
  patch(request: RegistryRequest, body: JsonObject): Promise<RegistryResource>;
  /** False when there was none. */
  remove(request: Omit<RegistryRequest, 'by'>): Promise<boolean>;
  checkName(name: string): Promise<NameVerdict>;
  usage(scope: ResourceId): Promise<RegistryUsage>;
  credentials(scope: ResourceId, context: RequestContext): Promise<ShownCredentials>;
  renewCredential(
    scope: ResourceId,
    name: 'password' | 'password2',
    context: RequestContext,
  ): Promise<ShownCredentials>;
}

/** What is said of a registry by a PUT that says nothing of it; identity stays. */
const putDefaults: Omit<RegistrySettings, 'sku' | 'identity'> = {
  tags: {},
  adminEnabled: false,
  anonymousPull: false,
  armTokens: true,
  exportAllowed: true,
  roleMode: 'LegacyRegistryPermissions',
};

/** How often a PUT looks again when somebody else makes or deletes the registry at the same time. */
const maxRounds = 5;

/** Makes the service. */
export function registryService(options: {
  readonly registries: Registries;
  readonly credentials: Credentials;
  readonly usage: Usage;
  readonly reader: SqlReader;
  readonly ids: Ids;
}): RegistryService {
  const { registries, credentials, ids } = options;

  const get = async (scope: ResourceId): Promise<RegistryResource> => {
    const registry = await registries.resource(scope.key);
    if (!registry) throw registryNotFound(scope);
    return registry;
  };

  /** New ids are made for an identity that is asked for; the transaction uses them where there is none. */
  const identityAsked = (asked: AskedRegistry): Pick<RegistrySettings, 'identity'> | undefined => {
    if (asked.identity === undefined) return undefined;
    return { identity: asked.identity === 'None' ? null : { objectId: ids.guid(), appId: ids.guid() } };
  };

  const change = async (
    request: RegistryRequest,
    current: RegistryResource,
    asked: AskedRegistry,
    settings: Partial<RegistrySettings>,
  ): Promise<RegistryResource> => {
    const { scope, context, by, conditions } = request;
    checkLocation(asked, current);
    await checkStored(current, settings.sku ?? current.sku);
    const checks = { resourceKey: scope.key, conditions };
    await registries.change(context, current.name, { ...settings, ...identityAsked(asked), by, ...checks });
    if (settings.adminEnabled) await credentials.ensureAdmin(current, context);
    return get(scope);
  };

  /** A registry that holds more than the tier may have cannot come to it (ACR-FACTS §1.4). */
  const checkStored = async (current: RegistryResource, sku: RegistryTier): Promise<void> => {
    const { maxBytes } = registryTiers[sku];
    if (maxBytes >= registryTiers[current.sku].maxBytes) return;
    const stored = await options.usage.bytes(current);
    if (stored > maxBytes) {
      const message = `The registry holds ${stored} bytes, and ${sku} allows ${maxBytes}; delete some first.`;
      throw new ArmError(409, 'QuotaExceeded', message, { target: 'sku' });
    }
  };

  const create = async (request: RegistryRequest, asked: AskedRegistry): Promise<RegistryResource> => {
    const { scope, context, by, conditions } = request;
    const { location, settings } = asked;
    if (location === undefined) throw required('location');
    const made = await registries.create(context, {
      ...putDefaults,
      ...settings,
      ...identityAsked(asked),
      name: scope.provider?.names[0] ?? '',
      resourceGroup: scope.resourceGroup ?? '',
      location,
      by,
      conditions,
    });
    await credentials.ensureAdmin(made, context);
    return get(scope);
  };

  const withAdmin = async (scope: ResourceId): Promise<RegistryResource> => {
    const registry = await get(scope);
    if (registry.adminEnabled) return registry;
    throw new ArmError(
      400,
      'UnAuthorizedForCredentialOperations',
      `The admin user of ${registry.resourceId} is disabled; az acr update -n ${registry.resourceName} --admin-enabled true enables it.`,
    );
  };

  return {
    get,
    async put(request, body) {
      const { scope } = request;
      for (let round = 1; ; round++) {
        const current = await registries.resource(scope.key);
        const asked = askedRegistry(body, current?.sku ?? null);
        if (asked.settings.sku === undefined) throw required('sku');
        try {
          if (!current) return { created: true, registry: await create(request, asked) };
          const settings = { ...putDefaults, ...asked.settings };
          return { created: false, registry: await change(request, current, asked, settings) };
        } catch (error) {
          const isAway = current !== undefined && isFault(error, 'not-found');
          const isThere = registryRule(error)?.rule === 'name-taken' && (await registries.resource(scope.key));
          if (round === maxRounds || !(isAway || isThere)) throw registryError(error, scope);
        }
      }
    },
    async patch(request, body) {
      const { scope } = request;
      const current = await get(scope);
      const asked = askedRegistry(body, current.sku);
      try {
        return await change(request, current, asked, asked.settings);
      } catch (error) {
        throw registryError(error, scope);
      }
    },
    async remove({ scope, context, conditions }) {
      const registry = await registries.resource(scope.key);
      if (!registry) return false;
      try {
        await registries.remove(context, registry.name, { resourceKey: scope.key, conditions });
        return true;
      } catch (error) {
        if (isFault(error, 'not-found')) return false;
        throw registryError(error, scope);
      }
    },
    async checkName(text) {
      let name: string;
      try {
        name = parseRegistryName(text);
      } catch (error) {
        if (!isFault(error)) throw error;
        return { available: false, reason: 'Invalid', message: `${error.message}.` };
      }
      if ((await registries.byName(name)) === undefined) return { available: true };
      return { available: false, reason: 'AlreadyExists', message: `The registry ${text} is already in use.` };
    },
    async usage(scope) {
      const registry = await get(scope);
      const [bytes, counts] = await Promise.all([
        options.usage.bytes(registry),
        countTokens(options.reader, registry.id),
      ]);
      return { sku: registry.sku, bytes, ...counts };
    },
    async credentials(scope, context) {
      const registry = await withAdmin(scope);
      // A process that ended between two transactions may have left a registry without them.
      await credentials.ensureAdmin(registry, context);
      return { ...(await credentials.showAdmin(registry)), username: registry.resourceName };
    },
    async renewCredential(scope, name, context) {
      const registry = await withAdmin(scope);
      await credentials.ensureAdmin(registry, context);
      return { ...(await credentials.renewAdmin(registry, name, context)), username: registry.resourceName };
    },
  };
}

function required(target: string): ArmError {
  return new ArmError(400, 'InvalidRequestContent', `'${target}' is required, and was not given.`, { target });
}

function checkLocation(asked: AskedRegistry, current: RegistryResource): void {
  if (asked.location === undefined || normalLocation(asked.location) === current.location) return;
  throw new ArmError(
    409,
    'InvalidResourceLocation',
    `The resource '${current.resourceName}' exists in location '${current.location}', and no resource moves to '${asked.location}'.`,
    { target: 'location' },
  );
}
