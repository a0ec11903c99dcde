import type { RequestContext } from '../data/index.ts';
import { type Digest, Fault, type RepositoryName } from '../kernel/index.ts';
import { type BlobReader, BlobStoreError } from '../ports/index.ts';
import type { Bodies } from './body-cache.ts';
import type { ContentEnvironment, RegistryRef } from './environment.ts';
import { lockBits } from './locks.ts';
import { mayServe } from './may-serve.ts';
import { repositoriesHolding, type ServedBlob, servedBlob } from './store/blob-rows-store.ts';
import { loseObject } from './transactions/damage-transactions.ts';
import { deleteBlob, mountBlob, renewBlobLease } from './transactions/upload-transactions.ts';

/** A blob that may be served: its size, and how to get at its bytes. */
export interface FoundBlob {
  readonly digest: Digest;
  readonly size: number;
  /** Bytes in memory (small blobs) or an open object; the caller closes it. */
  open(): Promise<{ readonly bytes: Uint8Array } | { readonly reader: BlobReader }>;
}

/** Blobs as seen through a repository (distribution-spec, "Pulling blobs", "Mounting a blob", "Deleting blobs"). */
export interface Blobs {
  /** Throws `blob-unknown` unless the repository holds the blob and it may be read. */
  find(registry: RegistryRef, repository: RepositoryName, digest: Digest): Promise<FoundBlob>;
  /** Like `find`, and makes sure that who hears "exists" has time to use it: at least half a lease remains. */
  promise(registry: RegistryRef, repository: RepositoryName, digest: Digest): Promise<FoundBlob>;
  /**
   * Lets `repository` hold what another one holds. `mayRead` says whether the caller may read a repository; without `from`
   * any readable one will do. Answers false when there is nothing to mount, whatever the reason.
   */
  mount(
    registry: RegistryRef,
    repository: RepositoryName,
    digest: Digest,
    options: { from: RepositoryName | null; mayRead: (repository: string) => boolean },
  ): Promise<boolean>;
  remove(context: RequestContext, registry: RegistryRef, repository: RepositoryName, digest: Digest): Promise<void>;
}

/** How many repositories are looked at for a mount without `from`. */
const mountCandidates = 50;

/** Makes the blob use-cases. `lost` is told when the object behind a present blob is gone. */
export function blobs(
  environment: ContentEnvironment,
  bodies: Bodies,
  lost: (digest: string, error: unknown) => void,
): Blobs {
  const { database, clock, limits } = environment;

  const unknown = (repository: string, digest: string): Fault =>
    new Fault('blob-unknown', `blob ${digest} is not in repository "${repository}"`);

  const lookUp = async (registry: RegistryRef, repository: RepositoryName, digest: Digest): Promise<ServedBlob> => {
    const row = await database.first(servedBlob, { registryId: registry.id, repository, digest });
    if (!row) throw unknown(repository, digest);
    mayServe({
      label: `blob ${digest}`,
      repository,
      digest,
      state: row.state,
      repositoryLocks: row.repository_locks,
      tagLocks: 0,
      manifestLocks: 0,
    });
    return row;
  };

  /** A present blob whose object is gone becomes missing, so that the next push repairs it. */
  const lose = async (
    registry: RegistryRef,
    repository: string,
    digest: Digest,
    row: ServedBlob,
    cause: unknown,
  ): Promise<never> => {
    const place = { registryId: registry.id, digest, store: row.store, location: row.location };
    if (await database.transact(loseObject, { ...place, finding: null })) lost(digest, cause);
    throw unknown(repository, digest);
  };

  /** The object's bytes as they were before they were sealed. */
  const opened = (registry: RegistryRef, row: ServedBlob, reader: BlobReader): BlobReader => {
    const stored = { registryId: registry.id, codec: row.codec, keyId: row.key_id };
    return {
      size: reader.size,
      async read(buffer, position) {
        const read = await reader.read(buffer, position);
        environment.seal.openStaged(stored, position, buffer.subarray(0, read));
        return read;
      },
      close: () => reader.close(),
    };
  };

  const found = (registry: RegistryRef, repository: string, digest: Digest, row: ServedBlob): FoundBlob => ({
    digest,
    size: row.size,
    async open() {
      if (row.location === '') {
        const bytes = await bodies.read(registry.id, 'blob', digest);
        if (!bytes) throw unknown(repository, digest);
        return { bytes };
      }
      try {
        const reader = await environment.blobs.open(row.location);
        if (reader.size === row.size) return { reader: opened(registry, row, reader) };
        await reader.close();
        return await lose(registry, repository, digest, row, new Error(`object has ${reader.size} bytes`));
      } catch (error) {
        if (error instanceof BlobStoreError && error.kind === 'absent')
          return lose(registry, repository, digest, row, error);
        throw error;
      }
    },
  });

  return {
    async find(registry, repository, digest) {
      return found(registry, repository, digest, await lookUp(registry, repository, digest));
    },

    async promise(registry, repository, digest) {
      const row = await lookUp(registry, repository, digest);
      if (row.lease_until_ms - clock.now() < limits.blobLeaseMs / 2) {
        const renewed = await database.transact(renewBlobLease, {
          registryId: registry.id,
          digest,
          leaseMs: limits.blobLeaseMs,
        });
        if (!renewed) throw unknown(repository, digest);
      }
      return found(registry, repository, digest, row);
    },

    async mount(registry, repository, digest, { from, mayRead }) {
      const source = from ?? (await readableHolder(registry, digest, mayRead));
      if (source === null || !mayRead(source)) return false;
      const row = await database.first(servedBlob, { registryId: registry.id, repository: source, digest });
      if (!row || row.repository_locks & lockBits.readEnabled) return false;
      return database.transact(mountBlob, { registryId: registry.id, repository, digest, leaseMs: limits.blobLeaseMs });
    },

    async remove(context, registry, repository, digest) {
      await database.transact(deleteBlob, {
        context,
        registryId: registry.id,
        repository,
        digest,
        graceMs: limits.blobLeaseMs,
      });
    },
  };

  async function readableHolder(
    registry: RegistryRef,
    digest: Digest,
    mayRead: (repository: string) => boolean,
  ): Promise<string | null> {
    const holders = await database.all(repositoriesHolding, {
      registryId: registry.id,
      digest,
      limit: mountCandidates,
    });
    return holders.find((holder) => mayRead(holder.name))?.name ?? null;
  }
}
