import { createHash } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import type { BlobReader, BlobStore } from './blob-store.ts';

/** One store for one test. `leftovers` names what the technology still holds after all objects are gone (files, handles). */
export interface BlobStoreWorld extends AsyncDisposable {
  readonly store: BlobStore;
  /** The same bytes through a new store, as after a restart. */
  readonly reopen?: () => Promise<BlobStore>;
  readonly leftovers?: () => Promise<string[]>;
}

/** What an adapter can do; a test that needs more is skipped and counted. */
export interface BlobStoreAbilities {
  /** Bytes live outside this process, so that a large stream passes under `memoryCapBytes`. */
  readonly boundedMemory: boolean;
  /** Staged and committed bytes outlive the store that wrote them; the world then offers `reopen`. */
  readonly survivesRestart: boolean;
  /** Buffers that a 64 MiB stream may hold at any time, in bytes; 32 MiB when absent. */
  readonly memoryCapBytes?: number;
}

const unsafeKeys = [
  '',
  '.',
  '..',
  '../up',
  'a/b',
  'a\\b',
  '/etc',
  'nul\0byte',
  'line\nfeed',
  'ünicode',
  'x'.repeat(300),
];

/** The promises of `BlobStore`, run against every adapter. Each test leaves the store empty, or fails. */
export function blobStoreContract(
  name: string,
  factory: () => Promise<BlobStoreWorld>,
  abilities: BlobStoreAbilities,
): void {
  const inWorld = (body: (store: BlobStore, world: BlobStoreWorld) => Promise<void>) => async () => {
    await using world = await factory();
    await body(world.store, world);
    expect(await world.store.listStaged({ last: null, limit: 10 })).toEqual([]);
    expect(await world.store.list({ last: null, limit: 10 })).toEqual([]);
    expect((await world.leftovers?.()) ?? []).toEqual([]);
  };

  describe(`${name} as a blob store: writing`, () => {
    test(
      'gives back the chunks of one write as one object',
      inWorld(async (store) => {
        const location = await put(store, 'object-1', ['he', '', 'llo ', 'world']);
        expect(await store.stat(location)).toEqual({ size: 11 });
        expect(await contentOf(store, location)).toBe('hello world');
        await store.remove(location);
      }),
    );

    test(
      'holds an empty object',
      inWorld(async (store) => {
        const location = await put(store, 'object-1', []);
        expect(await store.stat(location)).toEqual({ size: 0 });
        expect(await contentOf(store, location)).toBe('');
        await store.remove(location);
      }),
    );

    test(
      'takes a write of zero bytes as nothing',
      inWorld(async (store) => {
        const staged = await store.stage('object-1');
        await staged.write(0, []);
        await staged.write(0, [bytes('ab')]);
        await staged.write(2, [bytes('')]);
        await staged.write(2, [bytes('c')]);
        await staged.close();
        const location = await store.commit('object-1', 3);
        expect(await contentOf(store, location)).toBe('abc');
        await store.remove(location);
      }),
    );

    test(
      'continues a staged object at its offset',
      inWorld(async (store) => {
        await write(store, 'object-1', 0, 'first ');
        await write(store, 'object-1', 6, 'second');
        const location = await store.commit('object-1', 12);
        expect(await contentOf(store, location)).toBe('first second');
        await store.remove(location);
      }),
    );

    test.skipIf(!abilities.survivesRestart)(
      'continues after a restart, and keeps what was committed',
      inWorld(async (store, world) => {
        await write(store, 'object-1', 0, 'before ');
        const kept = await put(store, 'object-2', ['kept']);
        const later = await world.reopen!();
        const staged = await later.stage('object-1');
        expect(await readAt(staged, 0, 100)).toBe('before ');
        await staged.write(7, [bytes('after')]);
        await staged.close();
        const location = await later.commit('object-1', 12);
        expect(await contentOf(later, location)).toBe('before after');
        expect(await contentOf(later, kept)).toBe('kept');
        expect(await later.commit('object-2', 4)).toBe(kept);
        await later.remove(location);
        await later.remove(kept);
        await later.close();
      }),
    );

    test(
      'lets a writer go back over bytes that were never acknowledged',
      inWorld(async (store) => {
        await write(store, 'object-1', 0, 'good bad bad');
        await write(store, 'object-1', 5, 'better');
        const location = await store.commit('object-1', 11);
        expect(await contentOf(store, location)).toBe('good better');
        await store.remove(location);
      }),
    );

    test(
      'refuses a write that would leave a gap',
      inWorld(async (store) => {
        const staged = await store.stage('object-1');
        await staged.write(0, [bytes('abc')]);
        await expect(staged.write(4, [bytes('e')])).rejects.toMatchObject({ kind: 'incomplete' });
        await staged.close();
        await expect(store.commit('object-1', 5)).rejects.toMatchObject({ kind: 'incomplete' });
        await store.abort('object-1');
      }),
    );

    test(
      'reads back what is staged, short only at the end',
      inWorld(async (store) => {
        const staged = await store.stage('object-1');
        expect(await readAt(staged, 0, 4)).toBe('');
        await staged.write(0, [bytes('abc'), bytes('def')]);
        expect(await readAt(staged, 0, 6)).toBe('abcdef');
        expect(await readAt(staged, 2, 2)).toBe('cd');
        expect(await readAt(staged, 4, 9)).toBe('ef');
        expect(await readAt(staged, 6, 9)).toBe('');
        await staged.close();
        await store.abort('object-1');
      }),
    );
  });

  describe(`${name} as a blob store: committing`, () => {
    test(
      'refuses to commit more bytes than are staged, and goes on afterwards',
      inWorld(async (store) => {
        await write(store, 'object-1', 0, 'abc');
        await expect(store.commit('object-1', 4)).rejects.toMatchObject({ kind: 'incomplete' });
        await write(store, 'object-1', 3, 'd');
        const location = await store.commit('object-1', 4);
        expect(await contentOf(store, location)).toBe('abcd');
        await store.remove(location);
      }),
    );

    test(
      'refuses to commit what was never staged',
      inWorld(async (store) => {
        await expect(store.commit('object-1', 0)).rejects.toMatchObject({ name: 'BlobStoreError', kind: 'absent' });
      }),
    );

    test(
      'cuts off the bytes beyond the committed size',
      inWorld(async (store) => {
        await write(store, 'object-1', 0, 'wanted and not wanted');
        const location = await store.commit('object-1', 6);
        expect(await store.stat(location)).toEqual({ size: 6 });
        expect(await contentOf(store, location)).toBe('wanted');
        await store.remove(location);
      }),
    );

    test(
      'answers the same location when a commit is repeated',
      inWorld(async (store) => {
        const location = await put(store, 'object-1', ['abc']);
        expect(await store.commit('object-1', 3)).toBe(location);
        expect(await contentOf(store, location)).toBe('abc');
        await store.remove(location);
      }),
    );

    test(
      'refuses to repeat a commit with another size',
      inWorld(async (store) => {
        const location = await put(store, 'object-1', ['abc']);
        await expect(store.commit('object-1', 4)).rejects.toMatchObject({ kind: 'incomplete' });
        await expect(store.commit('object-1', 2)).rejects.toMatchObject({ kind: 'io' });
        expect(await contentOf(store, location)).toBe('abc');
        await store.remove(location);
      }),
    );

    test(
      'answers the same location to commits that race',
      inWorld(async (store) => {
        await write(store, 'object-1', 0, 'abc and more');
        const locations = await Promise.all([1, 2, 3, 4].map(() => store.commit('object-1', 3)));
        expect(new Set(locations).size).toBe(1);
        expect(await contentOf(store, locations[0]!)).toBe('abc');
        await store.remove(locations[0]!);
      }),
    );

    test(
      'commits many objects at once, and equal content never meets',
      inWorld(async (store) => {
        const keys = Array.from({ length: 24 }, (_, index) => `object-${index}`);
        const locations = await Promise.all(keys.map((key) => put(store, key, ['same bytes'])));
        expect(new Set(locations).size).toBe(keys.length);
        await Promise.all(locations.slice(1).map((location) => store.remove(location)));
        expect(await store.list({ last: null, limit: 100 })).toEqual([locations[0]]);
        expect(await contentOf(store, locations[0]!)).toBe('same bytes');
        await store.remove(locations[0]!);
      }),
    );

    test(
      'shows nothing before the commit and everything after it',
      inWorld(async (store) => {
        await write(store, 'object-1', 0, 'abc');
        expect(await store.list({ last: null, limit: 10 })).toEqual([]);
        expect(await store.listStaged({ last: null, limit: 10 })).toEqual(['object-1']);
        const location = await store.commit('object-1', 3);
        expect(await store.list({ last: null, limit: 10 })).toEqual([location]);
        expect(await store.listStaged({ last: null, limit: 10 })).toEqual([]);
        await store.remove(location);
      }),
    );

    test(
      'forgets a staged object that is aborted, and takes an absent one as done',
      inWorld(async (store) => {
        await write(store, 'object-1', 0, 'abc');
        await store.abort('object-1');
        await store.abort('object-1');
        await expect(store.commit('object-1', 3)).rejects.toMatchObject({ kind: 'absent' });
      }),
    );

    test(
      'leaves a committed object alone when its key is aborted',
      inWorld(async (store) => {
        const location = await put(store, 'object-1', ['abc']);
        await store.abort('object-1');
        expect(await contentOf(store, location)).toBe('abc');
        await store.remove(location);
      }),
    );
  });

  describe(`${name} as a blob store: reading`, () => {
    test(
      'reads at the edges',
      inWorld(async (store) => {
        const location = await put(store, 'object-1', ['0123456789']);
        const reader = await store.open(location);
        expect(reader.size).toBe(10);
        expect(await readAt(reader, 0, 1)).toBe('0');
        expect(await readAt(reader, 9, 1)).toBe('9');
        expect(await readAt(reader, 9, 100)).toBe('9');
        expect(await readAt(reader, 10, 1)).toBe('');
        expect(await readAt(reader, 1000, 1)).toBe('');
        expect(await readAt(reader, 3, 0)).toBe('');
        expect(await readAt(reader, 0, 10)).toBe('0123456789');
        await reader.close();
        await store.remove(location);
      }),
    );

    test(
      'refuses to read through a closed reader, and closes twice',
      inWorld(async (store) => {
        const location = await put(store, 'object-1', ['abc']);
        const reader = await store.open(location);
        await reader.close();
        await reader.close();
        await expect(reader.read(new Uint8Array(1), 0)).rejects.toMatchObject({ kind: 'io' });
        await store.remove(location);
      }),
    );

    test(
      'knows no object after its removal, and takes an absent one as done',
      inWorld(async (store) => {
        const location = await put(store, 'object-1', ['abc']);
        await store.remove(location);
        await store.remove(location);
        await expect(store.open(location)).rejects.toMatchObject({ name: 'BlobStoreError', kind: 'absent' });
        expect(await store.stat(location)).toBeUndefined();
      }),
    );

    test(
      'lets an open reader finish after the removal',
      inWorld(async (store) => {
        const location = await put(store, 'object-1', ['abcdef']);
        const reader = await store.open(location);
        expect(await readAt(reader, 0, 3)).toBe('abc');
        await store.remove(location);
        expect(await readAt(reader, 3, 3)).toBe('def');
        await reader.close();
      }),
    );

    test(
      'lists committed locations in pages, in ascending order',
      inWorld(async (store) => {
        const keys = ['zz-last', 'aa-first', 'aa-second', 'mm-middle', 'ab-third'];
        const all = (await Promise.all(keys.map((key) => put(store, key, [key])))).sort();
        expect(await store.list({ last: null, limit: 100 })).toEqual(all);
        expect(await store.list({ last: null, limit: 0 })).toEqual([]);
        expect(await pages((last) => store.list({ last, limit: 2 }))).toEqual([
          all.slice(0, 2),
          all.slice(2, 4),
          all.slice(4),
        ]);
        for (const location of all) await store.remove(location);
      }),
    );

    test(
      'lists staged keys in pages, in ascending order',
      inWorld(async (store) => {
        const keys = ['zz-last', 'aa-first', 'aa-second', 'mm-middle', 'ab-third'];
        for (const key of keys) await write(store, key, 0, key);
        const all = keys.toSorted();
        expect(await store.listStaged({ last: null, limit: 100 })).toEqual(all);
        expect(await store.listStaged({ last: null, limit: 0 })).toEqual([]);
        expect(await pages((last) => store.listStaged({ last, limit: 2 }))).toEqual([
          all.slice(0, 2),
          all.slice(2, 4),
          all.slice(4),
        ]);
        for (const key of keys) await store.abort(key);
      }),
    );
  });

  describe(`${name} as a blob store: limits`, () => {
    test.each(unsafeKeys)(
      'refuses the key %j',
      async (key) =>
        await inWorld(async (store) => {
          await expect(store.stage(key)).rejects.toThrow(TypeError);
          await expect(store.commit(key, 0)).rejects.toThrow(TypeError);
          await expect(store.abort(key)).rejects.toThrow(TypeError);
          await expect(store.open(key)).rejects.toThrow();
        })(),
    );

    test.skipIf(!abilities.boundedMemory)(
      'passes 64 MiB through under a cap of memory',
      inWorld(async (store) => {
        const block = Buffer.allocUnsafeSlow(1 << 20);
        const blocks = 64;
        const before = process.memoryUsage().arrayBuffers;
        let peak = 0;
        const observe = () => {
          peak = Math.max(peak, process.memoryUsage().arrayBuffers - before);
        };
        const written = createHash('sha256');
        const staged = await store.stage('object-1');
        for (let index = 0; index < blocks; index++) {
          block.fill(`block ${index} `);
          written.update(block);
          await staged.write(index * block.length, [block.subarray(0, 1000), block.subarray(1000)]);
          observe();
        }
        await staged.close();
        const location = await store.commit('object-1', blocks * block.length);
        const reader = await store.open(location);
        const found = createHash('sha256');
        for (let position = 0; position < reader.size; position += block.length) {
          expect(await reader.read(block, position)).toBe(block.length);
          found.update(block);
          observe();
        }
        await reader.close();
        expect(found.digest('hex')).toBe(written.digest('hex'));
        expect(peak).toBeLessThan(abilities.memoryCapBytes ?? 32 << 20);
        await store.remove(location);
      }),
    );

    test('closes twice', async () => {
      await using world = await factory();
      await world.store.close();
      await expect(world.store.close()).resolves.toBeUndefined();
    });
  });
}

function bytes(text: string): Uint8Array {
  return Buffer.from(text);
}

async function write(store: BlobStore, key: string, position: number, text: string): Promise<void> {
  const staged = await store.stage(key);
  await staged.write(position, [bytes(text)]);
  await staged.close();
}

async function put(store: BlobStore, key: string, chunks: readonly string[]): Promise<string> {
  const staged = await store.stage(key);
  await staged.write(0, chunks.map(bytes));
  await staged.close();
  return await store.commit(key, Buffer.byteLength(chunks.join('')));
}

async function readAt(from: Pick<BlobReader, 'read'>, position: number, length: number): Promise<string> {
  const buffer = Buffer.alloc(length);
  const read = await from.read(buffer, position);
  return buffer.toString('utf8', 0, read);
}

async function contentOf(store: BlobStore, location: string): Promise<string> {
  const reader = await store.open(location);
  const text = await readAt(reader, 0, reader.size);
  await reader.close();
  return text;
}

async function pages(next: (last: string | null) => Promise<string[]>): Promise<string[][]> {
  const all: string[][] = [];
  for (let last: string | null = null; ; ) {
    const page = await next(last);
    if (page.length === 0) return all;
    all.push(page);
    last = page.at(-1)!;
  }
}
