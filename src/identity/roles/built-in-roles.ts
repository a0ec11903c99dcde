/** What a role allows, and where data rights of it count (ACR-FACTS §5.1). */
export interface Role {
  /** The GUID that Azure gives the role everywhere. */
  readonly id: string;
  readonly name: string;
  readonly permissions: readonly RolePermissions[];
}

/** The four lists of a role definition. */
export interface RolePermissions {
  readonly actions: readonly string[];
  readonly notActions: readonly string[];
  readonly dataActions: readonly string[];
  readonly notDataActions: readonly string[];
}

/** The built-in roles that Berth knows, with the ids and rights that Azure publishes. */
export const builtInRoles: readonly Role[] = [
  {
    id: '7f951dda-4ed3-4680-a7ca-43fe172d538d',
    name: 'AcrPull',
    permissions: [
      {
        actions: ['Microsoft.ContainerRegistry/registries/pull/read'],
        notActions: [],
        dataActions: [],
        notDataActions: [],
      },
    ],
  },
  {
    id: '8311e382-0749-4cb8-b61a-304f252e45ec',
    name: 'AcrPush',
    permissions: [
      {
        actions: [
          'Microsoft.ContainerRegistry/registries/pull/read',
          'Microsoft.ContainerRegistry/registries/push/write',
        ],
        notActions: [],
        dataActions: [],
        notDataActions: [],
      },
    ],
  },
  {
    id: 'c2f4ef07-c644-48eb-af81-4b1b4947fb11',
    name: 'AcrDelete',
    permissions: [
      {
        actions: ['Microsoft.ContainerRegistry/registries/artifacts/delete'],
        notActions: [],
        dataActions: [],
        notDataActions: [],
      },
    ],
  },
  {
    id: '6cef56e8-d556-48e5-a04f-b8e64114680f',
    name: 'AcrImageSigner',
    permissions: [
      {
        actions: ['Microsoft.ContainerRegistry/registries/sign/write'],
        notActions: [],
        dataActions: ['Microsoft.ContainerRegistry/registries/trustedCollections/write'],
        notDataActions: [],
      },
    ],
  },
  {
    id: 'cdda3590-29a3-44f6-95f2-9f980659eb04',
    name: 'AcrQuarantineReader',
    permissions: [
      {
        actions: ['Microsoft.ContainerRegistry/registries/quarantine/read'],
        notActions: [],
        dataActions: ['Microsoft.ContainerRegistry/registries/quarantinedArtifacts/read'],
        notDataActions: [],
      },
    ],
  },
  {
    id: 'c8d4ff99-41c3-41a8-9f60-21dfdad59608',
    name: 'AcrQuarantineWriter',
    permissions: [
      {
        actions: [
          'Microsoft.ContainerRegistry/registries/quarantine/read',
          'Microsoft.ContainerRegistry/registries/quarantine/write',
        ],
        notActions: [],
        dataActions: [
          'Microsoft.ContainerRegistry/registries/quarantinedArtifacts/read',
          'Microsoft.ContainerRegistry/registries/quarantinedArtifacts/write',
        ],
        notDataActions: [],
      },
    ],
  },
  {
    id: 'b93aa761-3e63-49ed-ac28-beffa264f7ac',
    name: 'Container Registry Repository Reader',
    permissions: [
      {
        actions: [],
        notActions: [],
        dataActions: [
          'Microsoft.ContainerRegistry/registries/repositories/metadata/read',
          'Microsoft.ContainerRegistry/registries/repositories/content/read',
        ],
        notDataActions: [],
      },
    ],
  },
  {
    id: '2a1e307c-b015-4ebd-883e-5b7698a07328',
    name: 'Container Registry Repository Writer',
    permissions: [
      {
        actions: [],
        notActions: [],
        dataActions: [
          'Microsoft.ContainerRegistry/registries/repositories/metadata/read',
          'Microsoft.ContainerRegistry/registries/repositories/content/read',
          'Microsoft.ContainerRegistry/registries/repositories/metadata/write',
          'Microsoft.ContainerRegistry/registries/repositories/content/write',
        ],
        notDataActions: [],
      },
    ],
  },
  {
    id: '2efddaa5-3f1f-4df3-97df-af3f13818f4c',
    name: 'Container Registry Repository Contributor',
    permissions: [
      {
        actions: [],
        notActions: [],
        dataActions: [
          'Microsoft.ContainerRegistry/registries/repositories/metadata/read',
          'Microsoft.ContainerRegistry/registries/repositories/content/read',
          'Microsoft.ContainerRegistry/registries/repositories/metadata/write',
          'Microsoft.ContainerRegistry/registries/repositories/content/write',
          'Microsoft.ContainerRegistry/registries/repositories/metadata/delete',
          'Microsoft.ContainerRegistry/registries/repositories/content/delete',
        ],
        notDataActions: [],
      },
    ],
  },
  {
    id: 'bfdb9389-c9a5-478a-bb2f-ba9ca092c3c7',
    name: 'Container Registry Repository Catalog Lister',
    permissions: [
      {
        actions: [],
        notActions: [],
        dataActions: ['Microsoft.ContainerRegistry/registries/catalog/read'],
        notDataActions: [],
      },
    ],
  },
  {
    id: '577a9874-89fd-4f24-9dbd-b5034d0ad23a',
    name: 'Container Registry Data Importer and Data Reader',
    permissions: [
      {
        actions: [
          'Microsoft.ContainerRegistry/registries/importImage/action',
          'Microsoft.ContainerRegistry/registries/read',
          'Microsoft.ContainerRegistry/registries/pull/read',
        ],
        notActions: [],
        dataActions: [
          'Microsoft.ContainerRegistry/registries/repositories/content/read',
          'Microsoft.ContainerRegistry/registries/repositories/metadata/read',
          'Microsoft.ContainerRegistry/registries/catalog/read',
        ],
        notDataActions: [],
      },
    ],
  },
  {
    id: 'c357b964-0002-4b64-a50d-7a28f02edc52',
    name: 'Container Registry Cache Rule Reader',
    permissions: [
      {
        actions: ['Microsoft.ContainerRegistry/registries/cacheRules/read'],
        notActions: [],
        dataActions: [],
        notDataActions: [],
      },
    ],
  },
  {
    id: 'df87f177-bb12-4db1-9793-a413691eff94',
    name: 'Container Registry Cache Rule Administrator',
    permissions: [
      {
        actions: [
          'Microsoft.ContainerRegistry/registries/cacheRules/read',
          'Microsoft.ContainerRegistry/registries/cacheRules/write',
          'Microsoft.ContainerRegistry/registries/cacheRules/delete',
          'Microsoft.ContainerRegistry/registries/cacheRules/operationStatuses/read',
        ],
        notActions: [],
        dataActions: [],
        notDataActions: [],
      },
    ],
  },
  {
    id: '29093635-9924-4f2c-913b-650a12949526',
    name: 'Container Registry Credential Set Reader',
    permissions: [
      {
        actions: ['Microsoft.ContainerRegistry/registries/credentialSets/read'],
        notActions: [],
        dataActions: [],
        notDataActions: [],
      },
    ],
  },
  {
    id: 'f094fb07-0703-4400-ad6a-e16dd8000e14',
    name: 'Container Registry Credential Set Administrator',
    permissions: [
      {
        actions: [
          'Microsoft.ContainerRegistry/registries/credentialSets/read',
          'Microsoft.ContainerRegistry/registries/credentialSets/write',
          'Microsoft.ContainerRegistry/registries/credentialSets/delete',
          'Microsoft.ContainerRegistry/registries/credentialSets/operationStatuses/read',
        ],
        notActions: [],
        dataActions: [],
        notDataActions: [],
      },
    ],
  },
  {
    id: '69b07be0-09bf-439a-b9a6-e73de851bd59',
    name: 'Container Registry Configuration Reader and Data Access Configuration Reader',
    permissions: [
      {
        actions: [
          'Microsoft.ContainerRegistry/registries/operationStatuses/read',
          'Microsoft.ContainerRegistry/registries/read',
          'Microsoft.ContainerRegistry/registries/privateEndpointConnections/read',
          'Microsoft.ContainerRegistry/registries/privateEndpointConnections/operationStatuses/read',
          'Microsoft.ContainerRegistry/registries/listCredentials/action',
          'Microsoft.ContainerRegistry/registries/tokens/read',
          'Microsoft.ContainerRegistry/registries/tokens/operationStatuses/read',
          'Microsoft.ContainerRegistry/registries/scopeMaps/read',
          'Microsoft.ContainerRegistry/registries/scopeMaps/operationStatuses/read',
          'Microsoft.ContainerRegistry/registries/webhooks/read',
          'Microsoft.ContainerRegistry/registries/webhooks/getCallbackConfig/action',
          'Microsoft.ContainerRegistry/registries/webhooks/listEvents/action',
          'Microsoft.ContainerRegistry/registries/webhooks/operationStatuses/read',
          'Microsoft.ContainerRegistry/registries/replications/read',
          'Microsoft.ContainerRegistry/registries/replications/operationStatuses/read',
          'Microsoft.ContainerRegistry/registries/connectedRegistries/read',
          'Microsoft.ContainerRegistry/registries/providers/Microsoft.Insights/diagnosticSettings/read',
          'Microsoft.ContainerRegistry/registries/providers/Microsoft.Insights/diagnosticSettings/write',
          'Microsoft.ContainerRegistry/registries/providers/Microsoft.Insights/logDefinitions/read',
          'Microsoft.ContainerRegistry/registries/providers/Microsoft.Insights/metricDefinitions/read',
        ],
        notActions: [],
        dataActions: [],
        notDataActions: [],
      },
    ],
  },
  {
    id: '3bc748fc-213d-45c1-8d91-9da5725539b9',
    name: 'Container Registry Contributor and Data Access Configuration Administrator',
    permissions: [
      {
        actions: [
          'Microsoft.Resources/subscriptions/resourceGroups/read',
          'Microsoft.ContainerRegistry/registries/operationStatuses/read',
          'Microsoft.ContainerRegistry/registries/read',
          'Microsoft.ContainerRegistry/registries/write',
          'Microsoft.ContainerRegistry/registries/delete',
          'Microsoft.ContainerRegistry/registries/listCredentials/action',
          'Microsoft.ContainerRegistry/registries/regenerateCredential/action',
          'Microsoft.ContainerRegistry/registries/generateCredentials/action',
          'Microsoft.ContainerRegistry/registries/replications/read',
          'Microsoft.ContainerRegistry/registries/replications/write',
          'Microsoft.ContainerRegistry/registries/replications/delete',
          'Microsoft.ContainerRegistry/registries/replications/operationStatuses/read',
          'Microsoft.ContainerRegistry/registries/privateEndpointConnectionsApproval/action',
          'Microsoft.ContainerRegistry/registries/privateEndpointConnections/read',
          'Microsoft.ContainerRegistry/registries/privateEndpointConnections/write',
          'Microsoft.ContainerRegistry/registries/privateEndpointConnections/delete',
          'Microsoft.ContainerRegistry/registries/privateEndpointConnections/operationStatuses/read',
          'Microsoft.ContainerRegistry/registries/tokens/read',
          'Microsoft.ContainerRegistry/registries/tokens/write',
          'Microsoft.ContainerRegistry/registries/tokens/delete',
          'Microsoft.ContainerRegistry/registries/tokens/operationStatuses/read',
          'Microsoft.ContainerRegistry/registries/scopeMaps/read',
          'Microsoft.ContainerRegistry/registries/scopeMaps/write',
          'Microsoft.ContainerRegistry/registries/scopeMaps/delete',
          'Microsoft.ContainerRegistry/registries/scopeMaps/operationStatuses/read',
          'Microsoft.ContainerRegistry/registries/webhooks/ping/action',
          'Microsoft.ContainerRegistry/registries/webhooks/listEvents/action',
          'Microsoft.ContainerRegistry/registries/webhooks/operationStatuses/read',
          'Microsoft.ContainerRegistry/locations/operationResults/read',
        ],
        notActions: [],
        dataActions: [],
        notDataActions: [],
      },
    ],
  },
  {
    id: 'fb382eab-e894-4461-af04-94435c366c3f',
    name: 'Container Registry Tasks Contributor',
    permissions: [
      {
        // The published list was not at hand: these are the operations that its description names.
        actions: [
          'Microsoft.ContainerRegistry/registries/agentPools/read',
          'Microsoft.ContainerRegistry/registries/agentPools/write',
          'Microsoft.ContainerRegistry/registries/agentPools/delete',
          'Microsoft.ContainerRegistry/registries/agentPools/listQueueStatus/action',
          'Microsoft.ContainerRegistry/registries/tasks/read',
          'Microsoft.ContainerRegistry/registries/tasks/write',
          'Microsoft.ContainerRegistry/registries/tasks/delete',
          'Microsoft.ContainerRegistry/registries/tasks/listDetails/action',
          'Microsoft.ContainerRegistry/registries/taskRuns/read',
          'Microsoft.ContainerRegistry/registries/taskRuns/write',
          'Microsoft.ContainerRegistry/registries/taskRuns/delete',
          'Microsoft.ContainerRegistry/registries/taskRuns/listDetails/action',
          'Microsoft.ContainerRegistry/registries/runs/read',
          'Microsoft.ContainerRegistry/registries/runs/write',
          'Microsoft.ContainerRegistry/registries/runs/listLogSasUrl/action',
          'Microsoft.ContainerRegistry/registries/runs/cancel/action',
          'Microsoft.ContainerRegistry/registries/scheduleRun/action',
          'Microsoft.ContainerRegistry/registries/listBuildSourceUploadUrl/action',
        ],
        notActions: [],
        dataActions: [],
        notDataActions: [],
      },
    ],
  },
  {
    id: 'bf94e731-3a51-4a7c-8c54-a1ab9971dfc1',
    name: 'Container Registry Transfer Pipeline Contributor',
    permissions: [
      {
        // As above.
        actions: [
          'Microsoft.ContainerRegistry/registries/importPipelines/read',
          'Microsoft.ContainerRegistry/registries/importPipelines/write',
          'Microsoft.ContainerRegistry/registries/importPipelines/delete',
          'Microsoft.ContainerRegistry/registries/exportPipelines/read',
          'Microsoft.ContainerRegistry/registries/exportPipelines/write',
          'Microsoft.ContainerRegistry/registries/exportPipelines/delete',
          'Microsoft.ContainerRegistry/registries/pipelineRuns/read',
          'Microsoft.ContainerRegistry/registries/pipelineRuns/write',
          'Microsoft.ContainerRegistry/registries/pipelineRuns/delete',
        ],
        notActions: [],
        dataActions: [],
        notDataActions: [],
      },
    ],
  },
  {
    id: '8e3af657-a8ff-443c-a75c-2fe8c4bcb635',
    name: 'Owner',
    permissions: [
      {
        actions: ['*'],
        notActions: [],
        dataActions: [],
        notDataActions: [],
      },
    ],
  },
  {
    id: 'b24988ac-6180-42a0-ab88-20f7382dd24c',
    name: 'Contributor',
    permissions: [
      {
        actions: ['*'],
        notActions: [
          'Microsoft.Authorization/*/Delete',
          'Microsoft.Authorization/*/Write',
          'Microsoft.Authorization/elevateAccess/Action',
        ],
        dataActions: [],
        notDataActions: [],
      },
    ],
  },
  {
    id: 'acdd72a7-3385-48ef-bd42-f606fba81ae7',
    name: 'Reader',
    permissions: [
      {
        actions: ['*/read'],
        notActions: [],
        dataActions: [],
        notDataActions: [],
      },
    ],
  },
  {
    id: '18d7d88d-d35e-4fb5-a5c3-7773c20a72d9',
    name: 'User Access Administrator',
    permissions: [
      {
        actions: ['*/read', 'Microsoft.Authorization/*', 'Microsoft.Support/*'],
        notActions: [],
        dataActions: [],
        notDataActions: [],
      },
    ],
  },
  {
    id: 'f58310d9-a9f6-439a-9e8d-f62e7b41a168',
    name: 'Role Based Access Control Administrator',
    permissions: [
      {
        actions: [
          'Microsoft.Authorization/roleAssignments/write',
          'Microsoft.Authorization/roleAssignments/delete',
          '*/read',
          'Microsoft.Support/*',
        ],
        notActions: [],
        dataActions: [],
        notDataActions: [],
      },
    ],
  },
  {
    id: 'f1a07417-d97a-45cb-824c-7a7467783830',
    name: 'Managed Identity Operator',
    permissions: [
      {
        actions: [
          'Microsoft.ManagedIdentity/userAssignedIdentities/*/read',
          'Microsoft.ManagedIdentity/userAssignedIdentities/*/assign/action',
        ],
        notActions: [],
        dataActions: [],
        notDataActions: [],
      },
    ],
  },
];

const byId = new Map(builtInRoles.map((role) => [role.id, role]));

/** The role of a GUID, in any case. */
export function roleById(id: string): Role | undefined {
  return byId.get(id.toLowerCase());
}
