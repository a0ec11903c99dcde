import type { Directory } from '../../identity/index.ts';
import type { Ids } from '../../kernel/index.ts';
import type { Database } from '../../ports/index.ts';
import type { ResourceProvider } from '../arm/provider.ts';
import { type GroupDeletion, groupDeletion } from './group-deletion.ts';
import { groupOperations } from './groups.ts';
import { namespaceOperations } from './namespaces.ts';
import { resourceListOperations } from './resource-list.ts';
import { subscriptionOperations } from './subscriptions.ts';
import { visibilityOf } from './visibility.ts';

/**
 * Microsoft.Resources: tenant, subscription, region, providers, groups, and the lists over all types. `others` are the
 * providers beside it, whose types it lists and removes with their groups.
 */
export function resourcesProvider(options: {
  readonly database: Database;
  readonly directory: Directory;
  readonly ids: Ids;
  readonly domain: string;
  readonly tenantId: string;
  readonly subscriptionId: string;
  readonly region: string;
  readonly others: readonly ResourceProvider[];
  draining(): boolean;
  failedLater(error: unknown): void;
}): ResourceProvider & { readonly deletion: GroupDeletion } {
  const { others } = options;
  const visibility = visibilityOf(options);
  const types = new Map(
    others.flatMap(({ namespace, resourceTypes }) =>
      resourceTypes.map(({ type }) => [`${namespace}/${type}`.toLowerCase(), `${namespace}/${type}`] as const),
    ),
  );
  const removers = new Map(
    others.flatMap(({ namespace, removers: own = {} }) =>
      Object.entries(own).map(([type, remover]) => [`${namespace}/${type}`.toLowerCase(), remover] as const),
    ),
  );
  const deletion = groupDeletion({ ...options, removers });
  const apiVersions = ['2024-11-01', '2022-12-01', '2021-04-01', '2016-02-01'];
  const provider: ResourceProvider & { readonly deletion: GroupDeletion } = {
    namespace: 'Microsoft.Resources',
    resourceTypes: [
      { type: 'tenants', apiVersions },
      { type: 'subscriptions', apiVersions },
      { type: 'subscriptions/locations', apiVersions },
      { type: 'subscriptions/providers', apiVersions },
      { type: 'subscriptions/resourceGroups', apiVersions },
      { type: 'subscriptions/resources', apiVersions },
      { type: 'subscriptions/resourcegroups/resources', apiVersions },
      { type: 'resourceGroups', apiVersions },
      { type: 'resources', apiVersions },
    ],
    operations: {
      ...subscriptionOperations({ ...options, visibility }),
      ...namespaceOperations({ ...options, providers: () => [...others, provider] }),
      ...groupOperations({ ...options, visibility, deletion }),
      ...resourceListOperations({ ...options, visibility, types }),
    },
    deletion,
  };
  return provider;
}
