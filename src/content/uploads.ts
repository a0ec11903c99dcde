import type { Readable } from 'node:stream';
import {
  algorithmOf,
  type ByteRange,
  type Digest,
  type DigestAlgorithm,
  Fault,
  isFault,
  type RunningDigest,
  startDigest,
} from '../kernel/index.ts';
import { BlobStoreError, DatabaseError } from '../ports/index.ts';
import type { ContentEnvironment, InUse, RegistryRef } from './environment.ts';
import { receive } from './intake.ts';
import type { SessionOwner } from './session-ids.ts';
import { stagedLeftovers } from './staged-leftovers.ts';
import { locationInUse } from './store/blob-rows-store.ts';
import {
  expireUploads,
  type FinishedBytes,
  type FinishUpload,
  finishUpload,
  forgetEndedUploads,
  type SessionEnd,
} from './transactions/upload-transactions.ts';
import {
  committedLocation,
  type HashSource,
  hashCommitted,
  isStaged,
  isUnstaged,
  rehash,
  type SessionWrite,
  sessionMemory,
  type UploadBuffer,
  uploadBuffer,
  uploadGone,
} from './upload-session.ts';
import { type Session, type SessionKey, uploadSessions } from './upload-sessions.ts';

/** The body of a PATCH, PUT or POST, with what its headers say. `length` is null for chunked transfer. */
export interface UploadBody {
  readonly stream: () => Readable;
  readonly length: number | null;
  readonly range: ByteRange | null;
}

/** Upload sessions (distribution-spec, "Pushing blobs"). Bytes are verified before a blob exists. */
export interface Uploads {
  start(where: SessionOwner, algorithm: DigestAlgorithm): Promise<string>;
  status(session: SessionKey): Promise<{ received: number }>;
  /** Adds bytes at the end. Throws `upload-range` when they belong elsewhere; what a broken-off body brought is kept. */
  append(session: SessionKey, body: UploadBody): Promise<{ received: number }>;
  /** Adds the last bytes, if any, verifies and stores. Throws `digest-invalid` and drops the session on a mismatch. */
  finish(session: SessionKey, body: UploadBody, digest: Digest): Promise<{ size: number }>;
  cancel(session: SessionKey): Promise<void>;
  /** A whole blob in one request, without a session. */
  whole(where: SessionOwner, body: UploadBody, digest: Digest): Promise<{ size: number }>;
  /** Removes expired sessions and what they staged, then looks for staged bytes that no session names; answers how many sessions. */
  sweep(limit: number): Promise<number>;
  /** What requests have in their hands here. */
  inUse(): InUse;
}

const endedAtOnce = 2_000;

/** Makes the upload use-cases. */
export function uploads(environment: ContentEnvironment): Uploads {
  const { database, blobs, clock, limits, seal } = environment;
  const sessions = uploadSessions(environment);
  const memory = sessionMemory({
    waitMs: 10_000,
    busy: () => new Fault('conflict', 'another request is writing to this upload'),
    shared: environment.sharedTurns,
  });

  /** Keys of uploads without a session that this thread takes in. */
  const wholeKeys = new Set<string>();
  /** The same elsewhere, as it was when the sweep began. */
  let keysElsewhere: ReadonlySet<string> = new Set();
  const leftovers = stagedLeftovers(environment, (key) => wholeKeys.has(key) || keysElsewhere.has(key));

  const openTail = (registryId: number, row: Session): Uint8Array | null =>
    row.tail === null ? null : seal.openBody(registryId, row.codec, row.key_id, row.tail);

  /** Reads a body into the session's buffer; the hash goes along. Answers where the session stands now. */
  const take = async (
    buffer: UploadBuffer,
    body: UploadBody,
    position: number,
    hash: RunningDigest | undefined,
    arrived: () => Promise<void> = () => Promise.resolve(),
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
      sink: async (at, chunks) => {
        await buffer.write(at, chunks);
        await arrived();
      },
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
    row: Session,
    tail: Uint8Array | null,
    write: SessionWrite,
  ): Promise<RunningDigest | undefined> => {
    const algorithm = row.algorithm as DigestAlgorithm;
    if (write.hash) return write.hash;
    if (row.received === 0) return startDigest(algorithm);
    // Small sessions are hashed again at once; a staged one once at the end.
    return tail !== null
      ? rehash(environment, { registryId: session.registry.id, stagedKey: null, tail, size: row.received }, algorithm)
      : undefined;
  };

  const save = (session: SessionKey, row: Session, received: number, buffer: UploadBuffer): Promise<void> => {
    const small = buffer.small();
    const tail = small && small.length > 0 ? seal.sealBody(session.registry.id, small) : null;
    return sessions.advance(session, row, { received, stagedKey: buffer.reservedKey(), tail });
  };

  /** Writes down that a session stands where it stood and has this key, and renews its time. */
  const note = (session: SessionKey, row: Session, stagedKey: string | null): Promise<void> =>
    sessions.advance(session, row, { received: row.received, stagedKey, tail: row.tail });

  /** Opens a session for the bytes of one request and takes them in. The caller closes the buffer. */
  const openSession = async (session: SessionKey, row: Session) => {
    const tail = openTail(session.registry.id, row);
    const write = memory.write(session.id, row.received);
    const hash = await runningHash(session, row, tail, write);
    let noted = row.expires_ms - limits.uploadIdleMs;
    const state = { stagedKey: row.staged_key, tail, received: row.received };
    const buffer = uploadBuffer(environment, session.registry.id, state, async (key) => {
      await note(session, row, key);
      noted = clock.now();
    });
    /** A body that takes longer than a session may be idle keeps it alive. */
    const arrived = async (): Promise<void> => {
      if (clock.now() - noted < limits.uploadIdleMs / 4) return;
      await note(session, row, buffer.reservedKey());
      noted = clock.now();
    };
    const takeIn = async (body: UploadBody) => {
      try {
        return await take(buffer, body, row.received, hash, arrived);
      } catch (error) {
        await dropUnsaved(session, row, buffer);
        // What a PATCH brought is synced by the finish only: a power cut may have taken what the row counts.
        const isLost = stagedIn(row) && error instanceof BlobStoreError && error.kind === 'incomplete';
        throw isLost ? uploadGone(error) : error;
      }
    };
    return { buffer, hash, write, takeIn };
  };

  /** Bytes made durable, then the one transaction that makes them a blob. */
  const store = async (
    where: SessionOwner,
    end: SessionEnd | null,
    buffer: UploadBuffer,
    size: number,
    digest: Digest,
  ): Promise<void> => {
    const small = buffer.small();
    const key = buffer.stagedKey();
    if (small !== null || key === null) {
      const bytes = seal.sealBody(where.registry.id, small ?? new Uint8Array(0));
      return record(where, end, { kind: 'row', bytes }, size, digest);
    }
    const location = await blobs.commit(key, size);
    await record(where, end, { kind: 'object', store: blobs.name, location }, size, digest);
  };

  const record = async (
    where: SessionOwner,
    end: SessionEnd | null,
    bytes: FinishedBytes,
    size: number,
    digest: Digest,
  ): Promise<void> => {
    const input: FinishUpload = {
      end,
      registryId: where.registry.id,
      repository: where.repository,
      digest,
      size,
      bytes,
      codec: seal.codec,
      keyId: seal.keyId,
      region: environment.regionOrdinal,
      leaseMs: limits.blobLeaseMs,
    };
    try {
      const { kept } = await database.transact(finishUpload, input);
      if (!kept && bytes.kind === 'object') await blobs.remove(bytes.location);
    } catch (error) {
      if (bytes.kind === 'object') {
        if (isFault(error)) await disown(end, bytes.location);
        // With a session the client may ask again, and the object is found. Otherwise the commit may have happened.
        else if (end === null && wasNotCommitted(error)) await blobs.remove(bytes.location);
      }
      throw error;
    }
  };

  /**
   * Removes the object of a refused upload. Another request may have finished the same session and own the object; once the
   * session is gone, no other can begin to.
   */
  const disown = async (end: SessionEnd | null, location: string): Promise<void> => {
    if (end !== null) await sessions.forget(end);
    const owner = await database.first(locationInUse, { store: blobs.name, location });
    if (!owner) await blobs.remove(location);
  };

  /** Finishes a session whose object an earlier request committed before its transaction failed. */
  const finishCommitted = async (session: SessionKey, row: Session, key: string, digest: Digest): Promise<void> => {
    const size = row.received;
    const location = await committedLocation(blobs, key, size);
    if (location === undefined) throw uploadGone();
    const source = { registryId: session.registry.id, size, location };
    assertDigest(await hashCommitted(environment, source, algorithmOf(digest)), digest);
    await record(session, sessions.endOf(row), { kind: 'object', store: blobs.name, location }, size, digest);
  };

  /** Forgets what this request staged and did not save, unless a request elsewhere has saved it under the same key. */
  const dropUnsaved = async (session: SessionKey, row: Session, buffer: UploadBuffer): Promise<void> => {
    const key = buffer.stagedKey();
    await buffer.close();
    if (key === null || stagedIn(row)) return;
    const current = await sessions.row(session);
    if (!current || current.received === row.received) await blobs.abort(key);
  };

  /** Removes what a session that is gone has left: what is staged, or what a finish that failed has committed. */
  const discard = async (key: string, size: number): Promise<void> => {
    await blobs.abort(key);
    const location = size === 0 ? undefined : await committedLocation(blobs, key, size);
    if (location !== undefined) await disown(null, location);
  };

  const verify = async (source: HashSource, hash: RunningDigest | undefined, digest: Digest): Promise<void> => {
    const algorithm = algorithmOf(digest);
    const complete = hash?.algorithm === algorithm ? hash : await rehash(environment, source, algorithm);
    assertDigest(complete, digest);
  };

  const drop = async (row: Session, stagedKey: string | null): Promise<void> => {
    memory.forget(row.id);
    await sessions.forget(sessions.endOf(row));
    if (stagedKey !== null) await discard(stagedKey, row.received);
  };

  /** A refused session is of no more use; after a failure, or when another request was at work too, the client may ask again. */
  const isRefusal = (error: unknown): boolean => isFault(error) && !isFault(error, 'upload-unknown', 'conflict');

  const checkRange = (row: Session, body: UploadBody): void => {
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
    start: (where, algorithm) => sessions.open(where, algorithm),

    async status(session) {
      const row = await sessions.find(session);
      return { received: row.received };
    },

    append: (session, body) =>
      memory.alone(session.id, async () => {
        const row = await sessions.find(session);
        checkRange(row, body);
        const { buffer, hash, write, takeIn } = await openSession(session, row);
        try {
          const { received, complete } = await takeIn(body);
          if (received !== row.received) await save(session, row, received, buffer);
          if (hash) write.keep(hash, received);
          if (!complete)
            throw new Fault('upload-invalid', 'the body broke off; ask for the status and go on from there');
          return { received };
        } finally {
          await buffer.close();
        }
      }),

    finish: (session, body, digest) =>
      memory.alone(session.id, async () => {
        const row = await sessions.find(session);
        checkRange(row, body);
        const { buffer, hash, write, takeIn } = await openSession(session, row);
        /** What is left to do once all bytes are there; a refusal ends the session. */
        const conclude = async (work: () => Promise<void>): Promise<void> => {
          try {
            await work();
          } catch (error) {
            await buffer.close();
            if (isRefusal(error)) await drop(row, buffer.reservedKey());
            throw error;
          }
          memory.forget(session.id);
        };
        const earlier = stagedIn(row) ? row.staged_key : null;
        try {
          // The body, if any, is then part of the object already.
          if (earlier !== null && !hash && (await isUnstaged(blobs, earlier))) {
            await conclude(() => finishCommitted(session, row, earlier, digest));
            return { size: row.received };
          }
          const { received, complete } = await takeIn(body);
          if (!complete) {
            await save(session, row, received, buffer);
            throw new Fault('upload-invalid', 'the body broke off; ask for the status and go on from there');
          }
          await conclude(async () => {
            const source = sourceOf(session.registry, buffer, received);
            await verify(source, write.isAlone() ? hash : undefined, digest);
            await buffer.close();
            // The row then says how large the object is, for whoever finds it when the rest fails.
            if (source.stagedKey !== null && received !== row.received) {
              await save(session, row, received, buffer);
            }
            // Small bytes go to the row; what an earlier request staged and did not save is of no use.
            const reserved = buffer.reservedKey();
            if (source.stagedKey === null && reserved !== null) await blobs.abort(reserved);
            await store(session, sessions.endOf(row), buffer, received, digest);
          });
          return { size: received };
        } finally {
          await buffer.close();
        }
      }),

    async cancel(session) {
      await memory.alone(session.id, async () => {
        const row = await sessions.find(session);
        await drop(row, row.staged_key);
      });
    },

    async whole(where, body, digest) {
      const hash = startDigest(algorithmOf(digest));
      const state = { stagedKey: null, tail: null, received: 0 };
      const buffer = uploadBuffer(environment, where.registry.id, state, async (key) => void wholeKeys.add(key));
      let size = 0;
      try {
        const { received, complete } = await take(buffer, body, 0, hash);
        if (!complete) throw new Fault('upload-invalid', 'the body broke off');
        await verify(sourceOf(where.registry, buffer, received), hash, digest);
        await buffer.close();
        size = received;
        await store(where, null, buffer, received, digest);
        return { size: received };
      } catch (error) {
        await buffer.close();
        // Its key is known to nobody else; what was committed is not staged any more.
        const key = buffer.reservedKey();
        if (key !== null) await discard(key, error instanceof BlobStoreError ? size : 0);
        throw error;
      } finally {
        wholeKeys.delete(buffer.reservedKey() ?? '');
      }
    },

    async sweep(limit) {
      // In bites, so that pushes come in between; all of them, since each blob pushed leaves one.
      while ((await database.transact(forgetEndedUploads, { limit: endedAtOnce })) === endedAtOnce);
      const elsewhere = await environment.inUseElsewhere?.();
      keysElsewhere = new Set(elsewhere?.keys);
      const held = [...memory.held(), ...(elsewhere?.sessions ?? [])];
      const expired = await database.transact(expireUploads, { limit, held });
      const failures: unknown[] = [];
      for (const { id, stagedKey, received } of expired) {
        memory.forget(id);
        // One that fails keeps nobody else from being cleared away: their rows are gone.
        if (stagedKey !== null) await discard(stagedKey, received).catch((error: unknown) => failures.push(error));
      }
      if (failures.length > 0) throw failures[0];
      await leftovers.sweep(limit);
      return expired.length;
    },

    inUse: () => ({ sessions: memory.held(), keys: [...wholeKeys] }),
  };
}

function stagedIn(row: Session): boolean {
  return isStaged({ stagedKey: row.staged_key, tail: row.tail, received: row.received });
}

/** The database said no before anything could be written. */
function wasNotCommitted(error: unknown): boolean {
  return error instanceof DatabaseError && ['full', 'busy', 'closed'].includes(error.kind);
}

function assertDigest(hash: RunningDigest, digest: Digest): void {
  const found = hash.digest();
  if (found !== digest) throw new Fault('digest-invalid', `the bytes that came have digest ${found}, not ${digest}`);
}

function sourceOf(registry: RegistryRef, buffer: UploadBuffer, size: number): HashSource {
  return { registryId: registry.id, stagedKey: buffer.stagedKey(), tail: buffer.small(), size };
}
