import { constants } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { type BlobReader, type BlobStore, BlobStoreError, type StagedBlob } from '../../ports/index.ts';
import { groupedDirectorySync } from './directory-sync.ts';
import { type FileSystem, nodeFileSystem } from './file-system.ts';
import { isKey, type Layout, layoutOf, locationOf, shardOf } from './layout.ts';
import { openFile } from './open-file.ts';
import { isSystemError, portError } from './port-error.ts';

export interface FsBlobStoreOptions {
  /** Made when absent. One file system: commit renames inside it. */
  readonly directory: string;
  /** Name of the place in `blob_location.store`; `fs` when absent. */
  readonly name?: string;
  /** The operating system's own when absent. */
  readonly files?: FileSystem;
}

/**
 * Objects as files (see `layout.ts`), for their owner only. A key or location that could not be a file of this store is
 * a TypeError: it is the caller's bug, never data.
 */
export async function fsBlobStore(options: FsBlobStoreOptions): Promise<BlobStore> {
  const layout = layoutOf(resolve(options.directory));
  const files = options.files ?? nodeFileSystem;
  await translated('making the folders', async () => {
    await makeDurableDirectory(files, layout.stagedDirectory);
    await makeDurableDirectory(files, layout.objectsDirectory);
    await makeMark(files, layout.markFile);
    // An earlier process may have made them and died before its sync.
    await files.syncDirectory(layout.directory);
  });
  const syncNames = groupedDirectorySync(files.syncDirectory);
  /** Shards whose own name this process knows to be on the disk; one that is merely there may be lost by a power cut. */
  const durableShards = new Set<string>();

  async function commit(key: string, size: number): Promise<string> {
    if (!Number.isSafeInteger(size) || size < 0) throw new RangeError(`${size} is not a size`);
    const from = layout.stagedFile(key);
    const location = locationOf(key);
    const shard = shardOf(location);
    if (await isCommitted(location, size)) {
      await removeFile(files, from);
    } else {
      await finishStaged(key, size);
      if (!durableShards.has(shard)) {
        await files.mkdir(layout.shardDirectory(shard), { mode: 0o700 }).catch(unless('EEXIST'));
      }
      await files.rename(from, layout.objectFile(location));
    }
    return location;
  }

  async function finishStaged(key: string, size: number): Promise<void> {
    const file = await openFile(files, {
      path: layout.stagedFile(key),
      flags: constants.O_RDWR,
      what: `staged object ${key}`,
    });
    try {
      const held = await file.size();
      if (held < size) throw new BlobStoreError('incomplete', `staged object ${key} has ${held} of ${size} bytes`);
      if (held > size) await file.truncate(size);
      await file.syncData();
    } finally {
      await file.close();
    }
  }

  async function isCommitted(location: string, size: number): Promise<boolean> {
    const held = await sizeOf(files, layout.objectFile(location));
    if (held === undefined || held === size) return held !== undefined;
    const kind = held < size ? 'incomplete' : 'io';
    throw new BlobStoreError(kind, `object ${location} is committed with ${held} bytes, not ${size}`);
  }

  async function syncShard(shard: string): Promise<void> {
    const syncs = [syncNames(layout.shardDirectory(shard))];
    if (!durableShards.has(shard)) syncs.push(syncNames(layout.objectsDirectory));
    await Promise.all(syncs);
    durableShards.add(shard);
  }

  return {
    name: options.name ?? 'fs',

    stage: async (key) => {
      const path = layout.stagedFile(key);
      const file = await openFile(files, {
        path,
        flags: constants.O_RDWR | constants.O_CREAT,
        what: `staged object ${key}`,
      });
      let size = 0;
      const staged: StagedBlob = {
        key,
        async write(position, chunks) {
          if (position > size) size = await file.size();
          if (position > size) {
            throw new BlobStoreError(
              'incomplete',
              `staged object ${key} has ${size} bytes; a write at ${position} leaves a gap`,
            );
          }
          await file.write(position, chunks);
          size = chunks.reduce((end, chunk) => end + chunk.byteLength, position);
        },
        read: (buffer, position) => file.read(buffer, position),
        close: () => file.close(),
      };
      return staged;
    },

    commit: (key, size) =>
      translated(`committing ${key}`, async () => {
        // Of two commits that race, one finds the staged file gone: then the object must be there.
        const location = await commit(key, size).catch(async (error: unknown) => {
          const gone = isSystemError(error, 'ENOENT') || (error instanceof BlobStoreError && error.kind === 'absent');
          if (gone && (await isCommitted(locationOf(key), size))) return locationOf(key);
          throw error;
        });
        await syncShard(shardOf(location));
        return location;
      }),

    abort: (key) => translated(`aborting ${key}`, async () => await removeFile(files, layout.stagedFile(key))),

    open: async (location) => {
      const file = await openFile(files, {
        path: layout.objectFile(location),
        flags: constants.O_RDONLY,
        what: `object ${location}`,
      }).catch(async (error: unknown) => {
        if (error instanceof BlobStoreError && error.kind === 'absent') await assertHere(files, layout);
        throw error;
      });
      const size = await file.size().catch(async (error: unknown) => {
        await file.close();
        throw error;
      });
      const reader: BlobReader = {
        size,
        read: (buffer, position) =>
          file.read(
            position + buffer.byteLength > size ? buffer.subarray(0, Math.max(0, size - position)) : buffer,
            position,
          ),
        close: () => file.close(),
      };
      return reader;
    },

    stat: (location) =>
      translated(`looking for ${location}`, async () => {
        const size = await sizeOf(files, layout.objectFile(location));
        if (size !== undefined) return { size };
        await assertHere(files, layout);
        return undefined;
      }),

    remove: (location) =>
      translated(`removing ${location}`, async () => {
        await removeFile(files, layout.objectFile(location));
        // Also when the file is gone already: an earlier removal may have failed before its sync.
        await syncNames(layout.shardDirectory(shardOf(location))).catch(unless('ENOENT'));
      }),

    list: ({ last, limit }) =>
      translated('listing objects', async () => {
        const found: string[] = [];
        for (const shard of await sortedNames(files, layout.objectsDirectory)) {
          if (found.length >= limit) break;
          if (shard.length !== 2 || (last !== null && shard < shardOf(last))) continue;
          const keys = await sortedNames(files, layout.shardDirectory(shard));
          const locations = keys.filter((key) => shardOf(key) === shard).map(locationOf);
          const after = locations.filter((location) => last === null || location > last);
          found.push(...after.slice(0, limit - found.length));
        }
        return found;
      }),

    listStaged: ({ last, limit }) =>
      translated('listing staged objects', async () => {
        const keys = await sortedNames(files, layout.stagedDirectory);
        return keys.filter((key) => last === null || key > last).slice(0, limit);
      }),

    close: async () => undefined,
  };
}

/** Makes a directory and its missing parents, and syncs each directory that got a new name. */
async function makeDurableDirectory(files: FileSystem, path: string): Promise<void> {
  const first = await files.mkdir(path, { recursive: true, mode: 0o700 });
  if (first === undefined) return;
  for (let made = path; made.length >= first.length; made = dirname(made)) await files.syncDirectory(dirname(made));
}

/** Makes the mark when there is none: in a new folder, and in one that an earlier version made. */
async function makeMark(files: FileSystem, path: string): Promise<void> {
  const file = await openFile(files, {
    path,
    flags: constants.O_WRONLY | constants.O_CREAT,
    what: 'the mark of the blob folder',
  });
  try {
    await file.syncData();
  } finally {
    await file.close();
  }
}

/** An object counts as absent only while its store is there: a folder that is not mounted has lost nothing. */
async function assertHere(files: FileSystem, layout: Layout): Promise<void> {
  if ((await sizeOf(files, layout.markFile)) !== undefined) return;
  throw new BlobStoreError('io', 'the blob folder is away: it does not hold the mark that was made at the start');
}

async function removeFile(files: FileSystem, path: string): Promise<void> {
  await files.unlink(path).catch(unless('ENOENT'));
}

async function sizeOf(files: FileSystem, path: string): Promise<number | undefined> {
  return (await files.stat(path).catch(unless('ENOENT')))?.size;
}

/** Names that can be keys or shards, ascending; files that others put there are not ours. */
async function sortedNames(files: FileSystem, path: string): Promise<string[]> {
  return (await files.readdir(path)).filter(isKey).sort();
}

/** A handler that lets one error pass as undefined. */
function unless(code: string): (error: unknown) => undefined {
  return (error) => {
    if (!isSystemError(error, code)) throw error;
    return undefined;
  };
}

async function translated<T>(what: string, call: () => Promise<T>): Promise<T> {
  try {
    return await call();
  } catch (error) {
    throw portError(error, what);
  }
}
