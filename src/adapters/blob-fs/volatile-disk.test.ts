import { constants } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { blobStoreContract } from '../../ports/blob-store.contract.ts';
import { type Survivor, volatileDisk } from './_volatile-disk.ts';
import { volatileFileSystem } from './_volatile-file-system.ts';
import type { FileSystem } from './file-system.ts';
import { fsBlobStore } from './index.ts';

const powered = () => Promise.resolve();

// The disk of the power tests is worth something only if the store cannot tell it from a real one.
blobStoreContract(
  'fs on a disk that loses power',
  async () => {
    const disk = volatileDisk('/disk');
    const reopen = () => fsBlobStore({ directory: '/disk/blobs', files: volatileFileSystem(disk, powered) });
    const store = await reopen();
    return {
      store,
      reopen,
      leftovers: async () =>
        [...disk.contents()]
          .filter(([path, bytes]) => bytes !== null && !path.endsWith('/.berth-blobs'))
          .map(([path]) => path),
      [Symbol.asyncDispose]: () => store.close(),
    };
  },
  { boundedMemory: false, survivesRestart: true },
);

describe('a disk that loses power', () => {
  const flags = constants.O_RDWR | constants.O_CREAT;
  const world = async () => {
    const disk = volatileDisk('/d');
    const files = volatileFileSystem(disk, powered);
    for (const name of ['a', 'b']) await files.mkdir(`/d/${name}`, { mode: 0o700 });
    await files.syncDirectory('/d');
    const after = (survivor: Survivor) => {
      const left = [...disk.afterCut(survivor).contents()].filter(([, bytes]) => bytes !== null);
      return Object.fromEntries(left.map(([path, bytes]) => [path, Buffer.from(bytes ?? []).toString()]));
    };
    return { files, after };
  };
  const write = (files: FileSystem, descriptor: number, position: number, text: string) =>
    new Promise<void>((resolve, reject) => {
      files.writev(descriptor, [Buffer.from(text)], position, (error) => (error ? reject(error) : resolve()));
    });

  test('keeps bytes that were synced, and of the others what the case says', async () => {
    const { files, after } = await world();
    const file = await files.open('/d/a/x', flags, 0o600);
    await write(files, file, 0, 'abcd');
    await files.syncData(file);
    await files.syncDirectory('/d/a');
    await write(files, file, 4, 'efgh');
    await write(files, file, 8, 'ijkl');
    expect(after('synced')).toEqual({ '/d/a/x': 'abcd' });
    expect(after('names')).toEqual({ '/d/a/x': 'abcd' });
    expect(after('all')).toEqual({ '/d/a/x': 'abcdefghijkl' });
    expect(after('prefix')).toEqual({ '/d/a/x': 'abcdefgh' });
    expect(after('torn')).toEqual({ '/d/a/x': 'abcdef\0\0ij\0\0' });
  });

  test('forgets a name whose directory was not synced, though its bytes were', async () => {
    const { files, after } = await world();
    const file = await files.open('/d/a/x', flags, 0o600);
    await write(files, file, 0, 'abcd');
    await files.syncData(file);
    expect(after('synced')).toEqual({});
    expect(after('names')).toEqual({ '/d/a/x': 'abcd' });
    await files.syncDirectory('/d/a');
    await files.unlink('/d/a/x');
    expect(after('synced')).toEqual({ '/d/a/x': 'abcd' });
    await files.syncDirectory('/d/a');
    expect(after('synced')).toEqual({});
  });

  test('moves a name whole or not at all, and only by a sync of where it went', async () => {
    const { files, after } = await world();
    const file = await files.open('/d/a/x', flags, 0o600);
    await write(files, file, 0, 'abcd');
    await files.syncData(file);
    await files.syncDirectory('/d/a');
    await files.rename('/d/a/x', '/d/b/y');
    await files.syncDirectory('/d/a');
    expect(after('synced')).toEqual({ '/d/a/x': 'abcd' });
    await files.syncDirectory('/d/b');
    expect(after('synced')).toEqual({ '/d/b/y': 'abcd' });
    expect(after('doubled')).toEqual({ '/d/a/x': 'abcd', '/d/b/y': 'abcd' });
    await files.syncDirectory('/d/a');
    expect(after('doubled')).toEqual({ '/d/b/y': 'abcd' });
  });

  test('does not bring back a name that was moved on before it was ever durable', async () => {
    const { files, after } = await world();
    await files.open('/d/a/x', flags, 0o600);
    await files.rename('/d/a/x', '/d/b/y');
    await files.syncDirectory('/d/b');
    await files.syncDirectory('/d/a');
    expect(after('synced')).toEqual({ '/d/b/y': '' });
  });

  test('forgets what is in a directory that was never durable itself', async () => {
    const { files, after } = await world();
    await files.mkdir('/d/a/new', { mode: 0o700 });
    await files.open('/d/a/new/x', flags, 0o600);
    await files.syncDirectory('/d/a/new');
    expect(after('synced')).toEqual({});
    await files.syncDirectory('/d/a');
    expect(after('synced')).toEqual({ '/d/a/new/x': '' });
  });

  test('makes durable only what came before the sync began', async () => {
    const disk = volatileDisk('/d');
    const files = volatileFileSystem(disk, powered);
    const file = await files.open('/d/x', flags, 0o600);
    await files.syncDirectory('/d');
    await write(files, file, 0, 'abcd');
    const node = disk.find('/d/x');
    if (!node) throw new Error('no file');
    const end = disk.beginSync(node);
    await write(files, file, 4, 'efgh');
    end();
    expect(Buffer.from(disk.afterCut('synced').contents().get('/d/x') ?? []).toString()).toBe('abcd');
  });
});
