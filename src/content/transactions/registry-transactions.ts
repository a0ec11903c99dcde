import {
  createResource,
  deleteResource,
  holdResourceGroup,
  lockDeployment,
  type RequestContext,
  type ResourceAuthor,
  type ResourceRow,
  recordChange,
  updateResource,
} from '../../data/index.ts';
import {
  countTokens,
  createManagedIdentity,
  forgetAssignmentsWithin,
  removeManagedIdentity,
} from '../../identity/index.ts';
import { type Conditions, Fault, type RegistryTier, requireConditions } from '../../kernel/index.ts';
import type { SqlTransaction, TransactionDefinition } from '../../ports/index.ts';
import { checkTier, normalLocation, registryFault } from '../registry-rules.ts';
import {
  lockRegistry,
  lockResource,
  regionNames,
  setDefaultRegistry,
  setRegistry,
} from '../store/registry-resource-store.ts';
import {
  defaultRegistry,
  deploymentRow,
  firstResourceGroup,
  insertRegistry,
  type RegistryRecord,
  retireRegistry,
} from '../store/registry-store.ts';

/** The type of a registry for the resource manager. */
export const registryType = 'Microsoft.ContainerRegistry/registries';

/** The managed identity of a registry, by GUIDs that nobody has. */
export interface IdentityIds {
  readonly objectId: string;
  readonly appId: string;
}

/** What can be said of a registry when it is made and later. */
export interface RegistrySettings {
  readonly sku: RegistryTier;
  readonly tags: Readonly<Record<string, string>>;
  readonly adminEnabled: boolean;
  readonly anonymousPull: boolean;
  readonly armTokens: boolean;
  readonly exportAllowed: boolean;
  readonly roleMode: RegistryRecord['role_mode'];
  /** Ids for the identity to make, where there is none yet; null for none, which ends the one that there is. */
  readonly identity: IdentityIds | null;
}

/** What a new registry is told. The first one becomes the default of the plain listener. */
export interface NewRegistry {
  readonly context: RequestContext;
  /** In lower case, as its host has it. */
  readonly name: string;
  /** As it was asked for; the resource keeps the spelling. */
  readonly spelledName: string;
  /** Key of its group; null for the first one. */
  readonly group: string | null;
  /** A region, in any spelling; null for the first one. */
  readonly location: string | null;
  readonly settings: RegistrySettings;
  readonly conditions: Conditions;
  /** Who makes it, as the resource manager tells it. */
  readonly by: ResourceAuthor;
  /** When set, nothing happens if there is a default registry already. */
  readonly onlyAsDefault: boolean;
}

/**
 * Creates a registry: its row, its resource, its identity. Answers null when `onlyAsDefault` found one. Throws by the rules
 * `name-taken`, `group-unknown`, `group-deleting`, `location-unknown` and those of its tier.
 */
export const createRegistry: TransactionDefinition<NewRegistry, { id: number } | null> = {
  name: 'content/create-registry',
  async run(tx, input) {
    const { name, spelledName, settings } = input;
    await tx.first(lockDeployment, {});
    const first = await tx.first(defaultRegistry, {});
    if (first && input.onlyAsDefault) return null;
    requireConditions(input.conditions, null);
    const deployment = await tx.first(deploymentRow, {});
    if (!deployment) throw new Error('a registry without a deployment');
    const group = await groupOf(tx, input.group);
    const location = await regionOf(tx, input.location);
    checkTier(settings, { tokens: 0, scopeMaps: 0 });
    const stamp = tx.stamp();
    const id = `/subscriptions/${deployment.subscription_id}/resourceGroups/${group.name}/providers/${registryType}/${spelledName}`;
    const key = id.toLowerCase();
    const row = await tx.first(insertRegistry, {
      name,
      resourceGroup: group.key,
      resourceKey: key,
      sku: settings.sku,
      ...switchesOf(settings),
      isDefault: first ? 0 : 1,
      now: tx.now,
      stamp,
    });
    if (!row) throw registryFault('conflict', 'name-taken', `the registry "${spelledName}" exists already`);
    if (settings.identity) {
      await createManagedIdentity(tx, { ...settings.identity, displayName: spelledName, resourceKey: key }, stamp);
    }
    const made = {
      id,
      type: registryType,
      groupKey: group.key,
      name: spelledName,
      location,
      tags: settings.tags,
      sku: settings.sku,
      identity: settings.identity && identityOf(settings.identity),
      properties: {},
      provisioningState: 'Succeeded',
      by: input.by,
    };
    if (!(await createResource(tx, made, stamp))) throw new Error(`a resource without its registry: ${id}`);
    await recordChange(tx, input.context, {
      registryId: row.id,
      kind: 'registry.created',
      stamp,
      details: { name, sku: settings.sku },
    });
    return { id: row.id };
  },
};

/** Which registry. A name may have passed to another one since it was looked up, whose rights are others'. */
export interface NamedRegistry {
  readonly name: string;
  /** Key of the resource that it must be; null for whichever has the name. */
  readonly resourceKey: string | null;
}

/** A change to a registry; what is absent stays. */
export interface RegistryChange extends NamedRegistry {
  readonly context: RequestContext;
  readonly settings: Partial<RegistrySettings>;
  /** Makes it the one behind the plain listener, in place of the one that was. */
  readonly asDefault: boolean;
  readonly conditions: Conditions;
  readonly by: ResourceAuthor;
}

/**
 * Changes a registry and its resource. Throws `not-found`, `precondition-failed`, and by the rules of the tier that it has
 * afterwards.
 */
export const changeRegistry: TransactionDefinition<RegistryChange, void> = {
  name: 'content/change-registry',
  async run(tx, input) {
    if (input.asDefault || input.settings.identity === null) await tx.first(lockDeployment, {});
    const { registry, resource } = await lockBoth(tx, input, input.conditions);
    const { identity, tags, ...switches } = input.settings;
    const settings = { ...settingsOf(registry), ...switches };
    checkTier(settings, await countTokens(tx, registry.id));
    const stamp = tx.stamp();
    await tx.run(setRegistry, { id: registry.id, sku: settings.sku, ...switchesOf(settings), stamp });
    if (input.asDefault) await tx.run(setDefaultRegistry, { id: registry.id, stamp });
    if (identity === null) await removeManagedIdentity(tx, resource.key);
    const isNew = identity && resource.identity === null;
    if (isNew) {
      await createManagedIdentity(tx, { ...identity, displayName: resource.name, resourceKey: resource.key }, stamp);
    }
    const changed = {
      ...resource,
      sku: settings.sku,
      tags: tags ? JSON.stringify(tags) : resource.tags,
      identity: identity === null ? null : isNew ? JSON.stringify(identityOf(identity)) : resource.identity,
    };
    await updateResource(tx, changed, input.by, stamp);
    await recordChange(tx, input.context, {
      registryId: registry.id,
      kind: 'registry.updated',
      stamp,
      details: {
        ...switches,
        ...(tags ? { tags } : {}),
        ...(identity === undefined ? {} : { identity: identity !== null }),
        ...(input.asDefault ? { default: true } : {}),
      },
    });
  },
};

/**
 * Deletes a registry: nothing answers under its name any more, its identity and the roles at it are gone; its other rows
 * stay until they are collected. Throws `not-found`, `precondition-failed`, and by the rule `default-registry`.
 */
export const deleteRegistry: TransactionDefinition<
  NamedRegistry & { context: RequestContext; conditions: Conditions },
  void
> = {
  name: 'content/delete-registry',
  async run(tx, input) {
    await tx.first(lockDeployment, {});
    const { registry, resource } = await lockBoth(tx, input, input.conditions);
    if (registry.is_default === 1) {
      throw registryFault(
        'not-permitted',
        'default-registry',
        `"${input.name}" is the registry of the plain listener; make another one that first: berth registry update NAME --default`,
      );
    }
    const stamp = tx.stamp();
    await tx.run(retireRegistry, { id: registry.id, now: tx.now, stamp });
    await removeManagedIdentity(tx, resource.key);
    await forgetAssignmentsWithin(tx, resource.key);
    await deleteResource(tx, resource.key);
    await recordChange(tx, input.context, {
      registryId: registry.id,
      kind: 'registry.deleted',
      stamp,
      details: { name: input.name },
    });
  },
};

/** The group to make a registry in, held so that it cannot be deleted meanwhile. */
async function groupOf(tx: SqlTransaction, key: string | null): Promise<{ key: string; name: string }> {
  const wanted = key ?? (await tx.first(firstResourceGroup, {}))?.key;
  const group = wanted === undefined ? undefined : await tx.first(holdResourceGroup, { key: wanted });
  if (!group || group.provisioning_state === 'Deleted')
    throw registryFault('not-found', 'group-unknown', `there is no resource group "${wanted ?? ''}"`);
  if (group.provisioning_state === 'Deleting')
    throw registryFault('conflict', 'group-deleting', `the resource group "${group.name}" is being deleted`);
  return group;
}

async function regionOf(tx: SqlTransaction, text: string | null): Promise<string> {
  const regions = (await tx.all(regionNames, {})).map((region) => region.name);
  const name = text === null ? regions[0] : regions.find((region) => region === normalLocation(text));
  if (name === undefined) {
    const message = `there is no region "${text ?? ''}" here; there is ${regions.join(', ')}`;
    throw registryFault('request-invalid', 'location-unknown', message, 'location');
  }
  return name;
}

async function lockBoth(
  tx: SqlTransaction,
  { name, resourceKey }: NamedRegistry,
  conditions: Conditions,
): Promise<{ registry: RegistryRecord; resource: ResourceRow }> {
  const registry = await tx.first(lockRegistry, { name });
  if (!registry || (resourceKey !== null && registry.resource_key !== resourceKey))
    throw new Fault('not-found', `there is no registry named "${name}"`);
  const resource = await tx.first(lockResource, { key: registry.resource_key });
  if (!resource) throw new Error(`a registry without its resource: ${name}`);
  requireConditions(conditions, resource.etag);
  return { registry, resource };
}

type Switches = Omit<RegistrySettings, 'tags' | 'identity'>;

function settingsOf(row: RegistryRecord): Switches {
  return {
    sku: row.sku,
    adminEnabled: row.admin_enabled === 1,
    anonymousPull: row.anonymous_pull === 1,
    armTokens: row.arm_tokens === 1,
    exportAllowed: row.export_allowed === 1,
    roleMode: row.role_mode,
  };
}

function switchesOf(settings: Omit<Switches, 'sku'>) {
  return {
    adminEnabled: Number(settings.adminEnabled),
    anonymousPull: Number(settings.anonymousPull),
    armTokens: Number(settings.armTokens),
    exportAllowed: Number(settings.exportAllowed),
    roleMode: settings.roleMode,
  };
}

/** The identity of a resource as its row has it. */
function identityOf(ids: IdentityIds): Readonly<Record<string, unknown>> {
  return { type: 'SystemAssigned', principalId: ids.objectId };
}
