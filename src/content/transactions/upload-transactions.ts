import { type RequestContext, recordChange } from '../../data/index.ts';
import { Fault, operatorOnly } from '../../kernel/index.ts';
import type { SqlTransaction, TransactionDefinition } from '../../ports/index.ts';
import { lockedFault } from '../locked.ts';
import { deletionLock, lockBits } from '../locks.ts';
import {
  addRepositoryBlob,
  blobRow,
  putLocation,
  putReview,
  queueRemovals,
  removeLocations,
  removeRepositoryBlob,
  renewLease,
  upsertBlob,
} from '../store/blob-rows-store.ts';
import { liveParent, putBody } from '../store/manifest-store.ts';
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
  endedUpload,
  expiredUploads,
  insertEndedUpload,
  insertUpload,
  removeEndedUploads,
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
    throw lockedFault(
      `repository "${name}" is locked against writing`,
      { repository: name, locks: repository.locks },
      lockBits.writeEnabled,
    );
  }
  return repository;
}

/** The refusal of one session more than an identity may have. */
export function tooManyUploads(identity: string, maxOpen: number): Fault {
  return new Fault(
    'too-many-requests',
    `${maxOpen} uploads are open already for this user; finish or cancel some, or wait until they expire`,
    {
      operator: operatorOnly({
        rule: 'too-many-uploads',
        because: `${identity} has ${maxOpen} uploads open, which is limits.openUploadsPerIdentity`,
        cure: 'finish or cancel some, wait until limits.uploadIdle ends them, or start with a greater --limits-open-uploads-per-identity',
      }),
    },
  );
}

/**
 * Gives a session its row, when its first bytes have come or are about to. Throws `too-many-requests` when the identity has
 * too many, `upload-unknown` when the session has ended, `conflict` when another request gave it one.
 */
export const openUpload: TransactionDefinition<
  {
    id: string;
    registryId: number;
    repository: string;
    identity: string;
    algorithm: string;
    codec: string;
    keyId: string | null;
    created: number;
    received: number;
    stagedKey: string | null;
    tail: Uint8Array | null;
    maxOpen: number;
    idleMs: number;
  },
  void
> = {
  name: 'content/open-upload',
  async run(tx, { repository: name, maxOpen, idleMs, ...session }) {
    const { id, registryId, identity } = session;
    const repository = await repositoryForWriting(tx, findRepository, registryId, name);
    if (await tx.first(endedUpload, { id })) throw uploadEnded();
    if (await tx.first(uploadsBeyond, { registryId, identity, offset: maxOpen - 1 }))
      throw tooManyUploads(identity, maxOpen);
    const expires = tx.now + idleMs;
    if ((await tx.run(insertUpload, { ...session, repositoryId: repository.id, expires })) === 0)
      throw movedElsewhere();
  },
};

function movedElsewhere(): Fault {
  return new Fault('conflict', 'another request wrote to this upload at the same time');
}

function uploadEnded(): Fault {
  return new Fault('upload-unknown', 'the upload was finished or cancelled by another request');
}

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
      throw movedElsewhere();
    }
  },
};

/** Where the bytes of a finished upload are: an object of the blob store, or the row itself. */
export type FinishedBytes =
  | { readonly kind: 'object'; readonly store: string; readonly location: string }
  | { readonly kind: 'row'; readonly bytes: Uint8Array };

/** A session that is to end. */
export interface SessionEnd {
  readonly id: string;
  /** Whether it has a row. */
  readonly stored: boolean;
  /** Until when its id would be good without a row, Unix milliseconds: so long its end is remembered. */
  readonly freshUntil: number;
}

/** What `finish-upload` needs. `end` is null for a monolithic POST, which opens no session. */
export interface FinishUpload {
  readonly end: SessionEnd | null;
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
    if (input.end !== null && !(await endSession(tx, input.end))) throw uploadEnded();
    const known = await tx.first(blobRow, { registryId, digest });
    if (known && known.state !== 'present') {
      await tx.run(queueRemovals, { registryId, digest, now: tx.now });
      await tx.run(removeLocations, { registryId, digest });
    }
    const leaseUntil = tx.now + input.leaseMs;
    await tx.run(upsertBlob, { registryId, digest, size: input.size, leaseUntil, now: tx.now });
    if (bytes.kind === 'row') {
      const { codec, keyId } = input;
      const body = { registryId, kind: 'blob', digest, codec, keyId, bytes: bytes.bytes } as const;
      await tx.run(putBody, body);
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

/** Ends a session without a blob. False when another request has ended it, or has given it a row meanwhile. */
export const cancelUpload: TransactionDefinition<SessionEnd, boolean> = {
  name: 'content/cancel-upload',
  run: (tx, end) => endSession(tx, end),
};

/** Ends a session once: its row goes, and its id is not good for a new beginning. */
async function endSession(tx: SqlTransaction, end: SessionEnd): Promise<boolean> {
  const { id, freshUntil } = end;
  const removed = (await tx.run(removeUpload, { id })) > 0;
  const ended = freshUntil <= tx.now || (await tx.run(insertEndedUpload, { id, expires: freshUntil })) > 0;
  return ended && removed === end.stored;
}

/** A session that was taken off the list, with what it left in the blob store. */
export interface RemovedUpload {
  readonly id: string;
  readonly stagedKey: string | null;
  readonly received: number;
}

/** Forgets ends of sessions whose ids are no good by themselves any more; answers how many. */
export const forgetEndedUploads: TransactionDefinition<{ limit: number }, number> = {
  name: 'content/forget-ended-uploads',
  run: (tx, { limit }) => tx.run(removeEndedUploads, { now: tx.now, limit }),
};

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
    if (repository.locks & deletionLock) {
      throw lockedFault(
        `repository "${input.repository}" is locked against deletion`,
        { repository: input.repository, locks: repository.locks },
        deletionLock,
      );
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
