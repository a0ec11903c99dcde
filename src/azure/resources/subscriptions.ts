import { subscriptionNotFound } from '../arm/errors.ts';
import type { ArmCall, ArmOperationHandler } from '../arm/provider.ts';
import type { Visibility } from './visibility.ts';

/** The operations on what Berth has one of: tenant, subscription, region. */
export function subscriptionOperations(options: {
  readonly domain: string;
  readonly tenantId: string;
  readonly subscriptionId: string;
  readonly region: string;
  readonly visibility: Visibility;
}): Record<string, ArmOperationHandler> {
  const { domain, tenantId, subscriptionId, region, visibility } = options;
  const subscription = {
    id: `/subscriptions/${subscriptionId}`,
    authorizationSource: 'RoleBased',
    managedByTenants: [],
    subscriptionId,
    tenantId,
    displayName: 'Berth',
    state: 'Enabled',
  };
  const displayName = displayNameOf(region);
  const location = {
    id: `/subscriptions/${subscriptionId}/locations/${region}`,
    name: region,
    type: 'Region',
    displayName,
    regionalDisplayName: displayName,
    metadata: { regionType: 'Physical', regionCategory: 'Recommended' },
  };
  const visibleTo = async (call: ArmCall): Promise<void> => {
    if (!(await visibility.subscription(call.subject.objectId))) throw subscriptionNotFound(subscriptionId);
  };

  return {
    Subscriptions_List: {
      action: null,
      async run(call) {
        const value = (await visibility.subscription(call.subject.objectId)) ? [subscription] : [];
        return { status: 200, body: { value, count: { type: 'Total', value: value.length } } };
      },
    },
    Subscriptions_Get: {
      action: null,
      async run(call) {
        await visibleTo(call);
        return { status: 200, body: subscription };
      },
    },
    Subscriptions_ListLocations: {
      action: null,
      async run(call) {
        await visibleTo(call);
        return { status: 200, body: { value: [location] } };
      },
    },
    // Who has signed in is of the tenant.
    Tenants_List: {
      action: null,
      run: async () => ({
        status: 200,
        body: {
          value: [
            {
              id: `/tenants/${tenantId}`,
              tenantId,
              displayName: 'Berth',
              defaultDomain: domain,
              domains: [domain],
              tenantCategory: 'Home',
            },
          ],
        },
      }),
    },
  };
}

/** The name of a region for people: its own, with a capital. */
export function displayNameOf(region: string): string {
  return region.charAt(0).toUpperCase() + region.slice(1);
}
