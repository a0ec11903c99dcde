import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { fsBlobStore } from '../adapters/blob-fs/index.ts';
import { openSnapshot, openSqlite } from '../adapters/sql-sqlite/index.ts';
import * as data from '../data/index.ts';
import * as identity from '../identity/index.ts';
import { digestOf } from '../kernel/index.ts';
import type { EngineFactory, TestEngine } from './_engines.ts';
import { checkInvariants } from './_invariants.ts';
import { randomWorkload } from './_workload.ts';
import { app, bodyOf, bytesOf, repo, type TestWorld, testWorld, useCases } from './_world.ts';
import {
  backupLocation,
  copyObject,
  damagedBodies,
  fileStore,
  loseBodyInSnapshot,
  loseInSnapshot,
  presentObjects,
} from './backup.ts';
import * as content from './index.ts';

/** A copy of a world as a backup and a restore make it, open; the backup's database is SQLite, its store a folder. */
async function copyOf(world: TestWorld) {
  const folder = await mkdtemp(join(tmpdir(), 'berth-backup-'));
  const file = join(folder, 'berth.db');
  await world.database.snapshot(file);
  const blobs = await fsBlobStore({ directory: join(folder, 'blobs') });
  const lost: string[] = [];
  {
    await using snapshot = openSnapshot(file, { writable: true });
    for await (const { body, verdict } of damagedBodies(world.environment, snapshot)) {
      lost.push(`${verdict.kind} ${body.digest}`);
      await loseBodyInSnapshot(snapshot, body);
    }
    for await (const page of presentObjects(snapshot)) {
      for (const object of page.filter((one) => one.store === world.objects.name)) {
        const ports = { open: () => world.objects.open(object.location), target: blobs };
        const verdict = await copyObject(world.environment, object, ports, { beforeRead: () => Promise.resolve() });
        if (verdict.kind === 'whole') continue;
        lost.push(`${verdict.kind} ${object.digest}`);
        await loseInSnapshot(snapshot, object);
      }
    }
    snapshot.check();
  }
  const database = await openSqlite({
    file,
    migrations: data.migrations,
    modules: [data, identity, content],
    clock: world.clock,
    regionOrdinal: 1,
    lastStamp: data.lastStamp,
  });
  for await (const page of presentObjects(database)) {
    const moved = page
      .filter((object) => object.store === world.objects.name)
      .map(({ registry_id: registryId, digest, store, location }) => {
        const toLocation = backupLocation({ store, location });
        return { registryId, digest, store, location, toStore: fileStore, toLocation };
      });
    await database.transact(content.moveRestored, { moved });
  }
  await database.transact(content.settleRestored, { incarnation: 'another' });
  return {
    ...useCases({ ...world.environment, database, blobs, sessionKey: new Uint8Array(32).fill(8) }, world.registry),
    lost,
    check: () => checkInvariants(database, blobs, { registryId: world.registry.id, manyProcesses: true }),
    async [Symbol.asyncDispose]() {
      await database.close();
      await blobs.close();
      await rm(folder, { recursive: true });
    },
  };
}

/** What a backup takes over, on every engine and from any store. */
export function backupContract(name: string, open: EngineFactory): void {
  describe(`backups on ${name}`, () => {
    let engine: TestEngine;
    beforeAll(async () => {
      engine = await open();
    });
    afterAll(() => engine[Symbol.asyncDispose]());

    test.each(['memory', 'fs'] as const)('take over everything of one moment from a store in %s', async (blobs) => {
      await using world = await testWorld({ engine, blobs });
      const layers = [bytesOf('backed up', 70_000), bytesOf('small', 50)];
      const digest = await world.pushImage(app, { layers, tag: 'v1' });
      await world.pushIndex(app, [digest], 'index');
      const session = await world.start();
      await world.uploads.append(session, bodyOf(bytesOf('under way', 80_000)));
      await world.settle();
      await using copy = await copyOf(world);
      await world.pushImage(app, { layers: [bytesOf('later', 70_000)], tag: 'later' });
      expect(copy.lost).toEqual([]);
      expect(digestOf(await (await copy.find(app, 'v1')).bytes())).toBe(digest);
      for (const layer of layers) expect((await copy.readBlob(app, digestOf(layer))).equals(layer)).toBe(true);
      await expect(copy.find(app, 'later')).rejects.toMatchObject({ code: 'manifest-unknown' });
      await expect(copy.uploads.status(session)).rejects.toMatchObject({ code: 'upload-unknown' });
      await copy.check();
      // It is a registry like any other: ids go on above those that were given out.
      await copy.pushImage(repo('team/new'), { layers: [bytesOf('new', 70_000)], tag: 'v2' });
      await copy.check();
    });

    test('hold every promise while many write', async () => {
      await using world = await testWorld({ engine, blobs: 'fs' });
      const kept = await world.pushImage(repo('kept/app'), { layers: [bytesOf('kept', 70_000)], tag: 'v1' });
      const [, made] = await Promise.all([
        randomWorkload([world], { seed: 17, operations: 150, parallel: 4 }),
        copyOf(world),
      ]);
      await using whole = made;
      expect(whole.lost).toEqual([]);
      expect((await whole.find(repo('kept/app'), 'v1')).digest).toBe(kept);
    });

    test('leave out what is damaged, and the copy hears of it by the next push', async () => {
      await using world = await testWorld({ engine, blobs: 'fs' });
      const [gone, rotten, turned] = [bytesOf('gone', 70_000), bytesOf('rotten', 500), bytesOf('turned', 70_000)];
      const layers = [gone, rotten, turned];
      const digest = await world.pushImage(app, { layers, tag: 'v1' });
      const [place] = await world.locations(digestOf(turned));
      await writeFile(join(world.folder ?? '', 'objects', place ?? ''), bytesOf('other', 70_000));
      const [location] = await world.locations(digestOf(gone));
      await world.objects.remove(location ?? '');
      await world.damageBody('blob', digestOf(rotten), Buffer.from('other'));
      await world.damageBody('manifest', digest, Buffer.from('{}'));
      await world.settle();
      await using copy = await copyOf(world);
      expect(copy.lost.toSorted()).toEqual(
        [
          `gone ${digestOf(gone)}`,
          ...[digestOf(rotten), digestOf(turned), digest].map((one) => `damaged ${one}`),
        ].toSorted(),
      );
      for (const layer of layers) {
        await expect(copy.blobs.promise(world.registry, app, digestOf(layer))).rejects.toMatchObject({
          code: 'blob-unknown',
        });
      }
      await expect(copy.find(app, 'v1')).rejects.toMatchObject({ code: 'manifest-unknown' });
      await copy.pushImage(app, { layers, tag: 'v1' });
      for (const layer of layers) expect((await copy.readBlob(app, digestOf(layer))).equals(layer)).toBe(true);
      await copy.check();
    });

    test('leave out what has no row with its bytes any more, and name each once', async () => {
      await using world = await testWorld({ engine, blobs: 'fs' });
      const [small, sound] = [bytesOf('no row', 500), bytesOf('sound', 400)];
      const layers = [small, sound];
      const digest = await world.pushImage(app, { layers, tag: 'v1' });
      const elsewhere = repo('team/elsewhere');
      expect(await world.pushImage(elsewhere, { layers, tag: 'v1' })).toBe(digest);
      const whole = await world.pushImage(app, { layers: [sound], tag: 'whole' });
      await world.damageBody('blob', digestOf(small), null);
      await world.damageBody('manifest', digest, null);
      await world.settle();
      await using copy = await copyOf(world);
      // Rows that an earlier test has damaged are there still.
      const gone = copy.lost.filter((one) => one.startsWith('gone '));
      expect(gone.toSorted()).toEqual([`gone ${digestOf(small)}`, `gone ${digest}`].toSorted());
      await expect(copy.blobs.promise(world.registry, app, digestOf(small))).rejects.toMatchObject({
        code: 'blob-unknown',
      });
      for (const name of [app, elsewhere]) {
        await expect(copy.find(name, 'v1')).rejects.toMatchObject({ code: 'manifest-unknown' });
      }
      expect((await copy.find(app, 'whole')).digest).toBe(whole);
      await copy.pushImage(app, { layers, tag: 'v1' });
      expect(digestOf(await (await copy.find(elsewhere, 'v1')).bytes())).toBe(digest);
      await copy.check();
    });
  });
}
