import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type ContentSeal, plainSeal, statement } from '../data/index.ts';
import { digestOf } from '../kernel/index.ts';
import type { EngineFactory, TestEngine } from './_engines.ts';
import { app, bodyOf, bytesOf, repo, type TestWorld, testWorld } from './_world.ts';

const bodies = statement<{ registryId: number }, { codec: string; bytes: Uint8Array }>((db, p) =>
  db.selectFrom('body').select(['codec', 'bytes']).where('registry_id', '=', p.registryId).limit(1000),
);
const tails = statement<{ registryId: number }, { tail: Uint8Array | null }>((db, p) =>
  db.selectFrom('upload').select('tail').where('registry_id', '=', p.registryId).limit(1000),
);

/** Every byte is changed, and by its position, so that what is opened at a wrong place is not clear either. */
const turned = (byte: number, position: number): number => byte ^ 0xa5 ^ (position & 0x0f);

function xorAll(bytes: Uint8Array, position: number): Uint8Array {
  return Uint8Array.from(bytes, (byte, index) => turned(byte, position + index));
}

/** A seal that hides nothing from a reader of this file, and everything from a search for plain text. */
const xorSeal: ContentSeal = {
  codec: 'xor',
  keyId: 'key-1',
  sealBody: (_registryId, bytes) => xorAll(bytes, 0),
  openBody(_registryId, codec, keyId, bytes) {
    if (codec === 'plain') return bytes;
    expect([codec, keyId]).toEqual(['xor', 'key-1']);
    return xorAll(bytes, 0);
  },
  sealStaged(_registryId, position, chunks) {
    let at = position;
    return chunks.map((chunk) => {
      const sealed = xorAll(chunk, at);
      at += chunk.length;
      return sealed;
    });
  },
  openStaged({ codec, keyId }, position, bytes) {
    if (codec === 'plain') return;
    expect([codec, keyId]).toEqual(['xor', 'key-1']);
    bytes.set(xorAll(bytes, position));
  },
};

/** Everything stored about a registry's content: rows as the database has them, files as the folder has them. */
async function storedBytes(world: TestWorld): Promise<Buffer[]> {
  const registryId = world.registry.id;
  const rows = await world.database.all(bodies, { registryId });
  const sessions = await world.database.all(tails, { registryId });
  const stored = [...rows.map((row) => row.bytes), ...sessions.map((row) => row.tail ?? Buffer.alloc(0))];
  const file = world.engine.file;
  const files = file === null ? [] : [file, `${file}-wal`];
  for (const entry of await readdir(world.folder ?? '', { recursive: true, withFileTypes: true })) {
    if (entry.isFile()) files.push(join(entry.parentPath, entry.name));
  }
  for (const path of files) stored.push(await readFile(path));
  return stored.map((bytes) => Buffer.from(bytes));
}

/** The one seam that all bytes pass. */
export function sealContract(name: string, open: EngineFactory): void {
  describe(`the seal on ${name}`, () => {
    let engine: TestEngine;
    beforeAll(async () => {
      engine = await open();
    });
    afterAll(() => engine[Symbol.asyncDispose]());

    test('is passed by every manifest, blob, tail and staged byte, in and out', async () => {
      await using world = await testWorld({ engine, blobs: 'fs', seal: xorSeal });
      const [small, large] = [bytesOf('sealed small', 5_000), bytesOf('sealed large', 200_000)];
      const [tail, staged] = [bytesOf('sealed tail', 5_000), bytesOf('sealed staged', 100_000)];
      const config = Buffer.from(
        `{"architecture":"riscv64","os":"linux","secret":"${bytesOf('s', 30).toString('hex')}"}`,
      );
      const digest = await world.pushImage(app, { config, layers: [small, large], tag: 'v1' });
      const [open, grown] = [await world.start(), await world.start()];
      await world.uploads.append(open, bodyOf(tail));
      await world.uploads.append(grown, bodyOf(staged.subarray(0, 30_000)));
      await world.uploads.append(grown, bodyOf(staged.subarray(30_000)));

      const manifest = Buffer.from(await (await world.find(app, 'v1')).bytes());
      expect(digestOf(manifest)).toBe(digest);
      const fresh = world.again();
      for (const bytes of [small, large, config]) {
        expect((await fresh.readBlob(app, digestOf(bytes))).equals(bytes)).toBe(true);
      }
      const entry = await world.metadata.manifest(world.registry, app, digest);
      expect(entry.architecture).toBe('riscv64');

      const stored = await storedBytes(world);
      expect(stored.length).toBeGreaterThan(4);
      for (const bytes of [small, large, tail, staged, config, manifest]) {
        for (const at of [0, bytes.length >> 1, bytes.length - 64]) {
          const sample = bytes.subarray(at, at + 64);
          expect(stored.some((held) => held.includes(sample))).toBe(false);
          expect(stored.some((held) => held.includes(Buffer.from(xorAll(sample, at))))).toBe(true);
        }
      }

      await fresh.uploads.finish(open, bodyOf(Buffer.alloc(0)), digestOf(tail));
      await fresh.uploads.finish(grown, bodyOf(Buffer.alloc(0)), digestOf(staged));
      for (const bytes of [tail, staged]) expect((await world.readBlob(app, digestOf(bytes))).equals(bytes)).toBe(true);
      await world.check();
    });

    test('is asked with the codec that the row names, so old bytes stay readable', async () => {
      await using world = await testWorld({ engine, blobs: 'fs' });
      const [small, large] = [bytesOf('old small', 100), bytesOf('old large', 100_000)];
      const old = await world.pushImage(app, { layers: [small, large], tag: 'old' });
      const later = world.again({ seal: xorSeal });
      const added = bytesOf('new large', 100_000);
      await later.pushImage(repo('team/new'), { layers: [small, large, added], tag: 'new' });
      const reader = world.again({ seal: xorSeal });
      for (const bytes of [small, large, added]) {
        expect((await reader.readBlob(repo('team/new'), digestOf(bytes))).equals(bytes)).toBe(true);
      }
      expect((await reader.find(app, 'old')).digest).toBe(old);
      await expect(world.again().readBlob(repo('team/new'), digestOf(added))).rejects.toThrow('codec "xor"');
      expect(() => plainSeal.openBody(1, 'xor', null, small)).toThrow('codec "xor"');
    });
  });
}
