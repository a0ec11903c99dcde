import type { TransactionDefinition } from '../../ports/index.ts';
import {
  type Deployment,
  deploymentRow,
  insertDeployment,
  insertRegion,
  insertResourceGroup,
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
