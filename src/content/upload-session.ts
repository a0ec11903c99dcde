import { type DigestAlgorithm, Fault, type RunningDigest, startDigest } from '../kernel/index.ts';
import { type BlobStore, BlobStoreError, type StagedBlob } from '../ports/index.ts';
import type { ContentEnvironment, SharedTurns } from './environment.ts';
import { maxRowBlobBytes } from './limits.ts';

/** Bytes of an upload on their way in: small ones stay in memory for the row, larger ones go to the blob store. */
export interface UploadBuffer {
  /** Takes the next bytes. `position` is where they belong in the upload. */
  write(position: number, chunks: readonly Uint8Array[]): Promise<void>;
  /** All bytes so far when they are small enough for a row, else null. */
  small(): Uint8Array | null;
  /** Key of the staged object that holds the bytes, null while they are in memory. */
  stagedKey(): string | null;
  /** The key that the session has, also while nothing is under it. */
  reservedKey(): string | null;
  /** Releases the staged object's handle; its bytes stay. */
  close(): Promise<void>;
}

/** Where an earlier request left an upload. `tail` is clear. */
export interface UploadState {
  readonly stagedKey: string | null;
  readonly tail: Uint8Array | null;
  readonly received: number;
}

/**
 * True when what was received is in the staged object. A key beside a tail, or before the first byte, is only reserved:
 * what is under it was never saved and may be written over.
 */
export function isStaged(state: Omit<UploadState, 'tail'> & { readonly tail: unknown }): boolean {
  return state.stagedKey !== null && state.tail === null && state.received > 0;
}

/**
 * Opens the buffer of an upload where an earlier request left it. `reserve` writes a new key down before a byte is staged
 * under it, so that nothing is ever staged that nobody knows.
 */
export function uploadBuffer(
  environment: ContentEnvironment,
  registryId: number,
  state: UploadState,
  reserve: (key: string) => Promise<void>,
): UploadBuffer {
  let key = state.stagedKey;
  let staged: StagedBlob | undefined;
  let pieces: Uint8Array[] | null = isStaged(state) ? null : state.tail ? [state.tail] : [];
  let held = state.tail?.length ?? 0;

  const open = async (): Promise<StagedBlob> => {
    if (key === null) {
      const fresh = environment.ids.id();
      await reserve(fresh);
      key = fresh;
    }
    staged ??= await environment.blobs.stage(key);
    return staged;
  };

  return {
    async write(position, chunks) {
      const bytes = chunks.reduce((sum, chunk) => sum + chunk.length, 0);
      if (pieces !== null && held + bytes <= maxRowBlobBytes) {
        // The chunks are the caller's again after this call, so they are copied; there are at most 64 KiB of them.
        for (const chunk of chunks) pieces.push(Buffer.from(chunk));
        held += bytes;
        return;
      }
      const target = await open();
      if (pieces !== null) {
        if (held > 0) await target.write(0, environment.seal.sealStaged(registryId, 0, pieces));
        pieces = null;
      }
      await target.write(position, environment.seal.sealStaged(registryId, position, chunks));
    },
    small: () => (pieces === null ? null : Buffer.concat(pieces)),
    stagedKey: () => (pieces === null ? key : null),
    reservedKey: () => key,
    async close() {
      await staged?.close();
      staged = undefined;
    },
  };
}

/** What an upload has brought so far, to be hashed again. */
export interface HashSource {
  readonly registryId: number;
  readonly stagedKey: string | null;
  readonly tail: Uint8Array | null;
  readonly size: number;
}

/** Makes the hash of what is staged again, after a restart or when the algorithm turns out to be another one. */
export async function rehash(
  environment: ContentEnvironment,
  source: HashSource,
  algorithm: DigestAlgorithm,
): Promise<RunningDigest> {
  const hash = startDigest(algorithm);
  if (source.stagedKey === null) {
    if (source.tail) hash.update(source.tail);
    return hash;
  }
  const staged = await environment.blobs.stage(source.stagedKey);
  try {
    const read = await hashInto(hash, environment, source, staged);
    if (read === source.size) return hash;
    // Asking has made it anew, empty.
    if (read === 0) await environment.blobs.abort(source.stagedKey);
    throw uploadGone();
  } finally {
    await staged.close();
  }
}

/** Makes the hash of an object that a finish has committed. */
export async function hashCommitted(
  environment: ContentEnvironment,
  source: { readonly registryId: number; readonly size: number; readonly location: string },
  algorithm: DigestAlgorithm,
): Promise<RunningDigest> {
  const hash = startDigest(algorithm);
  const reader = await environment.blobs.open(source.location);
  try {
    if ((await hashInto(hash, environment, source, reader)) === source.size) return hash;
    throw uploadGone();
  } finally {
    await reader.close();
  }
}

/** Feeds the first `size` clear bytes of an object to the hash; answers how many were there. */
async function hashInto(
  hash: RunningDigest,
  environment: ContentEnvironment,
  source: { readonly registryId: number; readonly size: number },
  from: { read(buffer: Uint8Array, position: number): Promise<number> },
): Promise<number> {
  const { seal } = environment;
  const stored = { registryId: source.registryId, codec: seal.codec, keyId: seal.keyId };
  const buffer = Buffer.allocUnsafe(Math.min(1024 * 1024, Math.max(1, source.size)));
  let position = 0;
  while (position < source.size) {
    const read = await from.read(buffer.subarray(0, Math.min(buffer.length, source.size - position)), position);
    if (read === 0) break;
    seal.openStaged(stored, position, buffer.subarray(0, read));
    hash.update(buffer.subarray(0, read));
    position += read;
  }
  return position;
}

/** The refusal of a session whose bytes are lost. */
export function uploadGone(cause?: unknown): Fault {
  return new Fault('upload-unknown', 'what this upload brought is not there any more; start a new one', { cause });
}

/** True when nothing is staged under a key that should hold bytes: a finish has committed them, or they are lost. */
export async function isUnstaged(blobs: BlobStore, key: string): Promise<boolean> {
  const staged = await blobs.stage(key);
  try {
    if ((await staged.read(Buffer.allocUnsafe(1), 0)) > 0) return false;
  } finally {
    await staged.close();
  }
  // Asking has made it anew, empty.
  await blobs.abort(key);
  return true;
}

/** Where the object of a key is that is not staged any more; undefined when it was never committed. */
export async function committedLocation(blobs: BlobStore, key: string, size: number): Promise<string | undefined> {
  try {
    return await blobs.commit(key, size);
  } catch (error) {
    if (error instanceof BlobStoreError && (error.kind === 'absent' || error.kind === 'incomplete')) return undefined;
    throw error;
  }
}

/** What one thread remembers of open sessions: the running hash, and whose turn it is. Losing it costs a re-hash only. */
export interface SessionMemory {
  /** Runs `work` alone among the requests to one session. Throws what `work` throws, or `busy()` after the wait. */
  alone<T>(id: string, work: () => Promise<T>): Promise<T>;
  /** Sessions that a request holds or waits for. */
  held(): string[];
  /** Begins to write at `position`. What was remembered is dropped: from here on only this write may know better. */
  write(id: string, position: number): SessionWrite;
  forget(id: string): void;
}

/** One request's hold on the running hash of a session. */
export interface SessionWrite {
  /** The running hash, when one stood exactly at the position. */
  readonly hash: RunningDigest | undefined;
  /** False once another write to the session began: bytes that were hashed may be others by now. */
  isAlone(): boolean;
  /** Remembers the hash of what is saved; nothing when another write began. */
  keep(hash: RunningDigest, position: number): void;
}

const maxRemembered = 10_000;

/**
 * Makes the memory of sessions. `busy` is thrown when a session stays occupied for `waitMs`. `shared` gives the turns among
 * threads: who has the turn in this one then takes it there.
 */
export function sessionMemory(options: {
  waitMs: number;
  busy: () => Error;
  shared?: SharedTurns | undefined;
}): SessionMemory {
  const turns = new Map<string, Promise<void>>();
  const writes = new Map<string, SessionWrite>();
  const hashes = new Map<string, { hash: RunningDigest; position: number }>();
  return {
    async alone(id, work) {
      const before = turns.get(id);
      const mine = Promise.withResolvers<void>();
      // Settles with all who came before: who gives up waiting does not let those behind pass the one that still runs.
      const turn = before ? before.then(() => mine.promise) : mine.promise;
      turns.set(id, turn);
      void turn.then(() => {
        if (turns.get(id) !== turn) return;
        turns.delete(id);
        writes.delete(id);
      });
      try {
        if (before) await within(before, options.waitMs, options.busy);
        return await (options.shared ? options.shared.alone(id, options, work) : work());
      } finally {
        mine.resolve();
      }
    },
    held: () => [...turns.keys()],
    write(id, position) {
      const entry = hashes.get(id);
      hashes.delete(id);
      const isAlone = () => writes.get(id) === write;
      const write: SessionWrite = {
        hash: entry?.position === position ? entry.hash : undefined,
        isAlone,
        keep(hash, at) {
          if (!isAlone()) return;
          if (hashes.size >= maxRemembered) hashes.delete(hashes.keys().next().value as string);
          hashes.set(id, { hash, position: at });
        },
      };
      writes.set(id, write);
      return write;
    },
    forget: (id) => void hashes.delete(id),
  };
}

async function within(promise: Promise<unknown>, ms: number, late: () => Error): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const timeout = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(late()), ms);
  });
  try {
    await Promise.race([promise, timeout]);
  } finally {
    clearTimeout(timer);
  }
}
