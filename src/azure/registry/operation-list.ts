/** Rights on registries that role definitions can name and this version asks for, as clients list them. */
export const operationList: readonly Readonly<Record<string, unknown>>[] = [
  operation('registries/read', 'Registries', 'Show a registry'),
  operation('registries/write', 'Registries', 'Make or change a registry'),
  operation('registries/delete', 'Registries', 'Delete a registry'),
  operation('registries/listUsages/read', 'Registries', 'Show what a registry holds'),
  operation('registries/listCredentials/action', 'Registries', 'Show the passwords of the admin user'),
  operation('registries/regenerateCredential/action', 'Registries', 'Make a new password of the admin user'),
  operation('registries/replications/read', 'Replications', 'List the replicas of a registry'),
  operation('registries/privateEndpointConnections/read', 'Private endpoints', 'List private endpoints of a registry'),
  operation('registries/privateLinkResources/read', 'Private endpoints', 'List what private endpoints can lead to'),
  operation('registries/pull/read', 'Content', 'Pull'),
  operation('registries/push/write', 'Content', 'Push'),
  operation('registries/artifacts/delete', 'Content', 'Delete content'),
  operation('checkNameAvailability/read', 'Names', 'Ask whether a name can be had'),
];

function operation(name: string, resource: string, does: string): Readonly<Record<string, unknown>> {
  return {
    name: `Microsoft.ContainerRegistry/${name}`,
    isDataAction: false,
    display: { provider: 'Berth', resource, operation: does, description: does },
  };
}
