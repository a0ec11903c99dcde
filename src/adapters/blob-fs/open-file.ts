import { BlobStoreError } from '../../ports/index.ts';
import type { FileSystem } from './file-system.ts';
import { portError } from './port-error.ts';

/**
 * A file held by its bare descriptor: a read through `fs.read` costs 10 to 15 µs less CPU than through a FileHandle. In return this
 * object sees to what a FileHandle would: no call on a closed descriptor (its number may belong to another file by
 * then), and no close under a call that runs.
 */
export interface OpenFile {
  size(): Promise<number>;
  /** Fills `buffer` from `position`; answers fewer bytes only at the end. */
  read(buffer: Uint8Array, position: number): Promise<number>;
  /** Writes all chunks, by one system call when the system takes them whole. */
  write(position: number, chunks: readonly Uint8Array[]): Promise<void>;
  /** Cuts the file to `size` bytes. */
  truncate(size: number): Promise<void>;
  /** Returns when data and size are on the disk. */
  syncData(): Promise<void>;
  /** Waits for calls that run. Idempotent. */
  close(): Promise<void>;
}

/** Opens a file; a created one is for its owner only. `what` names it in errors. Throws `BlobStoreError`. */
export async function openFile(
  files: FileSystem,
  { path, flags, what }: { readonly path: string; readonly flags: number; readonly what: string },
): Promise<OpenFile> {
  const descriptor = await files.open(path, flags, 0o600).catch((error: unknown) => {
    throw portError(error, `opening ${what}`);
  });
  let running = 0;
  let closing: PromiseWithResolvers<void> | undefined;

  const shut = (done: PromiseWithResolvers<void>) => {
    files.close(descriptor).then(done.resolve, (error: unknown) => done.reject(portError(error, `closing ${what}`)));
  };
  const guarded = async <T>(verb: string, call: () => Promise<T>): Promise<T> => {
    if (closing) throw new BlobStoreError('io', `${verb} ${what}: it is closed`);
    running++;
    try {
      return await call();
    } catch (error) {
      throw portError(error, `${verb} ${what}`);
    } finally {
      running--;
      if (closing && running === 0) shut(closing);
    }
  };

  return {
    size: () => guarded('looking at', () => files.size(descriptor)),
    read: (buffer, position) => guarded('reading', () => readFully(files, descriptor, buffer, position)),
    write: (position, chunks) => guarded('writing', () => writeFully(files, descriptor, chunks, position)),
    truncate: (size) => guarded('cutting', () => files.truncate(descriptor, size)),
    syncData: () => guarded('syncing', () => files.syncData(descriptor)),
    close() {
      if (!closing) {
        closing = Promise.withResolvers<void>();
        if (running === 0) shut(closing);
      }
      return closing.promise;
    },
  };
}

function readFully(files: FileSystem, descriptor: number, buffer: Uint8Array, position: number): Promise<number> {
  assertPosition(position);
  return new Promise((resolve, reject) => {
    let filled = 0;
    const step = () => {
      files.read(descriptor, buffer, filled, buffer.byteLength - filled, position + filled, (error, count) => {
        if (error) return reject(error);
        filled += count;
        if (count === 0 || filled === buffer.byteLength) return resolve(filled);
        return step();
      });
    };
    step();
  });
}

async function writeFully(
  files: FileSystem,
  descriptor: number,
  chunks: readonly Uint8Array[],
  position: number,
): Promise<void> {
  assertPosition(position);
  let rest = chunks.filter((chunk) => chunk.byteLength > 0);
  let at = position;
  while (rest.length > 0) {
    const count = await writeOnce(files, descriptor, rest, at);
    if (count === 0) throw new BlobStoreError('io', 'the system took no bytes');
    rest = dropBytes(rest, count);
    at += count;
  }
}

function writeOnce(files: FileSystem, descriptor: number, chunks: Uint8Array[], position: number): Promise<number> {
  return new Promise((resolve, reject) => {
    files.writev(descriptor, chunks, position, (error, count) => (error ? reject(error) : resolve(count)));
  });
}

/** What is left of `chunks` after their first `count` bytes. */
export function dropBytes(chunks: readonly Uint8Array[], count: number): Uint8Array[] {
  let index = 0;
  let left = count;
  for (; index < chunks.length && left >= chunks[index]!.byteLength; index++) left -= chunks[index]!.byteLength;
  const rest = chunks.slice(index);
  if (left > 0 && rest[0]) rest[0] = rest[0].subarray(left);
  return rest;
}

/** A negative position would mean "where the descriptor stands" to Node. */
function assertPosition(position: number): void {
  if (!Number.isSafeInteger(position) || position < 0) throw new RangeError(`${position} is not a position`);
}
