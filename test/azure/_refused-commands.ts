/**
 * Commands that this version refuses, each with arguments that could be right, and what the answer says. Words in capitals
 * are put in by the test. Where the answer is the name of an operation, it says that this one is not there yet.
 */
export const refusedCommands: readonly (readonly [line: string, says: string])[] = [
  [
    'account lock create -n lock1 -t CanNotDelete',
    "(InvalidResourceType) The namespace 'Microsoft.Authorization' has no resource type at this path",
  ],
  [
    'account lock delete -n lock1',
    "(InvalidResourceType) The namespace 'Microsoft.Authorization' has no resource type at this path",
  ],
  [
    'account lock list',
    "(InvalidResourceType) The namespace 'Microsoft.Authorization' has no resource type at this path",
  ],
  [
    'account lock show -n lock1',
    "(InvalidResourceType) The namespace 'Microsoft.Authorization' has no resource type at this path",
  ],
  [
    'account lock update -n lock1 --notes x',
    "(InvalidResourceType) The namespace 'Microsoft.Authorization' has no resource type at this path",
  ],
  [
    'account management-group check-name-availability -n mg1',
    "(InvalidResourceNamespace) The resource namespace 'Microsoft.Management' is invalid",
  ],
  [
    'account management-group create -n mg1',
    "(InvalidResourceNamespace) The resource namespace 'Microsoft.Management' is invalid",
  ],
  [
    'account management-group delete -n mg1',
    "(InvalidResourceNamespace) The resource namespace 'Microsoft.Management' is invalid",
  ],
  [
    'account management-group entities list',
    "(InvalidResourceNamespace) The resource namespace 'Microsoft.Management' is invalid",
  ],
  [
    'account management-group hierarchy-settings create -n mg1 -m true',
    "(InvalidResourceNamespace) The resource namespace 'Microsoft.Management' is invalid",
  ],
  [
    'account management-group hierarchy-settings delete -n mg1 -y',
    "(InvalidResourceNamespace) The resource namespace 'Microsoft.Management' is invalid",
  ],
  [
    'account management-group hierarchy-settings list -n mg1',
    "(InvalidResourceNamespace) The resource namespace 'Microsoft.Management' is invalid",
  ],
  [
    'account management-group hierarchy-settings update -n mg1 -m true',
    "(InvalidResourceNamespace) The resource namespace 'Microsoft.Management' is invalid",
  ],
  [
    'account management-group list',
    "(InvalidResourceNamespace) The resource namespace 'Microsoft.Management' is invalid",
  ],
  [
    'account management-group show -n mg1',
    "(InvalidResourceNamespace) The resource namespace 'Microsoft.Management' is invalid",
  ],
  [
    'account management-group subscription add -n mg1 -s SUBSCRIPTION',
    "(InvalidResourceNamespace) The resource namespace 'Microsoft.Management' is invalid",
  ],
  [
    'account management-group subscription remove -n mg1 -s SUBSCRIPTION',
    "(InvalidResourceNamespace) The resource namespace 'Microsoft.Management' is invalid",
  ],
  [
    'account management-group subscription show -n mg1 -s SUBSCRIPTION',
    "(InvalidResourceNamespace) The resource namespace 'Microsoft.Management' is invalid",
  ],
  [
    'account management-group subscription show-sub-under-mg -n mg1',
    "(InvalidResourceNamespace) The resource namespace 'Microsoft.Management' is invalid",
  ],
  [
    'account management-group tenant-backfill get',
    "(InvalidResourceNamespace) The resource namespace 'Microsoft.Management' is invalid",
  ],
  [
    'account management-group tenant-backfill start',
    "(InvalidResourceNamespace) The resource namespace 'Microsoft.Management' is invalid",
  ],
  [
    'account management-group update -n mg1 -d x',
    "(InvalidResourceNamespace) The resource namespace 'Microsoft.Management' is invalid",
  ],
  ['acr agentpool create -r REGISTRY -n pool1', 'Microsoft.ContainerRegistry AgentPools_Create'],
  ['acr agentpool delete -r REGISTRY -n pool1 -y', 'Microsoft.ContainerRegistry AgentPools_Delete'],
  ['acr agentpool list -r PREMIUM', 'Microsoft.ContainerRegistry AgentPools_List'],
  ['acr agentpool show -r REGISTRY -n pool1', 'Microsoft.ContainerRegistry AgentPools_Get'],
  ['acr agentpool update -r REGISTRY -n pool1 -c 2', 'Microsoft.ContainerRegistry AgentPools_Update'],
  ['acr artifact-streaming create -n REGISTRY -t app:v1', 'Artifact streaming is not there yet'],
  [
    'acr artifact-streaming operation cancel -n REGISTRY --repository app --id 1',
    'Artifact streaming is not there yet',
  ],
  ['acr artifact-streaming operation show -n REGISTRY --repository app --id 1', 'Artifact streaming is not there yet'],
  ['acr artifact-streaming show -n REGISTRY --repository app', 'Artifact streaming is not there yet'],
  [
    'acr artifact-streaming update -n REGISTRY --repository app --enable-streaming true',
    'Artifact streaming is not there yet',
  ],
  ['acr build -r REGISTRY FOLDER', 'Microsoft.ContainerRegistry Registries_GetBuildSourceUploadUrl'],
  [
    'acr cache create -r REGISTRY -n rule1 -s docker.io/library/nginx -t nginx',
    'Microsoft.ContainerRegistry CacheRules_Create',
  ],
  ['acr cache delete -r REGISTRY -n rule1 -y', 'Microsoft.ContainerRegistry CacheRules_Delete'],
  ['acr cache list -r REGISTRY', 'Microsoft.ContainerRegistry CacheRules_List'],
  ['acr cache show -r REGISTRY -n rule1', 'Microsoft.ContainerRegistry CacheRules_Get'],
  ['acr cache update -r REGISTRY -n rule1 --remove-cred-set', 'Microsoft.ContainerRegistry CacheRules_Update'],
  [
    'acr config retention update -r PREMIUM --status enabled --days 3 --type UntaggedManifests',
    'A retention policy is not there yet',
  ],
  ['acr config soft-delete update -r PREMIUM --status enabled --days 3 -y', 'Soft delete is not there yet'],
  [
    'acr connected-registry create -r PREMIUM -n conn12 --repository app -y',
    'A dedicated data endpoint is not there yet',
  ],
  [
    'acr connected-registry deactivate -r REGISTRY -n conn1 -y',
    'Microsoft.ContainerRegistry ConnectedRegistries_Deactivate',
  ],
  ['acr connected-registry delete -r REGISTRY -n conn1 -y', 'Microsoft.ContainerRegistry ConnectedRegistries_Get'],
  [
    'acr connected-registry get-settings -r REGISTRY -n conn1 --parent-protocol https',
    'Microsoft.ContainerRegistry ConnectedRegistries_Get',
  ],
  [
    'acr connected-registry install info -r REGISTRY -n conn1 --parent-protocol https',
    'Microsoft.ContainerRegistry ConnectedRegistries_Get',
  ],
  [
    'acr connected-registry install renew-credentials -r REGISTRY -n conn1 --parent-protocol https -y',
    'Microsoft.ContainerRegistry ConnectedRegistries_Get',
  ],
  ['acr connected-registry list -r REGISTRY', 'Microsoft.ContainerRegistry ConnectedRegistries_List'],
  [
    'acr connected-registry list-client-tokens -r REGISTRY -n conn1',
    'Microsoft.ContainerRegistry ConnectedRegistries_Get',
  ],
  [
    'acr connected-registry permissions show -r REGISTRY -n conn1',
    'Microsoft.ContainerRegistry ConnectedRegistries_Get',
  ],
  [
    'acr connected-registry permissions update -r REGISTRY -n conn1 --add app',
    'Microsoft.ContainerRegistry ConnectedRegistries_List',
  ],
  [
    'acr connected-registry repo -r REGISTRY -n conn1 --add app',
    'Microsoft.ContainerRegistry ConnectedRegistries_List',
  ],
  ['acr connected-registry resync -r REGISTRY -n conn1', 'Microsoft.ContainerRegistry ConnectedRegistries_Resync'],
  ['acr connected-registry show -r REGISTRY -n conn1', 'Microsoft.ContainerRegistry ConnectedRegistries_Get'],
  [
    'acr connected-registry update -r REGISTRY -n conn1 --sync-window PT4H',
    'Microsoft.ContainerRegistry ConnectedRegistries_Get',
  ],
  [
    'acr credential-set create -r REGISTRY -n set1 -l docker.io -u https://a.vault.azure.net/secrets/u -p https://a.vault.azure.net/secrets/p',
    'Microsoft.ContainerRegistry CredentialSets_Create',
  ],
  ['acr credential-set delete -r REGISTRY -n set1 -y', 'Microsoft.ContainerRegistry CredentialSets_Delete'],
  ['acr credential-set list -r REGISTRY', 'Microsoft.ContainerRegistry CredentialSets_List'],
  ['acr credential-set show -r REGISTRY -n set1', 'Microsoft.ContainerRegistry CredentialSets_Get'],
  [
    'acr credential-set update -r REGISTRY -n set1 -u https://a.vault.azure.net/secrets/u',
    'Microsoft.ContainerRegistry CredentialSets_Get',
  ],
  [
    'acr encryption rotate-key -n PREMIUM --key-encryption-key https://a.vault.azure.net/keys/k',
    'usage error: key rotation is only applicable to registries with CMK enabled',
  ],
  ['acr helm delete -n REGISTRY chart -y', 'there is no chart repository of this old kind'],
  ['acr helm list -n REGISTRY', 'there is no chart repository of this old kind'],
  ['acr helm push -n REGISTRY FILE', 'there is no chart repository of this old kind'],
  ['acr helm show -n REGISTRY chart', 'there is no chart repository of this old kind'],
  [
    'acr import -n REGISTRY --source docker.io/library/hello-world:latest -t hello:v1',
    'Microsoft.ContainerRegistry Registries_ImportImage',
  ],
  ['acr manifest list-deleted -r REGISTRY -n app', 'Soft delete is not there yet'],
  ['acr manifest list-deleted-tags -r REGISTRY -n app', 'Soft delete is not there yet'],
  [
    'acr manifest restore -r REGISTRY -n app:v1 -d sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa -y',
    'Soft delete is not there yet',
  ],
  ['acr network-rule add -n PREMIUM --ip-address 1.2.3.4', 'A rule for addresses is not there yet'],
  [
    'acr pack build -r REGISTRY -t app:v1 --builder paketo FOLDER',
    'Microsoft.ContainerRegistry Registries_GetBuildSourceUploadUrl',
  ],
  [
    'acr private-endpoint-connection approve -r REGISTRY -n pec1',
    'Microsoft.ContainerRegistry PrivateEndpointConnections_Get',
  ],
  [
    'acr private-endpoint-connection delete -r REGISTRY -n pec1',
    'Microsoft.ContainerRegistry PrivateEndpointConnections_Delete',
  ],
  [
    'acr private-endpoint-connection reject -r REGISTRY -n pec1',
    'Microsoft.ContainerRegistry PrivateEndpointConnections_Get',
  ],
  [
    'acr private-endpoint-connection show -r REGISTRY -n pec1',
    'Microsoft.ContainerRegistry PrivateEndpointConnections_Get',
  ],
  ['acr private-link-resource list -n PREMIUM', 'Private Link is not there yet'],
  ['acr replication create -r PREMIUM -l westus', 'Microsoft.ContainerRegistry Replications_Create'],
  ['acr replication delete -r PREMIUM -n westus', 'Microsoft.ContainerRegistry Replications_Delete'],
  ['acr replication show -r PREMIUM -n westus', 'Microsoft.ContainerRegistry Replications_Get'],
  ['acr replication update -r PREMIUM -n westus --tags a=b', 'Microsoft.ContainerRegistry Replications_Update'],
  ['acr repository list-deleted -n REGISTRY', 'Soft delete is not there yet'],
  ['acr run -r REGISTRY --cmd true /dev/null', 'Microsoft.ContainerRegistry Registries_ScheduleRun'],
  [
    'acr scope-map create -r REGISTRY -n map1 --repository app content/read',
    'Microsoft.ContainerRegistry ScopeMaps_Create',
  ],
  ['acr scope-map delete -r REGISTRY -n map1 -y', 'Microsoft.ContainerRegistry ScopeMaps_Delete'],
  ['acr scope-map list -r REGISTRY', 'Microsoft.ContainerRegistry ScopeMaps_List'],
  ['acr scope-map show -r REGISTRY -n map1', 'Microsoft.ContainerRegistry ScopeMaps_Get'],
  ['acr scope-map update -r REGISTRY -n map1 --description x', 'Microsoft.ContainerRegistry ScopeMaps_Get'],
  ['acr task cancel-run -r REGISTRY --run-id ca1', 'Microsoft.ContainerRegistry Runs_Cancel'],
  ['acr task create -r REGISTRY -n task1 --cmd app:v1 -c /dev/null', 'Microsoft.ContainerRegistry Tasks_Create'],
  [
    'acr task credential add -r REGISTRY -n task1 --login-server x.io -u a -p b',
    'Microsoft.ContainerRegistry Tasks_GetDetails',
  ],
  ['acr task credential list -r REGISTRY -n task1', 'Microsoft.ContainerRegistry Tasks_GetDetails'],
  ['acr task credential remove -r REGISTRY -n task1 --login-server x.io', 'Microsoft.ContainerRegistry Tasks_Update'],
  [
    'acr task credential update -r REGISTRY -n task1 --login-server x.io -u a -p b',
    'Microsoft.ContainerRegistry Tasks_GetDetails',
  ],
  ['acr task delete -r REGISTRY -n task1 -y', 'Microsoft.ContainerRegistry Tasks_Delete'],
  ['acr task identity assign -r REGISTRY -n task1', 'Microsoft.ContainerRegistry Tasks_Update'],
  ['acr task identity remove -r REGISTRY -n task1', 'Microsoft.ContainerRegistry Tasks_GetDetails'],
  ['acr task identity show -r REGISTRY -n task1', 'Microsoft.ContainerRegistry Tasks_GetDetails'],
  ['acr task list -r REGISTRY', 'Microsoft.ContainerRegistry Tasks_List'],
  ['acr task list-runs -r REGISTRY', 'Microsoft.ContainerRegistry Runs_List'],
  ['acr task logs -r REGISTRY --run-id ca1', 'Could not get logs for ID: ca1'],
  ['acr task run -r REGISTRY -n task1', 'Microsoft.ContainerRegistry Tasks_GetDetails'],
  ['acr task show -r REGISTRY -n task1', 'Microsoft.ContainerRegistry Tasks_Get'],
  ['acr task show-run -r REGISTRY --run-id ca1', 'Microsoft.ContainerRegistry Runs_Get'],
  [
    'acr task timer add -r REGISTRY -n task1 --timer-name t1 --schedule 0,*,*,*,*',
    'Microsoft.ContainerRegistry Tasks_Update',
  ],
  ['acr task timer list -r REGISTRY -n task1', 'Microsoft.ContainerRegistry Tasks_GetDetails'],
  ['acr task timer remove -r REGISTRY -n task1 --timer-name t1', 'Microsoft.ContainerRegistry Tasks_GetDetails'],
  [
    'acr task timer update -r REGISTRY -n task1 --timer-name t1 --enabled true',
    'Microsoft.ContainerRegistry Tasks_Update',
  ],
  ['acr task update -r REGISTRY -n task1 --status Disabled', 'Microsoft.ContainerRegistry Tasks_GetDetails'],
  ['acr task update-run -r REGISTRY --run-id ca1 --no-archive false', 'Microsoft.ContainerRegistry Runs_Update'],
  ['acr taskrun delete -r REGISTRY -n run1 -y', 'Microsoft.ContainerRegistry TaskRuns_Delete'],
  ['acr taskrun list -r REGISTRY', 'Microsoft.ContainerRegistry TaskRuns_List'],
  ['acr taskrun logs -r REGISTRY -n run1', 'Microsoft.ContainerRegistry TaskRuns_Get'],
  ['acr taskrun show -r REGISTRY -n run1', 'Microsoft.ContainerRegistry TaskRuns_Get'],
  ['acr token create -r REGISTRY -n token1 --repository app content/read', 'Microsoft.ContainerRegistry ScopeMaps_Get'],
  ['acr token credential delete -r REGISTRY -n token1 --password1', 'Microsoft.ContainerRegistry Tokens_Get'],
  ['acr token credential generate -r REGISTRY -n token1', 'Microsoft.ContainerRegistry Registries_GenerateCredentials'],
  ['acr token delete -r REGISTRY -n token1 -y', 'Microsoft.ContainerRegistry Tokens_Delete'],
  ['acr token list -r REGISTRY', 'Microsoft.ContainerRegistry Tokens_List'],
  ['acr token show -r REGISTRY -n token1', 'Microsoft.ContainerRegistry Tokens_Get'],
  ['acr token update -r REGISTRY -n token1 --status disabled', 'Microsoft.ContainerRegistry Tokens_Update'],
  [
    'acr webhook create -r REGISTRY -n hook1 --uri http://a.example --actions push',
    'Microsoft.ContainerRegistry Webhooks_Create',
  ],
  ['acr webhook delete -r REGISTRY -n hook1', 'Microsoft.ContainerRegistry Webhooks_Delete'],
  ['acr webhook get-config -r REGISTRY -n hook1', 'Microsoft.ContainerRegistry Webhooks_GetCallbackConfig'],
  ['acr webhook list -r REGISTRY', 'Microsoft.ContainerRegistry Webhooks_List'],
  ['acr webhook list-events -r REGISTRY -n hook1', 'Microsoft.ContainerRegistry Webhooks_ListEvents'],
  ['acr webhook ping -r REGISTRY -n hook1', 'Microsoft.ContainerRegistry Webhooks_Ping'],
  ['acr webhook show -r REGISTRY -n hook1', 'Microsoft.ContainerRegistry Webhooks_Get'],
  ['acr webhook update -r REGISTRY -n hook1 --status disabled', 'Microsoft.ContainerRegistry Webhooks_Update'],
  [
    'ad app federated-credential create --id APP --parameters {"name":"f","issuer":"https://a.example","subject":"s","audiences":["api://AzureADTokenExchange"]}',
    'there is nothing of this version of Berth at this path',
  ],
  [
    'ad app federated-credential delete --id APP --federated-credential-id f',
    'there is nothing of this version of Berth at this path',
  ],
  ['ad app federated-credential list --id APP', 'there is nothing of this version of Berth at this path'],
  [
    'ad app federated-credential show --id APP --federated-credential-id f',
    'there is nothing of this version of Berth at this path',
  ],
  [
    'ad app federated-credential update --id APP --federated-credential-id f --parameters {"name":"f","issuer":"https://a.example","subject":"s","audiences":["api://AzureADTokenExchange"]}',
    'there is nothing of this version of Berth at this path',
  ],
  ['ad app owner add --id APP --owner-object-id ME', 'there is nothing of this version of Berth at this path'],
  ['ad app owner remove --id APP --owner-object-id ME', 'there is nothing of this version of Berth at this path'],
  [
    'ad app permission add --id APP --api 00000003-0000-0000-c000-000000000000 --api-permissions e1fe6dd8-ba31-4d61-89e7-88639da4683d=Scope',
    '"requiredResourceAccess" cannot be set',
  ],
  ['ad app permission admin-consent --id APP', 'This command is not yet supported on sovereign clouds'],
  [
    'ad app permission grant --id APP --api 00000003-0000-0000-c000-000000000000 --scope User.Read',
    'there is nothing of this version of Berth at this path',
  ],
  ['ad app permission list-grants --id APP', 'there is nothing of this version of Berth at this path'],
  ['ad signed-in-user list-owned-objects', 'there is nothing of this version of Berth at this path'],
  ['ad sp update --id APP --set displayName=other', '"displayName" cannot be set in this version of Berth'],
  ['container attach -g GROUP -n c1', 'Microsoft.ContainerInstance ContainerGroups_Get'],
  [
    'container container-group-profile create -g GROUP -n p1 --image a',
    "(InvalidResourceType) The namespace 'Microsoft.ContainerInstance' has no resource type at this path",
  ],
  [
    'container container-group-profile delete -g GROUP -n p1 -y',
    "(InvalidResourceType) The namespace 'Microsoft.ContainerInstance' has no resource type at this path",
  ],
  [
    'container container-group-profile list -g GROUP',
    "(InvalidResourceType) The namespace 'Microsoft.ContainerInstance' has no resource type at this path",
  ],
  [
    'container container-group-profile list-revisions -g GROUP -n p1',
    "(InvalidResourceType) The namespace 'Microsoft.ContainerInstance' has no resource type at this path",
  ],
  [
    'container container-group-profile show -g GROUP -n p1',
    "(InvalidResourceType) The namespace 'Microsoft.ContainerInstance' has no resource type at this path",
  ],
  [
    'container container-group-profile show-revision -g GROUP -n p1 -r 1',
    "(InvalidResourceType) The namespace 'Microsoft.ContainerInstance' has no resource type at this path",
  ],
  [
    'container create -g GROUP -n c1 --image a --os-type Linux --cpu 1 --memory 1',
    'Microsoft.ContainerInstance ContainerGroups_CreateOrUpdate',
  ],
  ['container delete -g GROUP -n c1 -y', 'Microsoft.ContainerInstance ContainerGroups_Delete'],
  ['container exec -g GROUP -n c1 --exec-command ls', 'Microsoft.ContainerInstance ContainerGroups_Get'],
  ['container export -g GROUP -n c1 -f /tmp/w/x.yaml', 'Microsoft.ContainerInstance ContainerGroups_Get'],
  ['container list', 'Microsoft.ContainerInstance ContainerGroups_List'],
  ['container logs -g GROUP -n c1', 'Microsoft.ContainerInstance ContainerGroups_Get'],
  ['container restart -g GROUP -n c1', 'Microsoft.ContainerInstance ContainerGroups_Restart'],
  ['container show -g GROUP -n c1', 'Microsoft.ContainerInstance ContainerGroups_Get'],
  ['container start -g GROUP -n c1', 'Microsoft.ContainerInstance ContainerGroups_Start'],
  ['container stop -g GROUP -n c1', 'Microsoft.ContainerInstance ContainerGroups_Stop'],
  [
    'group deployment cancel -g GROUP -n d1',
    "(InvalidResourceType) The namespace 'Microsoft.Resources' has no resource type at this path",
  ],
  ['group deployment create -g GROUP -n d1 --template-file TEMPLATE', 'Microsoft.Resources Deployments_Validate'],
  ['group deployment delete -g GROUP -n d1', 'Microsoft.Resources Deployments_Delete'],
  [
    'group deployment export -g GROUP -n d1',
    "(InvalidResourceType) The namespace 'Microsoft.Resources' has no resource type at this path",
  ],
  ['group deployment list -g GROUP', 'Microsoft.Resources Deployments_ListByResourceGroup'],
  ['group deployment operation list -g GROUP -n d1', '(ResourceNotFound) There is nothing at this path'],
  [
    'group deployment operation show -g GROUP -n d1 --operation-ids 1',
    '(ResourceNotFound) There is nothing at this path',
  ],
  ['group deployment show -g GROUP -n d1', 'Microsoft.Resources Deployments_Get'],
  ['group deployment validate -g GROUP --template-file TEMPLATE', 'Microsoft.Resources Deployments_Validate'],
  ['group deployment wait -g GROUP -n d1 --exists --timeout 1', 'Microsoft.Resources Deployments_Get'],
  ['group export -n GROUP', '(ResourceNotFound) There is nothing at this path'],
  [
    'group lock create -g GROUP -n l1 -t CanNotDelete',
    "(InvalidResourceType) The namespace 'Microsoft.Authorization' has no resource type at this path",
  ],
  [
    'group lock delete -g GROUP -n l1',
    "(InvalidResourceType) The namespace 'Microsoft.Authorization' has no resource type at this path",
  ],
  [
    'group lock list -g GROUP',
    "(InvalidResourceType) The namespace 'Microsoft.Authorization' has no resource type at this path",
  ],
  [
    'group lock show -g GROUP -n l1',
    "(InvalidResourceType) The namespace 'Microsoft.Authorization' has no resource type at this path",
  ],
  [
    'group lock update -g GROUP -n l1 --notes x',
    "(InvalidResourceType) The namespace 'Microsoft.Authorization' has no resource type at this path",
  ],
  ['identity create -g GROUP -n id1', 'Microsoft.ManagedIdentity UserAssignedIdentities_CreateOrUpdate'],
  ['identity delete -g GROUP -n id1', 'Microsoft.ManagedIdentity UserAssignedIdentities_Delete'],
  [
    'identity federated-credential create -g GROUP --identity-name id1 -n f1 --issuer https://a.example --subject s',
    "(InvalidResourceType) The namespace 'Microsoft.ManagedIdentity' has no resource type at this path",
  ],
  [
    'identity federated-credential delete -g GROUP --identity-name id1 -n f1 -y',
    "(InvalidResourceType) The namespace 'Microsoft.ManagedIdentity' has no resource type at this path",
  ],
  [
    'identity federated-credential list -g GROUP --identity-name id1',
    "(InvalidResourceType) The namespace 'Microsoft.ManagedIdentity' has no resource type at this path",
  ],
  [
    'identity federated-credential show -g GROUP --identity-name id1 -n f1',
    "(InvalidResourceType) The namespace 'Microsoft.ManagedIdentity' has no resource type at this path",
  ],
  [
    'identity federated-credential update -g GROUP --identity-name id1 -n f1 --issuer https://a.example --subject s',
    "(InvalidResourceType) The namespace 'Microsoft.ManagedIdentity' has no resource type at this path",
  ],
  ['identity list', 'Microsoft.ManagedIdentity UserAssignedIdentities_ListBySubscription'],
  ['identity list-operations', 'Microsoft.ManagedIdentity Operations_List'],
  [
    'identity list-resources -g GROUP -n id1',
    "(InvalidResourceType) The namespace 'Microsoft.ManagedIdentity' has no resource type at this path",
  ],
  ['identity show -g GROUP -n id1', 'Microsoft.ManagedIdentity UserAssignedIdentities_Get'],
  ['identity update -g GROUP -n id1 --tags a=b', 'Microsoft.ManagedIdentity UserAssignedIdentities_Get'],
  ['provider operation list', 'Microsoft.Authorization ProviderOperationsMetadata_List'],
  ['provider operation show -n Microsoft.ContainerRegistry', 'Microsoft.Authorization ProviderOperationsMetadata_Get'],
  [
    'provider permission list -n Microsoft.ContainerRegistry',
    "(InvalidResourceType) The namespace 'Microsoft.ContainerRegistry' has no resource type at this path",
  ],
  [
    'provider unregister -n Microsoft.ContainerRegistry',
    "(ResourceProviderNotUnregisterable) The resource provider 'Microsoft.ContainerRegistry' is part of Berth and cannot be unregistered",
  ],
  [
    'resource link create --link REGISTRY_ID/providers/Microsoft.Resources/links/l1 --target REGISTRY_ID',
    "(InvalidResourceType) The namespace 'Microsoft.Resources' has no resource type at this path",
  ],
  [
    'resource link delete --link REGISTRY_ID/providers/Microsoft.Resources/links/l1',
    "(InvalidResourceType) The namespace 'Microsoft.Resources' has no resource type at this path",
  ],
  ['resource link list', "(InvalidResourceType) The namespace 'Microsoft.Resources' has no resource type at this path"],
  [
    'resource link show --link REGISTRY_ID/providers/Microsoft.Resources/links/l1',
    "(InvalidResourceType) The namespace 'Microsoft.Resources' has no resource type at this path",
  ],
  [
    'resource link update --link REGISTRY_ID/providers/Microsoft.Resources/links/l1 --target REGISTRY_ID',
    "(InvalidResourceType) The namespace 'Microsoft.Resources' has no resource type at this path",
  ],
  [
    'resource lock create -n l1 -t CanNotDelete --resource REGISTRY_ID',
    "(InvalidResourceType) The namespace 'Microsoft.Authorization' has no resource type at this path",
  ],
  [
    'resource lock delete -n l1 --resource REGISTRY_ID',
    "(InvalidResourceType) The namespace 'Microsoft.Authorization' has no resource type at this path",
  ],
  [
    'resource lock list --resource REGISTRY_ID',
    "(InvalidResourceType) The namespace 'Microsoft.Authorization' has no resource type at this path",
  ],
  [
    'resource lock show -n l1 --resource REGISTRY_ID',
    "(InvalidResourceType) The namespace 'Microsoft.Authorization' has no resource type at this path",
  ],
  [
    'resource lock update -n l1 --resource REGISTRY_ID --notes x',
    "(InvalidResourceType) The namespace 'Microsoft.Authorization' has no resource type at this path",
  ],
  ['resource move --destination-group GROUP --ids REGISTRY_ID', '(ResourceNotFound) There is nothing at this path'],
  [
    'role assignment list-changelogs',
    "(InvalidResourceNamespace) The resource namespace 'Microsoft.Insights' is invalid",
  ],
  [
    'role definition create --role-definition {"Name":"x","Actions":[],"AssignableScopes":["SUBSCRIPTION_ID"]}',
    'Microsoft.Authorization RoleDefinitions_CreateOrUpdate',
  ],
  ['role definition delete -n AcrPull', 'Microsoft.Authorization RoleDefinitions_Delete'],
  [
    'role definition update --role-definition {"Name":"AcrPull","Actions":[],"AssignableScopes":["SUBSCRIPTION_ID"]}',
    'Microsoft.Authorization RoleDefinitions_CreateOrUpdate',
  ],
  [
    'role deny-assignment create -n x --scope SUBSCRIPTION_ID --actions Microsoft.Resources/subscriptions/write --exclude-principal-ids ME --exclude-principal-types User',
    '(HttpMethodNotAllowed) PUT is not served at this path',
  ],
  [
    'role deny-assignment delete -n x --scope SUBSCRIPTION_ID -y',
    '(HttpMethodNotAllowed) DELETE is not served at this path',
  ],
  [
    'role deny-assignment show -n x --scope SUBSCRIPTION_ID',
    "(DenyAssignmentNotFound) The deny assignment 'x' is not found",
  ],
];
