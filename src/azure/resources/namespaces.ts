import { ArmError, type ArmOperationHandler, type ResourceProvider } from '../arm/provider.ts';
import { displayNameOf } from './subscriptions.ts';

/** The operations on providers: what this version serves. `providers` is asked at each request, when all are known. */
export function namespaceOperations(options: {
  readonly subscriptionId: string;
  readonly region: string;
  providers(): readonly ResourceProvider[];
}): Record<string, ArmOperationHandler> {
  const { subscriptionId, region } = options;
  const wireOf = (provider: ResourceProvider): Record<string, unknown> => ({
    id: `/subscriptions/${subscriptionId}/providers/${provider.namespace}`,
    namespace: provider.namespace,
    registrationState: 'Registered',
    registrationPolicy: 'RegistrationFree',
    resourceTypes: provider.resourceTypes.map(({ type, apiVersions }) => ({
      resourceType: type,
      locations: [displayNameOf(region)],
      apiVersions,
      capabilities: 'None',
    })),
  });
  const find = (namespace: string): ResourceProvider => {
    const found = options.providers().find((one) => one.namespace.toLowerCase() === namespace.toLowerCase());
    if (found === undefined) {
      throw new ArmError(
        404,
        'InvalidResourceNamespace',
        `The resource namespace '${namespace.slice(0, 100)}' is invalid.`,
      );
    }
    return found;
  };

  return {
    Providers_List: {
      action: 'Microsoft.Resources/subscriptions/providers/read',
      run: async () => ({ status: 200, body: { value: options.providers().map(wireOf) } }),
    },
    Providers_Get: {
      action: 'Microsoft.Resources/subscriptions/providers/read',
      run: async (call) => ({
        status: 200,
        body: wireOf(find(call.parameters['resourceProviderNamespace'] ?? '')),
      }),
    },
    // Each is there from the start, so to register one is to look at it.
    Providers_Register: {
      action: 'Microsoft.Resources/subscriptions/providers/register/action' as const,
      run: async (call) => ({
        status: 200,
        body: wireOf(find(call.parameters['resourceProviderNamespace'] ?? '')),
      }),
    },
    Providers_Unregister: {
      action: 'Microsoft.Resources/subscriptions/providers/unregister/action' as const,
      async run(call) {
        const { namespace } = find(call.parameters['resourceProviderNamespace'] ?? '');
        const message = `The resource provider '${namespace}' is part of Berth and cannot be unregistered.`;
        throw new ArmError(409, 'ResourceProviderNotUnregisterable', message);
      },
    },
  };
}
