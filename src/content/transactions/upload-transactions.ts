import { type RequestContext, recordChange } from '../../data/index.ts';
import { Fault } from '../../kernel/index.ts';
import type { SqlTransaction, TransactionDefinition } from '../../ports/index.ts';
import { lockBits } from '../locks.ts';
import {
  addRepositoryBlob,
  blobRow,
  loseBlob,
  loseLocation,
  putLocation,
  putReview,
  removeLocations,
  removeRepositoryBlob,
  renewLease,
  upsertBlob,
} from '../store/blob-rows-store.ts';
import { insertBody, liveParent } from '../store/manifest-store.ts';
import {
  findRepository,
  forgetBlobsOf,
  holdRepository,
  insertRepository,
  lockRepository,
  type RepositoryRecord,
  reopenRepository,
  reviewBlobsOf,
} from '../store/repository-store.ts';
import {
  advanceUpload,
  expiredUploads,
  insertUpload,
  removeExpiredUpload,
  removeUpload,
  uploadsBeyond,
} from '../store/upload-store.ts';

/** The repository to write into, made when it is not there. Throws `locked` when it is locked against writing. */
export async function repositoryForWriting(
  tx: SqlTransaction,
  find: typeof findRepository,
  registryId: number,
  name: string,
): Promise<RepositoryRecord> {
  let repository = await tx.first(find, { registryId, name });
  if (!repository) {
    await tx.run(insertRepository, { registryId, name, now: tx.now });
    repository = await tx.first(find, { registryId, name });
  }
  if (!repository) throw new Error('a repository vanished inside its own transaction');
  // A deleted repository begins anew, without the locks and the blobs it had.
  if (repository.state === 'deleted') {
    await tx.run(reviewBlobsOf, { registryId, repositoryId: repository.id, due: tx.now });
    await tx.run(forgetBlobsOf, { repositoryId: repository.id });
    await tx.run(reopenRepository, { id: repository.id, now: tx.now });
  } else if (repository.locks & lockBits.writeEnabled) {
    throw new Fault('locked', `repository "${name}" is locked against writing`);
  }
  return repository;
}

/** Opens an upload session. Throws `too-many-requests` when the identity has too many open. */
export const startUpload: TransactionDefinition<
  {
    id: string;
    registryId: number;
    repository: string;
    identity: string;
    algorithm: string;
    codec: string;
    keyId: string | null;
    maxOpen: number;
    idleMs: number;
  },
  void
> = {
  name: 'content/start-upload',
  async run(tx, input) {
    const { registryId, identity } = input;
    const repository = await repositoryForWriting(tx, findRepository, registryId, input.repository);
    if (await tx.first(uploadsBeyond, { registryId, identity, offset: input.maxOpen - 1 })) {
      throw new Fault(
        'too-many-requests',
        `${input.maxOpen} uploads are open already for this user; finish or cancel some, or wait until they expire`,
      );
    }
    await tx.run(insertUpload, {
      id: input.id,
      registryId,
      repositoryId: repository.id,
      identity,
      algorithm: input.algorithm,
      codec: input.codec,
      keyId: input.keyId,
      now: tx.now,
      expires: tx.now + input.idleMs,
    });
  },
};

/**
 * Writes down how far a session has come, or where it is going to stage, and renews its time. Throws `conflict` when
 * another request moved it meanwhile.
 */
export const saveProgress: TransactionDefinition<
  {
    id: string;
    from: number;
    received: number;
    stagedKey: string | null;
    tail: Uint8Array | null;
    idleMs: number;
  },
  void
> = {
  name: 'content/save-upload-progress',
  async run(tx, input) {
    const { idleMs, ...progress } = input;
    if ((await tx.run(advanceUpload, { ...progress, expires: tx.now + idleMs })) === 0) {
      throw new Fault('conflict', 'another request wrote to this upload at the same time');
    }
  },
};

/** Where the bytes of a finished upload are: an object of the blob store, or the row itself. */
export type FinishedBytes =
  | { readonly kind: 'object'; readonly store: string; readonly location: string }
  | { readonly kind: 'row'; readonly bytes: Uint8Array };

/** What `finish-upload` needs. `uploadId` is null for a monolithic POST, which opens no session. */
export interface FinishUpload {
  readonly uploadId: string | null;
  readonly registryId: number;
  readonly repository: string;
  readonly digest: string;
  readonly size: number;
  readonly bytes: FinishedBytes;
  readonly codec: string;
  readonly keyId: string | null;
  readonly region: number;
  readonly leaseMs: number;
}

/**
 * Turns verified bytes into a blob of the repository: session gone, blob, place, membership and lease in one transaction.
 * Answers false when the blob was there already and keeps its older bytes; the caller then removes its own object.
 */
export const finishUpload: TransactionDefinition<FinishUpload, { kept: boolean }> = {
  name: 'content/finish-upload',
  async run(tx, input) {
    const { registryId, digest, bytes } = input;
    const repository = await repositoryForWriting(tx, holdRepository, registryId, input.repository);
    if (input.uploadId !== null && (await tx.run(removeUpload, { id: input.uploadId })) === 0) {
      throw new Fault('upload-unknown', 'the upload was finished or cancelled by another request');
    }
    const known = await tx.first(blobRow, { registryId, digest });
    if (known && known.state !== 'present') await tx.run(removeLocations, { registryId, digest });
    const leaseUntil = tx.now + input.leaseMs;
    await tx.run(upsertBlob, { registryId, digest, size: input.size, leaseUntil, now: tx.now });
    if (bytes.kind === 'row') {
      const { codec, keyId } = input;
      await tx.run(insertBody, { registryId, kind: 'blob', digest, codec, keyId, bytes: bytes.bytes });
    }
    const kept = await tx.run(putLocation, {
      registryId,
      digest,
      region: input.region,
      store: bytes.kind === 'row' ? 'row' : bytes.store,
      location: bytes.kind === 'row' ? '' : bytes.location,
      codec: input.codec,
      keyId: input.keyId,
    });
    await tx.run(addRepositoryBlob, { repositoryId: repository.id, digest, now: tx.now });
    await tx.run(putReview, {
      registryId,
      repositoryId: repository.id,
      kind: 'blob',
      digest,
      due: leaseUntil,
      reason: 'uploaded',
    });
    return { kept: kept > 0 };
  },
};

/** Lets a repository hold a blob that another one holds. Answers false when the blob is not there to be mounted. */
export const mountBlob: TransactionDefinition<
  { registryId: number; repository: string; digest: string; leaseMs: number },
  boolean
> = {
  name: 'content/mount-blob',
  async run(tx, input) {
    const { registryId, digest } = input;
    const repository = await repositoryForWriting(tx, holdRepository, registryId, input.repository);
    const leaseUntil = tx.now + input.leaseMs;
    if ((await tx.run(renewLease, { registryId, digest, leaseUntil })) === 0) return false;
    await tx.run(addRepositoryBlob, { repositoryId: repository.id, digest, now: tx.now });
    await tx.run(putReview, {
      registryId,
      repositoryId: repository.id,
      kind: 'blob',
      digest,
      due: leaseUntil,
      reason: 'mounted',
    });
    return true;
  },
};

/** Renews the lease of a blob that a HEAD is about to call present. False: it is going away, so it is not there. */
export const renewBlobLease: TransactionDefinition<{ registryId: number; digest: string; leaseMs: number }, boolean> = {
  name: 'content/renew-blob-lease',
  async run(tx, { registryId, digest, leaseMs }) {
    return (await tx.run(renewLease, { registryId, digest, leaseUntil: tx.now + leaseMs })) > 0;
  },
};

/** Notes that the bytes of a blob are not where they should be; a push then brings them back. */
export const markBlobMissing: TransactionDefinition<
  { registryId: number; digest: string; store: string; location: string },
  void
> = {
  name: 'content/mark-blob-missing',
  async run(tx, input) {
    await tx.run(loseLocation, input);
    await tx.run(loseBlob, { registryId: input.registryId, digest: input.digest });
  },
};

/** Forgets a session. */
export const cancelUpload: TransactionDefinition<{ id: string }, boolean> = {
  name: 'content/cancel-upload',
  async run(tx, input) {
    return (await tx.run(removeUpload, input)) > 0;
  },
};

/** A session that was taken off the list, with what it left in the blob store. */
export interface RemovedUpload {
  readonly id: string;
  readonly stagedKey: string | null;
  readonly received: number;
}

/** Takes expired sessions off the list, but not those in `held`, and answers what they had staged. */
export const expireUploads: TransactionDefinition<{ limit: number; held: readonly string[] }, RemovedUpload[]> = {
  name: 'content/expire-uploads',
  async run(tx, { limit, held }) {
    const kept = new Set(held);
    const expired = await tx.all(expiredUploads, { now: tx.now, limit: limit + kept.size });
    const removed: RemovedUpload[] = [];
    for (const { id, staged_key: stagedKey, received } of expired) {
      if (kept.has(id) || removed.length === limit) continue;
      if ((await tx.run(removeExpiredUpload, { id, now: tx.now })) === 0) continue;
      removed.push({ id, stagedKey, received });
    }
    return removed;
  },
};

/**
 * Takes a blob out of a repository; the bytes go when nothing holds them any more. Refused while a live manifest of the
 * repository names the blob: an image is never broken by deleting a part of it.
 */
export const deleteBlob: TransactionDefinition<
  { context: RequestContext; registryId: number; repository: string; digest: string; graceMs: number },
  void
> = {
  name: 'content/delete-blob',
  async run(tx, input) {
    const { registryId, digest } = input;
    // Alone: a push that names this blob either sees it gone or is seen by the look for parents.
    const repository = await tx.first(lockRepository, { registryId, name: input.repository });
    if (!repository || repository.state === 'deleted') {
      throw new Fault('blob-unknown', `blob ${digest} is not in repository "${input.repository}"`);
    }
    if (repository.locks & (lockBits.writeEnabled | lockBits.deleteEnabled)) {
      throw new Fault('locked', `repository "${input.repository}" is locked against deletion`);
    }
    const parent = await tx.first(liveParent, { repositoryId: repository.id, digest });
    if (parent) {
      throw new Fault('not-permitted', `blob ${digest} belongs to manifest ${parent.digest}; delete that first`);
    }
    if ((await tx.run(removeRepositoryBlob, { repositoryId: repository.id, digest })) === 0) {
      throw new Fault('blob-unknown', `blob ${digest} is not in repository "${input.repository}"`);
    }
    await tx.run(putReview, {
      registryId,
      repositoryId: repository.id,
      kind: 'blob',
      digest,
      due: tx.now + input.graceMs,
      reason: 'deleted',
    });
    await recordChange(tx, input.context, {
      registryId,
      kind: 'blob.deleted',
      stamp: tx.stamp(),
      repository: input.repository,
      digest,
    });
  },
};
