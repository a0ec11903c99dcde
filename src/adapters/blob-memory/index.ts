import { type BlobReader, type BlobStore, BlobStoreError, type StagedBlob } from '../../ports/index.ts';

/** Bytes that grow at the end. */
interface Growing {
  bytes: Buffer;
  size: number;
}

const safeKey = /^[A-Za-z0-9][A-Za-z0-9_-]{1,127}$/;
const prefix = 'object:';

/** A blob store in the heap, for tests. Nothing survives it. */
export function memoryBlobStore(options: { readonly name?: string } = {}): BlobStore {
  const staged = new Map<string, Growing>();
  const objects = new Map<string, Buffer>();

  return {
    name: options.name ?? 'memory',

    async stage(key) {
      assertKey(key);
      const content = staged.get(key) ?? { bytes: Buffer.alloc(0), size: 0 };
      staged.set(key, content);
      return stagedBlob(key, content);
    },

    async commit(key, size) {
      assertKey(key);
      const location = prefix + key;
      const committed = objects.get(location);
      const content = staged.get(key);
      const held = committed?.length ?? content?.size;
      if (held === undefined) throw new BlobStoreError('absent', `"${key}" is not staged`);
      if (held < size) throw new BlobStoreError('incomplete', `"${key}" has ${held} of ${size} bytes`);
      if (committed && held > size)
        throw new BlobStoreError('io', `"${key}" is committed with ${held} bytes, not ${size}`);
      if (!committed && content) objects.set(location, Buffer.from(content.bytes.subarray(0, size)));
      staged.delete(key);
      return location;
    },

    async abort(key) {
      assertKey(key);
      staged.delete(key);
    },

    async open(location) {
      const bytes = objects.get(location);
      if (!bytes) throw new BlobStoreError('absent', `no object at "${location}"`);
      return blobReader(bytes);
    },

    async stat(location) {
      const bytes = objects.get(location);
      return bytes && { size: bytes.length };
    },

    async remove(location) {
      objects.delete(location);
    },

    list: async (page) => pageOf(objects.keys(), page),
    listStaged: async (page) => pageOf(staged.keys(), page),
    close: async () => undefined,
  };
}

function stagedBlob(key: string, content: Growing): StagedBlob {
  let closed = false;
  return {
    key,
    async write(position, chunks) {
      assertOpen(closed);
      if (position > content.size) {
        throw new BlobStoreError(
          'incomplete',
          `"${key}" has ${content.size} bytes; a write at ${position} leaves a gap`,
        );
      }
      let at = position;
      for (const chunk of chunks) {
        reserve(content, at + chunk.byteLength);
        content.bytes.set(chunk, at);
        at += chunk.byteLength;
        content.size = Math.max(content.size, at);
      }
    },
    async read(buffer, position) {
      assertOpen(closed);
      return copy(content.bytes.subarray(0, content.size), buffer, position);
    },
    async close() {
      closed = true;
    },
  };
}

function blobReader(bytes: Buffer): BlobReader {
  let closed = false;
  return {
    size: bytes.length,
    async read(buffer, position) {
      assertOpen(closed);
      return copy(bytes, buffer, position);
    },
    async close() {
      closed = true;
    },
  };
}

function reserve(content: Growing, size: number): void {
  if (size <= content.bytes.length) return;
  const larger = Buffer.alloc(Math.max(size, content.bytes.length * 2));
  larger.set(content.bytes);
  content.bytes = larger;
}

function copy(from: Buffer, to: Uint8Array, position: number): number {
  return position >= from.length ? 0 : from.copy(to, 0, position);
}

function pageOf(names: Iterable<string>, page: { readonly last: string | null; readonly limit: number }): string[] {
  const { last, limit } = page;
  return [...names]
    .filter((name) => last === null || name > last)
    .sort()
    .slice(0, limit);
}

function assertKey(key: string): void {
  if (!safeKey.test(key)) throw new TypeError(`${JSON.stringify(key.slice(0, 80))} is not a key of a blob store`);
}

function assertOpen(closed: boolean): void {
  if (closed) throw new BlobStoreError('io', 'the object is closed');
}
