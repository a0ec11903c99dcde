import { type DigestAlgorithm, Fault, type RunningDigest, startDigest } from '../kernel/index.ts';
import type { StagedBlob } from '../ports/index.ts';
import type { ContentEnvironment } from './environment.ts';
import { maxRowBlobBytes } from './limits.ts';

/** Bytes of an upload on their way in: small ones stay in memory for the row, larger ones go to the blob store. */
export interface UploadBuffer {
  /** Takes the next bytes. `position` is where they belong in the upload. */
  write(position: number, chunks: readonly Uint8Array[]): Promise<void>;
  /** All bytes so far when they are small enough for a row, else null. */
  small(): Uint8Array | null;
  /** Key of the staged object, null while there is none. */
  stagedKey(): string | null;
  /** Releases the staged object's handle; its bytes stay. */
  close(): Promise<void>;
}

/** Opens the buffer of an upload where an earlier request left it. */
export function uploadBuffer(
  environment: ContentEnvironment,
  registryId: number,
  state: { readonly stagedKey: string | null; readonly tail: Uint8Array | null },
): UploadBuffer {
  let key = state.stagedKey;
  let staged: StagedBlob | undefined;
  let pieces: Uint8Array[] | null = key === null ? (state.tail ? [state.tail] : []) : null;
  let held = state.tail?.length ?? 0;

  const open = async (): Promise<StagedBlob> => {
    key ??= environment.ids.id();
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
  const { seal } = environment;
  const stored = { registryId: source.registryId, codec: seal.codec, keyId: seal.keyId };
  const staged = await environment.blobs.stage(source.stagedKey);
  try {
    const buffer = Buffer.allocUnsafe(Math.min(1024 * 1024, Math.max(1, source.size)));
    for (let position = 0; position < source.size; ) {
      const wanted = Math.min(buffer.length, source.size - position);
      const read = await staged.read(buffer.subarray(0, wanted), position);
      if (read === 0) {
        // Asking has made it anew, empty.
        await environment.blobs.abort(source.stagedKey);
        throw new Fault('upload-unknown', 'what this upload brought is not there any more; start a new one');
      }
      seal.openStaged(stored, position, buffer.subarray(0, read));
      hash.update(buffer.subarray(0, read));
      position += read;
    }
  } finally {
    await staged.close();
  }
  return hash;
}

/** What one process remembers of open sessions: the running hash, and whose turn it is. Losing it costs a re-hash only. */
export interface SessionMemory {
  /** Runs `work` alone among the requests to one session. Throws what `work` throws, or `busy()` after the wait. */
  alone<T>(id: string, work: () => Promise<T>): Promise<T>;
  /** Takes the running hash when it stands exactly at `position`. */
  takeHash(id: string, position: number): RunningDigest | undefined;
  keepHash(id: string, hash: RunningDigest, position: number): void;
  forget(id: string): void;
}

const maxRemembered = 10_000;

/** Makes the memory of sessions. `busy` is thrown when a session stays occupied for `waitMs`. */
export function sessionMemory(options: { waitMs: number; busy: () => Error }): SessionMemory {
  const turns = new Map<string, Promise<unknown>>();
  const hashes = new Map<string, { hash: RunningDigest; position: number }>();
  return {
    async alone(id, work) {
      const before = turns.get(id);
      let release: () => void = () => {};
      const mine = new Promise<void>((resolve) => {
        release = resolve;
      });
      const turn = before ? before.then(() => mine) : mine;
      turns.set(id, turn);
      try {
        if (before) await within(before, options.waitMs, options.busy);
        return await work();
      } finally {
        release();
        if (turns.get(id) === turn) turns.delete(id);
      }
    },
    takeHash(id, position) {
      const entry = hashes.get(id);
      hashes.delete(id);
      return entry?.position === position ? entry.hash : undefined;
    },
    keepHash(id, hash, position) {
      if (hashes.size >= maxRemembered) hashes.delete(hashes.keys().next().value as string);
      hashes.set(id, { hash, position });
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
