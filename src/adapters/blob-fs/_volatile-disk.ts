import { dirname } from 'node:path';

/**
 * A disk with a cache that loses power. What was written counts only after a sync of its file, a name only after a sync
 * of its directory:
 *
 *   names    path ─▶ node      those in use, and those on the platter; changes between them wait in `pending`, in order
 *   node     bytes in use, and as of the last sync; writes since wait in `writes`, in order
 *
 * A rename waits for a sync of the directory that gets the name and happens whole or not at all, as journals do it.
 */
export interface VolatileDisk {
  find(path: string): DiskNode | undefined;
  /** Names of everything directly in a directory, in no order. */
  namesIn(path: string): string[];
  /** Gives a new or known node a name. */
  link(path: string, node: DiskNode): void;
  unlink(path: string): void;
  rename(from: string, to: string): void;
  write(node: DiskNode, position: number, chunks: readonly Uint8Array[]): void;
  truncate(node: DiskNode, size: number): void;
  /** Begins a sync; what it answers, called when the sync is over, makes durable what was there when it began. */
  beginSync(what: DiskNode | { readonly directory: string }): () => void;
  /** The disk as it may be found after a cut now. This disk is left as it is. */
  afterCut(survivor: Survivor): VolatileDisk;
  /** Paths and bytes of all files, a directory with null; what a copy of the disk holds. */
  contents(): Map<string, Uint8Array | null>;
}

/**
 * What a cut leaves. A real disk may leave anything between:
 *
 *   synced    nothing but what was synced
 *   all       everything, as a mere kill does
 *   prefix    what was synced, and the earlier half of what was not
 *   names     all names, of the bytes only those that were synced
 *   torn      all names and sizes, of each write since the last sync the first half, zeros for the rest
 *   doubled   what was synced, and files that were renamed have their earlier name as well
 */
export type Survivor = (typeof survivors)[number];
export const survivors = ['synced', 'all', 'prefix', 'names', 'torn', 'doubled'] as const;

/** A file or a directory, whatever it is called. */
export interface DiskNode {
  readonly isDirectory: boolean;
  bytes: Buffer;
  synced: Buffer;
  writes: Write[];
}

type Write = { readonly order: number } & (
  | { readonly position: number; readonly bytes: Buffer }
  | { readonly size: number }
);

type NameChange = { readonly order: number; readonly node: DiskNode } & (
  | { readonly kind: 'link' | 'unlink'; readonly path: string }
  | { readonly kind: 'rename'; readonly path: string; readonly from: string }
);

type Names = Map<string, DiskNode>;

export function newNode(isDirectory: boolean): DiskNode {
  return { isDirectory, bytes: Buffer.alloc(0), synced: Buffer.alloc(0), writes: [] };
}

/** Makes a disk that holds one directory, durable from the first. */
export function volatileDisk(root: string): VolatileDisk {
  const names: Names = new Map([[root, newNode(true)]]);
  return diskOf(names);
}

/** A disk that holds `names`, all of it durable. */
function diskOf(names: Names): VolatileDisk {
  const durable: Names = new Map(names);
  /** Names that a durable rename took away, until their directory is synced. */
  const ghosts: Names = new Map();
  let pending: NameChange[] = [];
  let order = 0;

  const settle = (directory: string, until: number): void => {
    const mine = pending.filter((change) => change.order <= until && dirname(change.path) === directory);
    for (const [path] of ghosts) if (dirname(path) === directory) ghosts.delete(path);
    for (const change of mine) {
      if (change.kind === 'rename' && dirname(change.from) !== directory) ghosts.set(change.from, change.node);
      applyName(durable, change);
    }
    // The name that a rename took away is gone from the platter with it, whether or not it ever was there.
    const moved = new Map(mine.flatMap((change) => (change.kind === 'rename' ? [[change.from, change]] : [])));
    const isVoid = (change: NameChange) => {
      const by = moved.get(change.path);
      return by !== undefined && change.order < by.order;
    };
    pending = pending.filter((change) => !mine.includes(change) && !isVoid(change));
  };

  const nodesInUse = (): Set<DiskNode> => new Set([...names.values(), ...durable.values()]);

  return {
    find: (path) => names.get(path),
    namesIn: (path) =>
      [...names.keys()]
        .filter((name) => dirname(name) === path && name !== path)
        .map((name) => name.slice(path.length + 1)),
    link(path, node) {
      const change: NameChange = { kind: 'link', path, node, order: ++order };
      applyName(names, change);
      pending.push(change);
    },
    unlink(path) {
      const node = names.get(path);
      if (!node) return;
      const change: NameChange = { kind: 'unlink', path, node, order: ++order };
      applyName(names, change);
      pending.push(change);
    },
    rename(from, path) {
      const node = names.get(from);
      if (!node) throw new Error(`${from} is not on the disk`);
      const change: NameChange = { kind: 'rename', from, path, node, order: ++order };
      applyName(names, change);
      pending.push(change);
    },
    write(node, position, chunks) {
      const write: Write = { order: ++order, position, bytes: Buffer.concat(chunks) };
      node.bytes = written(node.bytes, write);
      node.writes.push(write);
    },
    truncate(node, size) {
      const write: Write = { order: ++order, size };
      node.bytes = written(node.bytes, write);
      node.writes.push(write);
    },
    beginSync(what) {
      const until = order;
      if ('directory' in what) return () => settle(what.directory, until);
      return () => {
        const [done, left] = [
          what.writes.filter((one) => one.order <= until),
          what.writes.filter((one) => one.order > until),
        ];
        what.synced = writtenAll(what.synced, done);
        what.writes = left;
      };
    },
    afterCut(survivor) {
      const orders = [...pending, ...[...nodesInUse()].flatMap((node) => node.writes)].map((one) => one.order);
      const limit = survivor === 'prefix' ? medianOf(orders) : survivor === 'all' ? order : 0;
      const kept: Names = new Map(survivor === 'doubled' ? [...durable, ...ghosts] : durable);
      for (const change of pending) {
        if (survivor === 'names' || survivor === 'torn' || change.order <= limit) applyName(kept, change);
      }
      const copies = new Map<DiskNode, DiskNode>();
      const copyOf = (node: DiskNode): DiskNode => {
        const known = copies.get(node);
        if (known) return known;
        const bytes = survivor === 'torn' ? tornBytes(node) : bytesUntil(node, limit);
        const copy = { ...newNode(node.isDirectory), bytes, synced: bytes };
        copies.set(node, copy);
        return copy;
      };
      const reachable = [...kept].filter(([path]) => hasParents(kept, path));
      return diskOf(new Map(reachable.map(([path, node]) => [path, copyOf(node)])));
    },
    contents: () => new Map([...names].map(([path, node]) => [path, node.isDirectory ? null : node.bytes])),
  };
}

function applyName(names: Names, change: NameChange): void {
  if (change.kind === 'rename') {
    if (names.get(change.from) === change.node) names.delete(change.from);
    names.set(change.path, change.node);
  } else if (change.kind === 'link') names.set(change.path, change.node);
  else if (names.get(change.path) === change.node) names.delete(change.path);
}

/** True when each directory above `path` is there, up to the highest directory that the disk knows. */
function hasParents(names: Names, path: string): boolean {
  const shortest = [...names.keys()].reduce((one, other) => (other.length < one.length ? other : one));
  for (let at = path; at !== shortest; at = dirname(at)) if (!names.has(dirname(at))) return false;
  return true;
}

function written(bytes: Buffer, write: Write): Buffer {
  if ('size' in write) return resized(bytes, write.size);
  const grown = resized(bytes, Math.max(bytes.length, write.position + write.bytes.length));
  const result = grown === bytes ? Buffer.from(bytes) : grown;
  write.bytes.copy(result, write.position);
  return result;
}

function resized(bytes: Buffer, size: number): Buffer {
  if (bytes.length === size) return bytes;
  const result = Buffer.alloc(size);
  bytes.copy(result, 0, 0, Math.min(size, bytes.length));
  return result;
}

/** Bytes after several writes, with one copy. */
function writtenAll(bytes: Buffer, writes: readonly Write[]): Buffer {
  if (writes.some((write) => 'size' in write)) return writes.reduce(written, bytes);
  const ends = writes.map((write) => ('size' in write ? 0 : write.position + write.bytes.length));
  const result = Buffer.alloc(ends.reduce((one, other) => Math.max(one, other), bytes.length));
  bytes.copy(result);
  for (const write of writes) if ('position' in write) write.bytes.copy(result, write.position);
  return result;
}

function bytesUntil(node: DiskNode, limit: number): Buffer {
  const kept = node.writes.filter((write) => write.order <= limit);
  return writtenAll(node.synced, kept);
}

function tornBytes(node: DiskNode): Buffer {
  const half = (write: Write): Write =>
    'size' in write ? write : { ...write, bytes: write.bytes.subarray(0, Math.floor(write.bytes.length / 2)) };
  return resized(writtenAll(node.synced, node.writes.map(half)), node.bytes.length);
}

function medianOf(numbers: readonly number[]): number {
  const sorted = [...numbers].sort((one, other) => one - other);
  return sorted[Math.floor((sorted.length - 1) / 2)] ?? 0;
}
