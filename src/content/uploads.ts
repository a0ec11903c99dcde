import type { Readable } from 'node:stream';
import {
  algorithmOf,
  type ByteRange,
  type Digest,
  type DigestAlgorithm,
  Fault,
  isFault,
  type RepositoryName,
  type RunningDigest,
  startDigest,
} from '../kernel/index.ts';
import type { ContentEnvironment, RegistryRef } from './environment.ts';
import { receive } from './intake.ts';
import { locationInUse } from './store/blob-rows-store.ts';
import { findUpload, type UploadRecord } from './store/upload-store.ts';
import {
  cancelUpload,
  expireUploads,
  type FinishUpload,
  finishUpload,
  saveProgress,
  startUpload,
} from './transactions/upload-transactions.ts';
import { type HashSource, rehash, sessionMemory, type UploadBuffer, uploadBuffer } from './upload-session.ts';

/** Names a session. It answers only to the repository and the identity that opened it; to all others it is not there. */
export interface SessionKey {
  readonly registry: RegistryRef;
  readonly repository: RepositoryName;
  readonly identity: string;
  readonly id: string;
}

/** The body of a PATCH, PUT or POST, with what its headers say. `length` is null for chunked transfer. */
export interface UploadBody {
  readonly stream: () => Readable;
  readonly length: number | null;
  readonly range: ByteRange | null;
}

/** Upload sessions (distribution-spec, "Pushing blobs"). Bytes are verified before a blob exists. */
export interface Uploads {
  start(where: Omit<SessionKey, 'id'>, algorithm: DigestAlgorithm): Promise<string>;
  status(session: SessionKey): Promise<{ received: number }>;
  /** Adds bytes at the end. Throws `upload-range` when they belong elsewhere; what a broken-off body brought is kept. */
  append(session: SessionKey, body: UploadBody): Promise<{ received: number }>;
  /** Adds the last bytes, if any, verifies and stores. Throws `digest-invalid` and drops the session on a mismatch. */
  finish(session: SessionKey, body: UploadBody, digest: Digest): Promise<{ size: number }>;
  cancel(session: SessionKey): Promise<void>;
  /** A whole blob in one request, without a session. */
  whole(where: Omit<SessionKey, 'id'>, body: UploadBody, digest: Digest): Promise<{ size: number }>;
  /** Removes expired sessions and what they staged; answers how many. */
  sweep(limit: number): Promise<number>;
}

/** Makes the upload use-cases. */
export function uploads(environment: ContentEnvironment): Uploads {
  const { database, blobs, clock, ids, limits, seal } = environment;
  const memory = sessionMemory({
    waitMs: 10_000,
    busy: () => new Fault('conflict', 'another request is writing to this upload'),
  });

  const find = async (session: SessionKey): Promise<UploadRecord> => {
    const row = await database.first(findUpload, {
      id: session.id,
      registryId: session.registry.id,
      repository: session.repository,
      identity: session.identity,
      now: clock.now(),
    });
    // What comes next would be sealed otherwise than what came before: such a session cannot go on.
    if (!row || row.codec !== seal.codec || row.key_id !== seal.keyId) {
      throw new Fault('upload-unknown', 'there is no such upload; start a new one');
    }
    return row;
  };

  const openTail = (registryId: number, row: UploadRecord): Uint8Array | null =>
    row.tail === null ? null : seal.openBody(registryId, row.codec, row.key_id, row.tail);

  /** Reads a body into the session's buffer; the hash goes along. Answers where the session stands now. */
  const take = async (
    buffer: UploadBuffer,
    body: UploadBody,
    position: number,
    hash: RunningDigest | undefined,
  ): Promise<{ received: number; complete: boolean }> => {
    if (body.length === 0) return { received: position, complete: true };
    const maxBytes = limits.layerBytes - position;
    // Said before a byte of it is asked for.
    if (body.length !== null && body.length > maxBytes) {
      throw new Fault('blob-too-large', `a blob has at most ${limits.layerBytes} bytes`);
    }
    const intake = await receive(body.stream(), {
      position,
      maxBytes,
      hash,
      sink: (at, chunks) => buffer.write(at, chunks),
    });
    if (intake.complete && body.range !== null && intake.received !== body.range.end - body.range.start + 1) {
      throw new Fault(
        'upload-invalid',
        `Content-Range names ${body.range.end - body.range.start + 1} bytes, ${intake.received} came`,
      );
    }
    return { received: position + intake.received, complete: intake.complete };
  };

  const runningHash = async (
    session: SessionKey,
    row: UploadRecord,
    tail: Uint8Array | null,
  ): Promise<RunningDigest | undefined> => {
    const algorithm = row.algorithm as DigestAlgorithm;
    const remembered = memory.takeHash(session.id, row.received);
    if (remembered) return remembered;
    if (row.received === 0) return startDigest(algorithm);
    // Small sessions are hashed again at once; a staged one once at the end.
    return row.staged_key === null
      ? rehash(environment, { registryId: session.registry.id, stagedKey: null, tail, size: row.received }, algorithm)
      : undefined;
  };

  const save = (session: SessionKey, from: number, received: number, buffer: UploadBuffer): Promise<void> => {
    const small = buffer.small();
    return database.transact(saveProgress, {
      id: session.id,
      from,
      received,
      stagedKey: buffer.stagedKey(),
      tail: small && small.length > 0 ? seal.sealBody(session.registry.id, small) : null,
      idleMs: limits.uploadIdleMs,
    });
  };

  /** Hash verified, bytes made durable, then the one transaction that makes them a blob. */
  const store = async (
    where: Omit<SessionKey, 'id'>,
    uploadId: string | null,
    buffer: UploadBuffer,
    size: number,
    digest: Digest,
  ): Promise<void> => {
    const small = buffer.small();
    const key = buffer.stagedKey();
    const location = small === null && key !== null ? await blobs.commit(key, size) : null;
    const input: FinishUpload = {
      uploadId,
      registryId: where.registry.id,
      repository: where.repository,
      digest,
      size,
      bytes:
        location === null
          ? { kind: 'row', bytes: seal.sealBody(where.registry.id, small ?? new Uint8Array(0)) }
          : { kind: 'object', store: blobs.name, location },
      codec: seal.codec,
      keyId: seal.keyId,
      region: environment.regionOrdinal,
      leaseMs: limits.blobLeaseMs,
    };
    try {
      const { kept } = await database.transact(finishUpload, input);
      if (!kept && location !== null) await blobs.remove(location);
    } catch (error) {
      // After any other failure than a refusal the commit may have happened: then the object stays.
      if (location !== null && isFault(error)) await disown(uploadId, location);
      throw error;
    }
  };

  /**
   * Removes the object of a refused upload. Another request may have finished the same session and own the object; once the
   * session is gone, no other can begin to.
   */
  const disown = async (uploadId: string | null, location: string): Promise<void> => {
    if (uploadId !== null) await database.transact(cancelUpload, { id: uploadId });
    const owner = await database.first(locationInUse, { store: blobs.name, location });
    if (!owner) await blobs.remove(location);
  };

  /** Forgets what this request staged and nobody wrote down. */
  const dropUnsaved = async (row: UploadRecord, buffer: UploadBuffer): Promise<void> => {
    const key = buffer.stagedKey();
    await buffer.close();
    if (key !== null && row.staged_key === null) await blobs.abort(key);
  };

  const verify = async (source: HashSource, hash: RunningDigest | undefined, digest: Digest): Promise<void> => {
    const algorithm = algorithmOf(digest);
    const complete = hash?.algorithm === algorithm ? hash : await rehash(environment, source, algorithm);
    const found = complete.digest();
    if (found !== digest) {
      throw new Fault('digest-invalid', `the bytes that came have digest ${found}, not ${digest}`);
    }
  };

  const drop = async (id: string, stagedKey: string | null): Promise<void> => {
    memory.forget(id);
    await database.transact(cancelUpload, { id });
    if (stagedKey !== null) await blobs.abort(stagedKey);
  };

  const checkRange = (row: UploadRecord, body: UploadBody): void => {
    if (body.range === null) return;
    if (body.range.start !== row.received) {
      throw new Fault(
        'upload-range',
        `the upload stands at byte ${row.received}, the chunk begins at ${body.range.start}`,
        {
          detail: { received: row.received },
        },
      );
    }
    if (body.length !== null && body.length !== body.range.end - body.range.start + 1) {
      throw new Fault('upload-invalid', 'Content-Length and Content-Range do not agree');
    }
  };

  return {
    async start(where, algorithm) {
      // The region's ordinal stands in the id, so that another region can forward a session to its own.
      const id = `${environment.regionOrdinal.toString(16).padStart(4, '0')}${ids.id()}`;
      await database.transact(startUpload, {
        id,
        registryId: where.registry.id,
        repository: where.repository,
        identity: where.identity,
        algorithm,
        codec: seal.codec,
        keyId: seal.keyId,
        maxOpen: limits.openUploadsPerIdentity,
        idleMs: limits.uploadIdleMs,
      });
      return id;
    },

    async status(session) {
      const row = await find(session);
      return { received: row.received };
    },

    append: (session, body) =>
      memory.alone(session.id, async () => {
        const row = await find(session);
        checkRange(row, body);
        const tail = openTail(session.registry.id, row);
        const hash = await runningHash(session, row, tail);
        const buffer = uploadBuffer(environment, session.registry.id, { stagedKey: row.staged_key, tail });
        try {
          const { received, complete } = await take(buffer, body, row.received, hash).catch(async (error: unknown) => {
            await dropUnsaved(row, buffer);
            throw error;
          });
          if (received !== row.received) await save(session, row.received, received, buffer);
          if (hash) memory.keepHash(session.id, hash, received);
          if (!complete)
            throw new Fault('upload-invalid', 'the body broke off; ask for the status and go on from there');
          return { received };
        } finally {
          await buffer.close();
        }
      }),

    finish: (session, body, digest) =>
      memory.alone(session.id, async () => {
        const row = await find(session);
        checkRange(row, body);
        const tail = openTail(session.registry.id, row);
        const hash = await runningHash(session, row, tail);
        const buffer = uploadBuffer(environment, session.registry.id, { stagedKey: row.staged_key, tail });
        try {
          const { received, complete } = await take(buffer, body, row.received, hash).catch(async (error: unknown) => {
            await dropUnsaved(row, buffer);
            throw error;
          });
          if (!complete) {
            await save(session, row.received, received, buffer);
            throw new Fault('upload-invalid', 'the body broke off; ask for the status and go on from there');
          }
          try {
            await verify(sourceOf(session.registry, buffer, received), hash, digest);
            await buffer.close();
            await store(session, session.id, buffer, received, digest);
          } catch (error) {
            // A refused session is of no more use; after a failure the client may ask again. What is not there any more may
            // just have been committed by another request, which then needs the session.
            if (isFault(error) && error.code !== 'upload-unknown') {
              await buffer.close();
              await drop(session.id, buffer.stagedKey());
            } else await dropUnsaved(row, buffer);
            throw error;
          }
          memory.forget(session.id);
          return { size: received };
        } finally {
          await buffer.close();
        }
      }),

    async cancel(session) {
      await memory.alone(session.id, async () => {
        const row = await find(session);
        await drop(session.id, row.staged_key);
      });
    },

    async whole(where, body, digest) {
      const hash = startDigest(algorithmOf(digest));
      const buffer = uploadBuffer(environment, where.registry.id, { stagedKey: null, tail: null });
      try {
        const { received, complete } = await take(buffer, body, 0, hash);
        if (!complete) throw new Fault('upload-invalid', 'the body broke off');
        await verify(sourceOf(where.registry, buffer, received), hash, digest);
        await buffer.close();
        await store(where, null, buffer, received, digest);
        return { size: received };
      } catch (error) {
        await buffer.close();
        // Its key is known to nobody else; what was committed is not staged any more.
        const key = buffer.stagedKey();
        if (key !== null) await blobs.abort(key);
        throw error;
      }
    },

    async sweep(limit) {
      const expired = await database.transact(expireUploads, { limit });
      for (const session of expired) {
        memory.forget(session.id);
        if (session.stagedKey !== null) await blobs.abort(session.stagedKey);
      }
      return expired.length;
    },
  };
}

function sourceOf(registry: RegistryRef, buffer: UploadBuffer, size: number): HashSource {
  return { registryId: registry.id, stagedKey: buffer.stagedKey(), tail: buffer.small(), size };
}
