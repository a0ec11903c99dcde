import type { Directory } from '../identity/index.ts';
import { isFault } from '../kernel/index.ts';
import type { Entry } from './_every-use-case.ts';

const nobody = { kind: 'service-principal', objectId: 'nobody', credentialId: 'none' } as const;

/** How the directory is asked. It only reads, so asking for somebody who is not there goes the whole way. */
export const directoryEntries: { readonly [M in keyof Directory]: Entry } = {
  subjectOf: {
    async work(some) {
      await some.directory.subjectOf(nobody).catch((error: unknown) => {
        if (!isFault(error, 'unauthenticated')) throw error;
      });
    },
  },
  bySecret: { work: (some) => some.directory.bySecret('nobody', 'nothing') },
  rolesOf: { work: (some, { world }) => some.directory.rolesOf('nobody', world.registry.resourceKey) },
  rolesBelow: { work: (some) => some.directory.rolesBelow('nobody', '/') },
  principalAt: {
    work: (some, { world }) =>
      some.directory.principalAt(
        { ...nobody, name: 'nobody', displayName: 'Nobody', expiresAt: null },
        world.registry.resourceKey,
      ),
  },
};
