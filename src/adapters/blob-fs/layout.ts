import { join } from 'node:path';

/**
 * Where things are:
 *
 *   <directory>/.berth-blobs               the mark: says that the store is here, and not an empty mount point
 *   <directory>/staged/<key>
 *   <directory>/objects/<shard>/<key>      shard: the first two characters of the key
 *
 * A location is `<shard>/<key>`. Shards have one length, so locations sort as their keys do.
 */
export interface Layout {
  readonly directory: string;
  readonly markFile: string;
  readonly stagedDirectory: string;
  readonly objectsDirectory: string;
  stagedFile(key: string): string;
  objectFile(location: string): string;
  shardDirectory(shard: string): string;
}

/** Letters, digits, `_` and `-`: a safe file name on every system, never hidden, never a path. */
const keyGrammar = /^[A-Za-z0-9][A-Za-z0-9_-]{1,127}$/;

/** The layout below `directory`. Its functions throw a TypeError for a key or location that this store never made. */
export function layoutOf(directory: string): Layout {
  const stagedDirectory = join(directory, 'staged');
  const objectsDirectory = join(directory, 'objects');
  return {
    directory,
    markFile: join(directory, '.berth-blobs'),
    stagedDirectory,
    objectsDirectory,
    stagedFile: (key) => join(stagedDirectory, parseKey(key)),
    objectFile(location) {
      const key = parseKey(location.slice(3));
      if (location !== locationOf(key)) throw new TypeError(`${quote(location)} is not a location of this blob store`);
      return join(objectsDirectory, shardOf(key), key);
    },
    shardDirectory: (shard) => join(objectsDirectory, shard),
  };
}

/** The location that a key gets when it is committed. */
export function locationOf(key: string): string {
  return `${shardOf(key)}/${key}`;
}

/** The shard of a key or of a location. */
export function shardOf(text: string): string {
  return text.slice(0, 2);
}

/** True when `text` can be a key. */
export function isKey(text: string): boolean {
  return keyGrammar.test(text);
}

function parseKey(text: string): string {
  if (!isKey(text)) throw new TypeError(`${quote(text)} is not a key of a blob store`);
  return text;
}

function quote(text: string): string {
  return JSON.stringify(text.slice(0, 80));
}
