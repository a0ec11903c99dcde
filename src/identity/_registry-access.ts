import type { DirectoryAccess } from './directory/registry-sign-in.ts';
import type { RegistryAccess } from './principal.ts';

/** A registry as most are, for tests that ask for nothing else. */
export function registryAccess(change: Partial<RegistryAccess> = {}): RegistryAccess {
  return {
    id: 1,
    name: 'berth',
    audience: 'berth.berth.localhost',
    adminEnabled: true,
    anonymousPull: false,
    resourceKey: '/subscriptions/s/resourcegroups/g/providers/microsoft.containerregistry/registries/berth',
    roleMode: 'LegacyRegistryPermissions',
    armTokens: true,
    ...change,
  };
}

/** The directory of tests in which nobody of it comes: asking for anybody is an error. */
export const nobodysDirectory: DirectoryAccess = {
  directory: new Proxy({} as DirectoryAccess['directory'], {
    get: (_, method) => () => Promise.reject(new Error(`the directory was asked for ${String(method)}`)),
  }),
  tokens: () => Promise.reject(new Error('the directory was asked for its tokens')),
  domain: 'berth.localhost',
};
