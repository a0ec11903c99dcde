/** What operations answer that a provider serves only to refuse them in words of its own. */
export interface ServedRefusal {
  readonly status: number;
  readonly code: string;
  /** Why, for the page. */
  readonly because: string;
}

export const servedRefusals: Readonly<Record<string, ServedRefusal>> = {
  'Microsoft.Authorization/DenyAssignments_Get': {
    status: 404,
    code: 'DenyAssignmentNotFound',
    because: 'nothing can make a deny assignment, so there is none to get',
  },
  'Microsoft.ContainerRegistry/Registries_ListPrivateLinkResources': {
    status: 400,
    code: 'FeatureNotSupported',
    because: 'Private Link is not there yet',
  },
  'Microsoft.Resources/Providers_Unregister': {
    status: 409,
    code: 'ResourceProviderNotUnregisterable',
    because: 'every provider is part of Berth',
  },
};
