import {
  createResource,
  deleteResource,
  lockDeployment,
  type RequestContext,
  type ResourceAuthor,
  recordChange,
} from '../../data/index.ts';
import { Fault } from '../../kernel/index.ts';
import type { TransactionDefinition } from '../../ports/index.ts';
import {
  type Deployment,
  defaultRegistry,
  deploymentRow,
  firstResourceGroup,
  insertDeployment,
  insertRegion,
  insertRegistry,
  insertResourceGroup,
  registryByName,
  retireRegistry,
  updateRegistry,
} from '../store/registry-store.ts';

/** Writes down whose database this is, with its subscription and first resource group, once. Answers what holds. */
export const foundDeployment: TransactionDefinition<
  {
    id: string;
    incarnation: string;
    tenantId: string;
    subscriptionId: string;
    resourceGroup: string;
    regionOrdinal: number;
    regionName: string;
  },
  Deployment
> = {
  name: 'content/found-deployment',
  async run(tx, input) {
    const known = await tx.first(deploymentRow, {});
    if (known) return known;
    // Of two hosts that start at once, one makes the region's row; the other waits here and then finds what was founded.
    const founded = await tx.run(insertRegion, { ordinal: input.regionOrdinal, name: input.regionName, now: tx.now });
    if (founded > 0) {
      const { id, incarnation, tenantId, subscriptionId } = input;
      await tx.run(insertDeployment, { id, incarnation, tenantId, subscriptionId, now: tx.now });
      await tx.run(insertResourceGroup, {
        key: input.resourceGroup.toLowerCase(),
        name: input.resourceGroup,
        location: input.regionName,
        now: tx.now,
        stamp: tx.stamp(),
      });
    }
    const row = await tx.first(deploymentRow, {});
    if (!row) throw new Error('a region without a deployment');
    return row;
  },
};

/** The type of a registry for the resource manager. */
export const registryType = 'Microsoft.ContainerRegistry/registries';

/** What a new registry is told. The first one becomes the default of the plain listener. */
export interface NewRegistry {
  readonly context: RequestContext;
  readonly name: string;
  readonly sku: 'Basic' | 'Standard' | 'Premium';
  readonly adminEnabled: boolean;
  readonly anonymousPull: boolean;
  /** Who makes it, as the resource manager tells it. */
  readonly by: ResourceAuthor;
  /** When set, nothing happens if there is a default registry already. */
  readonly onlyAsDefault: boolean;
}

/** Creates a registry. Throws `conflict` when the name is taken. Answers null when `onlyAsDefault` found one. */
export const createRegistry: TransactionDefinition<NewRegistry, { id: number } | null> = {
  name: 'content/create-registry',
  async run(tx, input) {
    await tx.first(lockDeployment, {});
    const first = await tx.first(defaultRegistry, {});
    if (first && input.onlyAsDefault) return null;
    const stamp = tx.stamp();
    const group = await tx.first(firstResourceGroup, {});
    if (!group) throw new Error('a deployment without a resource group');
    const deployment = await tx.first(deploymentRow, {});
    if (!deployment) throw new Error('a resource group without a deployment');
    const id = `/subscriptions/${deployment.subscription_id}/resourceGroups/${group.name}/providers/${registryType}/${input.name}`;
    const row = await tx.first(insertRegistry, {
      name: input.name,
      resourceGroup: group.key,
      resourceKey: id.toLowerCase(),
      sku: input.sku,
      adminEnabled: input.adminEnabled ? 1 : 0,
      anonymousPull: input.anonymousPull ? 1 : 0,
      isDefault: first ? 0 : 1,
      now: tx.now,
      stamp,
    });
    if (!row) throw new Fault('conflict', `the registry "${input.name}" exists already`);
    await createResource(
      tx,
      {
        id,
        type: registryType,
        groupKey: group.key,
        name: input.name,
        location: group.location,
        tags: {},
        sku: input.sku,
        identity: null,
        properties: {},
        provisioningState: 'Succeeded',
        by: input.by,
      },
      stamp,
    );
    await recordChange(tx, input.context, {
      registryId: row.id,
      kind: 'registry.created',
      stamp,
      details: { name: input.name, sku: input.sku },
    });
    return { id: row.id };
  },
};

/** Changes the switches of a registry. Throws `not-found`. */
export const changeRegistry: TransactionDefinition<
  { context: RequestContext; name: string; adminEnabled?: boolean; anonymousPull?: boolean },
  void
> = {
  name: 'content/change-registry',
  async run(tx, input) {
    const registry = await tx.first(registryByName, { name: input.name });
    if (!registry) throw new Fault('not-found', `there is no registry named "${input.name}"`);
    const stamp = tx.stamp();
    await tx.run(updateRegistry, {
      id: registry.id,
      adminEnabled: asNumber(input.adminEnabled),
      anonymousPull: asNumber(input.anonymousPull),
      stamp,
    });
    await recordChange(tx, input.context, {
      registryId: registry.id,
      kind: 'registry.updated',
      stamp,
      details: { adminEnabled: input.adminEnabled, anonymousPull: input.anonymousPull },
    });
  },
};

function asNumber(value: boolean | undefined): number | null {
  return value === undefined ? null : Number(value);
}

/** Deletes a registry: nothing answers under its name any more; its rows stay until they are collected. */
export const deleteRegistry: TransactionDefinition<{ context: RequestContext; name: string }, void> = {
  name: 'content/delete-registry',
  async run(tx, input) {
    const registry = await tx.first(registryByName, { name: input.name });
    if (!registry) throw new Fault('not-found', `there is no registry named "${input.name}"`);
    if (registry.is_default === 1) {
      throw new Fault('not-permitted', `"${input.name}" is the registry of the plain listener and cannot be deleted`);
    }
    const stamp = tx.stamp();
    await tx.run(retireRegistry, { id: registry.id, now: tx.now, stamp });
    await deleteResource(tx, registry.resource_key);
    await recordChange(tx, input.context, {
      registryId: registry.id,
      kind: 'registry.deleted',
      stamp,
      details: { name: input.name },
    });
  },
};
