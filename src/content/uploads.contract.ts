import { Readable } from 'node:stream';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { digestOf, parseDigest, randomIds } from '../kernel/index.ts';
import { type Database, DatabaseError } from '../ports/index.ts';
import type { EngineFactory, TestEngine } from './_engines.ts';
import { app, bodyOf, by, bytesOf, hour, repo, type TestWorld, testWorld } from './_world.ts';
import { endedUpload } from './store/upload-store.ts';
import { cancelUpload, finishUpload, forgetEndedUploads, saveProgress } from './transactions/upload-transactions.ts';

const none = Buffer.alloc(0);
const maxInRow = 65_536;

/** A body that breaks off after `bytes`. */
function brokenBody(bytes: Uint8Array) {
  const parts = async function* () {
    yield Buffer.from(bytes);
    throw new Error('the client is gone');
  };
  return { stream: () => Readable.from(parts()), length: null, range: null };
}

type Session = Awaited<ReturnType<TestWorld['start']>>;

/** A body whose bytes come when they are given. */
function openBody() {
  const stream = new Readable({ read: () => undefined });
  return { stream, body: { stream: () => stream, length: null, range: null } };
}

/** A database in which one transaction fails, the first time it is asked for. */
function failingOnce(inner: Database, name: string, kind: DatabaseError['kind']): Database {
  let failed = false;
  return {
    dialect: inner.dialect,
    lost: inner.lost,
    generation: () => inner.generation(),
    snapshot: (file) => inner.snapshot(file),
    all: (statement, parameters) => inner.all(statement, parameters),
    first: (statement, parameters) => inner.first(statement, parameters),
    close: () => inner.close(),
    async transact(definition, input) {
      if (failed || definition.name !== name) return inner.transact(definition, input);
      failed = true;
      throw new DatabaseError(kind, 'failed as the test wants it');
    },
  };
}

/** Keys and locations of a world's store. */
async function objectsIn(world: TestWorld) {
  const page = { last: null, limit: 1000 };
  return { staged: await world.objects.listStaged(page), committed: await world.objects.list(page) };
}

/** Upload sessions on one engine. */
export function uploadsContract(name: string, open: EngineFactory): void {
  describe(`uploads on ${name}`, () => {
    let engine: TestEngine;
    beforeAll(async () => {
      engine = await open();
    });
    afterAll(() => engine[Symbol.asyncDispose]());

    test.each(['memory', 'fs'] as const)(
      'of every size around the limit of rows are read back from %s',
      async (blobs) => {
        await using world = await testWorld({ engine, blobs });
        const sizes = [0, 1, maxInRow - 1, maxInRow, maxInRow + 1, 300_000];
        for (const size of sizes) {
          const bytes = bytesOf(`${size}`, size);
          const digest = await world.pushBlob(app, bytes);
          expect((await world.readBlob(app, digest)).equals(bytes)).toBe(true);
        }
        const large = sizes.filter((size) => size > maxInRow);
        expect((await objectsIn(world)).committed).toHaveLength(large.length);
        expect((await objectsIn(world)).staged).toEqual([]);
        await world.check();
      },
    );

    test('keep small sessions in a row and stage larger ones', async () => {
      await using world = await testWorld({ engine });
      const session = await world.start();
      expect(await world.uploads.append(session, bodyOf(bytesOf('a', maxInRow - 1)))).toEqual({ received: 65_535 });
      expect(await world.uploads.append(session, bodyOf(none))).toEqual({ received: 65_535 });
      expect(await world.uploads.append(session, bodyOf(bytesOf('b', 1)))).toEqual({ received: 65_536 });
      expect((await objectsIn(world)).staged).toEqual([]);
      await world.uploads.append(session, bodyOf(bytesOf('c', 1)));
      expect((await objectsIn(world)).staged).toHaveLength(1);
      const all = Buffer.concat([bytesOf('a', maxInRow - 1), bytesOf('b', 1), bytesOf('c', 1)]);
      const digest = digestOf(all);
      expect(await world.uploads.finish(session, bodyOf(none), digest)).toEqual({ size: maxInRow + 1 });
      expect((await world.readBlob(app, digest)).equals(all)).toBe(true);
      await world.check();
    });

    test('arrive whole in one request, small and large, and leave nothing behind when they lie', async () => {
      await using world = await testWorld({ engine });
      const where = { registry: world.registry, repository: app, identity: 'pusher' };
      for (const size of [10, 100_000]) {
        const bytes = bytesOf('whole', size);
        expect(await world.uploads.whole(where, bodyOf(bytes), digestOf(bytes))).toEqual({ size });
        expect((await world.readBlob(app, digestOf(bytes))).equals(bytes)).toBe(true);
        await expect(world.uploads.whole(where, bodyOf(bytes), digestOf(none))).rejects.toMatchObject({
          code: 'digest-invalid',
        });
        await expect(world.uploads.whole(where, brokenBody(bytes), digestOf(bytes))).rejects.toMatchObject({
          code: 'upload-invalid',
        });
      }
      expect(await objectsIn(world)).toMatchObject({ staged: [], committed: [expect.any(String)] });
      await world.check();
    });

    test('refuse bytes that belong elsewhere and say where they stand', async () => {
      await using world = await testWorld({ engine });
      const session = await world.start();
      const part = bytesOf('part', 100);
      await world.uploads.append(session, bodyOf(part, { start: 0, end: 99 }));
      for (const range of [
        { start: 0, end: 99 },
        { start: 101, end: 200 },
      ]) {
        await expect(world.uploads.append(session, bodyOf(part, range))).rejects.toMatchObject({
          code: 'upload-range',
          detail: { received: 100 },
        });
      }
      await expect(world.uploads.append(session, bodyOf(part, { start: 100, end: 120 }))).rejects.toMatchObject({
        code: 'upload-invalid',
      });
      const chunked = { ...bodyOf(bytesOf('large', 100_000), { start: 100, end: 150 }), length: null };
      await expect(world.uploads.append(session, chunked)).rejects.toMatchObject({ code: 'upload-invalid' });
      expect(await world.uploads.status(session)).toEqual({ received: 100 });
      expect((await objectsIn(world)).staged).toEqual([]);
      await world.uploads.finish(
        session,
        bodyOf(part, { start: 100, end: 199 }),
        digestOf(Buffer.concat([part, part])),
      );
    });

    test.each([1_000, 200_000])('of %d bytes go on where a broken-off body left them', async (size) => {
      await using world = await testWorld({ engine });
      const bytes = bytesOf('broken', size * 2);
      const session = await world.start();
      await expect(world.uploads.append(session, brokenBody(bytes.subarray(0, size)))).rejects.toMatchObject({
        code: 'upload-invalid',
      });
      const { received } = await world.uploads.status(session);
      await world.uploads.append(session, bodyOf(bytes.subarray(received)));
      await world.uploads.finish(session, bodyOf(none), digestOf(bytes));
      expect((await world.readBlob(app, digestOf(bytes))).equals(bytes)).toBe(true);
    });

    test.each(['sha256', 'sha512'] as const)('go on in another process, with %s', async (algorithm) => {
      await using world = await testWorld({ engine, blobs: 'fs' });
      for (const size of [1_000, 40_000, 150_000]) {
        const bytes = bytesOf(`restart ${algorithm}`, size * 3);
        const session = await world.start();
        await world.uploads.append(session, bodyOf(bytes.subarray(0, size)));
        await world.again().uploads.append(session, bodyOf(bytes.subarray(size, size * 2)));
        const digest = digestOf(bytes, algorithm);
        await world.again().uploads.finish(session, bodyOf(bytes.subarray(size * 2)), digest);
        expect((await world.readBlob(app, digest)).equals(bytes)).toBe(true);
      }
      await world.check();
    });

    test('with wrong bytes are refused and gone', async () => {
      await using world = await testWorld({ engine });
      for (const size of [100, 100_000]) {
        const session = await world.start();
        await world.uploads.append(session, bodyOf(bytesOf('wrong', size)));
        await expect(world.uploads.finish(session, bodyOf(none), digestOf(none))).rejects.toMatchObject({
          code: 'digest-invalid',
        });
        await expect(world.uploads.status(session)).rejects.toMatchObject({ code: 'upload-unknown' });
      }
      expect(await objectsIn(world)).toEqual({ staged: [], committed: [] });
    });

    test('larger than allowed are refused, and the session stays as it was', async () => {
      await using world = await testWorld({ engine, limits: { layerBytes: 100_000 } });
      const session = await world.start();
      await world.uploads.append(session, bodyOf(bytesOf('a', 60_000)));
      await expect(world.uploads.append(session, bodyOf(bytesOf('b', 40_001)))).rejects.toMatchObject({
        code: 'blob-too-large',
      });
      expect(await world.uploads.status(session)).toEqual({ received: 60_000 });
      expect((await objectsIn(world)).staged).toEqual([]);
    });

    test('answer only to who opened them, in the repository they were opened in', async () => {
      await using world = await testWorld({ engine });
      const session = await world.start();
      for (const other of [
        { ...session, identity: 'stranger' },
        { ...session, repository: repo('team/other') },
        { ...session, id: 'absent' },
      ]) {
        await expect(world.uploads.status(other)).rejects.toMatchObject({ code: 'upload-unknown' });
        await expect(world.uploads.cancel(other)).rejects.toMatchObject({ code: 'upload-unknown' });
      }
      await world.uploads.append(session, bodyOf(bytesOf('a', 100_000)));
      await world.uploads.cancel(session);
      await expect(world.uploads.status(session)).rejects.toMatchObject({ code: 'upload-unknown' });
      expect(await objectsIn(world)).toEqual({ staged: [], committed: [] });
    });

    test('are limited for each identity until some end', async () => {
      await using world = await testWorld({ engine, limits: { openUploadsPerIdentity: 2 } });
      const empty = await world.start();
      const [first, second] = [await world.start(), await world.start()];
      for (const session of [first, second]) await world.uploads.append(session, bodyOf(bytesOf('some', 10)));
      const refused = { code: 'too-many-requests' };
      await expect(world.start()).rejects.toMatchObject(refused);
      await expect(world.uploads.append(empty, bodyOf(bytesOf('one more', 10)))).rejects.toMatchObject(refused);
      await world.start(app, 'another');
      await world.uploads.cancel(first);
      await world.start();
      await world.uploads.append(empty, bodyOf(bytesOf('one more', 10)));
    });

    test('have no row before their first byte, and are known to every process all the same', async () => {
      await using world = await testWorld({ engine });
      const generation = world.database.generation();
      const [session, other] = [await world.start(), await world.start()];
      expect(world.database.generation()).toBe(generation);
      const bytes = bytesOf('from afar', 1_000);
      expect(await world.again().uploads.status(session)).toEqual({ received: 0 });
      await world.again().uploads.append(session, bodyOf(bytes));
      expect(await world.uploads.finish(session, bodyOf(none), digestOf(bytes))).toEqual({ size: bytes.length });
      await world.again().uploads.finish(other, bodyOf(bytes), digestOf(bytes));
      await world.check();
    });

    test('that have ended do not begin anew', async () => {
      await using world = await testWorld({ engine });
      const bytes = bytesOf('once', 100);
      const gone = { code: 'upload-unknown' };
      const [finished, cancelled, refused] = [await world.start(), await world.start(), await world.start()];
      await world.uploads.finish(finished, bodyOf(bytes), digestOf(bytes));
      await world.uploads.cancel(cancelled);
      await expect(world.uploads.finish(refused, bodyOf(bytes), digestOf(none))).rejects.toThrow('digest');
      for (const session of [finished, cancelled, refused]) {
        for (const { uploads } of [world, world.again()]) {
          await expect(uploads.status(session)).rejects.toMatchObject(gone);
          await expect(uploads.append(session, bodyOf(bytes))).rejects.toMatchObject(gone);
          await expect(uploads.finish(session, bodyOf(bytes), digestOf(bytes))).rejects.toMatchObject(gone);
          await expect(uploads.cancel(session)).rejects.toMatchObject(gone);
        }
        // Nor once nobody remembers that they ended.
        world.clock.advance(hour + 1);
        while ((await world.uploads.sweep(100)) > 0);
        await expect(world.uploads.status(session)).rejects.toMatchObject(gone);
      }
    });

    test('that two processes finish at once make one blob, and only one hears of it', async () => {
      await using world = await testWorld({ engine });
      for (let round = 0; round < 10; round++) {
        const bytes = bytesOf(`twice ${round}`, 100);
        const session = await world.start();
        const finish = (some: Pick<TestWorld, 'uploads'>) =>
          some.uploads.finish(session, bodyOf(bytes), digestOf(bytes));
        const outcomes = await Promise.allSettled([finish(world.again()), finish(world.again())]);
        expect(outcomes.map((outcome) => outcome.status).toSorted()).toEqual(['fulfilled', 'rejected']);
        expect(outcomes.find((outcome) => outcome.status === 'rejected')?.reason).toMatchObject({
          code: 'upload-unknown',
        });
      }
      await world.check();
    });

    test('that have ended are all forgotten by one sweep once their ids are no good', async () => {
      await using world = await testWorld({ engine });
      const end = { stored: false, freshUntil: world.clock.now() + 1 };
      const ids = Array.from({ length: 4_500 }, (_, index) => `ended-${index}-${randomIds.id()}`);
      await Promise.all(ids.map((id) => world.database.transact(cancelUpload, { ...end, id })));
      const left = async () => (await world.database.first(endedUpload, { id: ids.at(-1) ?? '' })) !== undefined;
      expect(await left()).toBe(true);
      world.clock.advance(1);
      await world.uploads.sweep(1);
      expect(await world.database.transact(forgetEndedUploads, { limit: 10 })).toBe(0);
      expect(await left()).toBe(false);
    });

    test('that have brought no byte are good for half an hour', async () => {
      await using world = await testWorld({ engine, limits: { uploadIdleMs: 10 * hour } });
      const session = await world.start();
      world.clock.advance(hour / 2 - 1);
      expect(await world.uploads.status(session)).toEqual({ received: 0 });
      world.clock.advance(1);
      await expect(world.uploads.status(session)).rejects.toMatchObject({ code: 'upload-unknown' });
    });

    test('expire when nobody uses them, and the sweep takes away what they staged', async () => {
      await using world = await testWorld({ engine });
      const [idle, used] = [await world.start(), await world.start()];
      await world.uploads.append(idle, bodyOf(bytesOf('idle', 100_000)));
      await world.uploads.append(used, bodyOf(bytesOf('used', 10)));
      world.clock.advance(hour / 2 + 1);
      await world.uploads.append(used, bodyOf(bytesOf('used', 100_000)));
      world.clock.advance(hour / 2);
      await expect(world.uploads.status(idle)).rejects.toMatchObject({ code: 'upload-unknown' });
      while ((await world.uploads.sweep(100)) > 0);
      expect((await objectsIn(world)).staged).toHaveLength(1);
      expect(await world.uploads.status(used)).toEqual({ received: 100_010 });
      await world.check();
    });

    test.each(['full', 'unavailable'] as const)(
      'finish when they are asked again after the database was %s',
      async (kind) => {
        await using world = await testWorld({ engine, blobs: 'fs' });
        const bytes = bytesOf('again', 150_000);
        for (const inPut of [0, 1_000]) {
          const some = world.again({ database: failingOnce(world.database, finishUpload.name, kind) });
          const session = await world.start();
          await some.uploads.append(session, bodyOf(bytes.subarray(inPut)));
          const last = bodyOf(bytes.subarray(0, inPut));
          const digest = digestOf(Buffer.concat([bytes.subarray(inPut), bytes.subarray(0, inPut)]));
          await expect(some.uploads.finish(session, last, digest)).rejects.toMatchObject({ kind });
          expect(await some.uploads.status(session)).toEqual({ received: bytes.length });
          expect(await some.uploads.finish(session, last, digest)).toEqual({ size: bytes.length });
          expect((await world.readBlob(app, digest)).length).toBe(bytes.length);
        }
        expect(await objectsIn(world)).toMatchObject({ staged: [], committed: { length: 2 } });
        await world.check();
      },
    );

    test('whose object was committed before the database failed leave nothing when they are refused or given up', async () => {
      await using world = await testWorld({ engine });
      const bytes = bytesOf('given up', 100_000);
      const failed = async () => {
        const some = world.again({ database: failingOnce(world.database, finishUpload.name, 'unavailable') });
        const session = await world.start();
        await expect(some.uploads.finish(session, bodyOf(bytes), digestOf(bytes))).rejects.toThrow(DatabaseError);
        return session;
      };
      const refused = world.uploads.finish(await failed(), bodyOf(none), digestOf(none));
      await expect(refused).rejects.toMatchObject({ code: 'digest-invalid' });
      await world.uploads.cancel(await failed());
      await failed();
      world.clock.advance(hour + 1);
      while ((await world.uploads.sweep(100)) > 0);
      expect(await objectsIn(world)).toEqual({ staged: [], committed: [] });
    });

    test('whole ones leave no object when the database certainly did not take them', async () => {
      await using world = await testWorld({ engine });
      const bytes = bytesOf('full', 100_000);
      const where = { registry: world.registry, repository: app, identity: 'pusher' };
      for (const kind of ['full', 'busy', 'closed'] as const) {
        const some = world.again({ database: failingOnce(world.database, finishUpload.name, kind) });
        await expect(some.uploads.whole(where, bodyOf(bytes), digestOf(bytes))).rejects.toMatchObject({ kind });
      }
      expect(await objectsIn(world)).toEqual({ staged: [], committed: [] });
    });

    const endings = {
      cancelled: (world: TestWorld, session: Session) => world.uploads.cancel(session),
      async expired(world: TestWorld) {
        world.clock.advance(hour + 1);
        while ((await world.uploads.sweep(100)) > 0);
      },
      async continued(world: TestWorld, session: Session, bytes: Buffer) {
        await world.uploads.append(session, bodyOf(bytes.subarray(10)));
        await world.uploads.finish(session, bodyOf(none), digestOf(bytes));
      },
    };
    test.each(Object.entries(endings))('know what a process that died had staged when they are %s', async (_, end) => {
      await using world = await testWorld({ engine });
      const bytes = bytesOf('died', 200_000);
      const session = await world.start();
      await world.uploads.append(session, bodyOf(bytes.subarray(0, 10)));
      const { stream, body } = openBody();
      const lost = world.again().uploads.append(session, body);
      // Twice what makes a batch by its chunks, so that it is staged while the body is still under way.
      for (let chunk = 0; chunk < 2048; chunk++) stream.push(bytesOf('other', 64));
      await expect.poll(async () => (await objectsIn(world)).staged.length).toBe(1);
      await end(world, session, bytes);
      expect((await objectsIn(world)).staged).toEqual([]);
      stream.destroy();
      await expect(lost).rejects.toThrow();
      await world.check();
    });

    test('keep no hash of bytes whose saving failed', async () => {
      await using world = await testWorld({ engine });
      const [first, wrong, right] = [bytesOf('first', 80_000), bytesOf('wrong', 80_000), bytesOf('right', 80_000)];
      const session = await world.start();
      await world.uploads.append(session, bodyOf(first));
      const some = world.again({ database: failingOnce(world.database, saveProgress.name, 'unavailable') });
      await expect(some.uploads.append(session, bodyOf(wrong))).rejects.toThrow(DatabaseError);
      await some.uploads.append(session, bodyOf(right));
      const all = Buffer.concat([first, right]);
      await some.uploads.finish(session, bodyOf(none), digestOf(all));
      expect((await world.readBlob(app, digestOf(all))).equals(all)).toBe(true);
    });

    test('are not expired while a body comes, which moves their end on', async () => {
      await using world = await testWorld({ engine });
      const session = await world.start();
      const { stream, body } = openBody();
      const append = world.uploads.append(session, body);
      const status = async () => world.again().uploads.status(session);
      const bring = () => {
        for (let chunk = 0; chunk < 1024; chunk++) stream.push(bytesOf('slow', 64));
      };
      world.clock.advance(hour + 1);
      expect(await world.uploads.sweep(100)).toBe(0);
      await expect(status()).rejects.toMatchObject({ code: 'upload-unknown' });
      bring();
      await expect.poll(() => status().catch(() => null)).toEqual({ received: 0 });
      stream.push(null);
      expect(await append).toEqual({ received: 65_536 });
    });

    test('without a session leave nothing staged for good, and are left alone while they come', async () => {
      await using world = await testWorld({ engine });
      const { stream, body } = openBody();
      const bytes = bytesOf('whole', 64 * 2048);
      const where = { registry: world.registry, repository: app, identity: 'pusher' };
      const whole = world.uploads.whole(where, body, digestOf(bytes));
      for (let at = 0; at < bytes.length; at += 64) stream.push(bytes.subarray(at, at + 64));
      await expect.poll(async () => (await objectsIn(world)).staged.length).toBe(1);
      for (const key of ['00leftover', 'zzleftover']) await (await world.objects.stage(key)).close();
      const session = await world.start();
      await world.uploads.append(session, bodyOf(bytes));
      for (let sweep = 0; sweep < 4; sweep++) await world.uploads.sweep(2);
      expect((await objectsIn(world)).staged).toHaveLength(4);
      world.clock.advance(hour / 2);
      await world.uploads.append(session, bodyOf(bytesOf('more', 10)));
      world.clock.advance(hour / 2);
      for (let sweep = 0; sweep < 6; sweep++) await world.uploads.sweep(2);
      expect((await objectsIn(world)).staged).toHaveLength(2);
      stream.push(null);
      expect(await whole).toEqual({ size: bytes.length });
      expect(await world.uploads.status(session)).toEqual({ received: bytes.length + 10 });
    });

    test('into a locked repository are refused and leave no object', async () => {
      await using world = await testWorld({ engine });
      await world.pushImage(app, { tag: 'v1' });
      const session = await world.start();
      const bytes = bytesOf('late', 100_000);
      await world.uploads.append(session, bodyOf(bytes));
      await world.lock(app, { kind: 'repository' }, { writeEnabled: false });
      await expect(world.start()).rejects.toMatchObject({ code: 'locked' });
      await expect(world.uploads.finish(session, bodyOf(none), digestOf(bytes))).rejects.toMatchObject({
        code: 'locked',
      });
      expect(await objectsIn(world)).toEqual({ staged: [], committed: [] });
      await world.check();
    });

    test('of a deleted repository begin it anew', async () => {
      await using world = await testWorld({ engine });
      const digest = await world.pushImage(app, { tag: 'v1' });
      await world.removeRepository(app);
      await expect(world.find(app, 'v1')).rejects.toMatchObject({ code: 'manifest-unknown' });
      await world.pushBlob(app, bytesOf('again', 10));
      await expect(world.find(app, digest)).rejects.toMatchObject({ code: 'manifest-unknown' });
      await world.check();
    });
  });

  describe(`blobs on ${name}`, () => {
    let engine: TestEngine;
    beforeAll(async () => {
      engine = await open();
    });
    afterAll(() => engine[Symbol.asyncDispose]());
    const other = repo('team/other');

    test('are there only through a repository that holds them', async () => {
      await using world = await testWorld({ engine });
      const digest = await world.pushBlob(app, bytesOf('a', 100));
      await expect(world.blobs.find(world.registry, other, digest)).rejects.toMatchObject({ code: 'blob-unknown' });
      const absent = digestOf(bytesOf('absent', 1));
      await expect(world.blobs.promise(world.registry, app, absent)).rejects.toMatchObject({ code: 'blob-unknown' });
      await using stranger = await testWorld({ engine });
      await expect(stranger.blobs.find(stranger.registry, app, digest)).rejects.toMatchObject({ code: 'blob-unknown' });
    });

    test('are mounted from a repository that may be read, named or not', async () => {
      await using world = await testWorld({ engine });
      const bytes = bytesOf('mounted', 100_000);
      const digest = await world.pushBlob(app, bytes);
      const mount = (from: typeof app | null, mayRead: (name: string) => boolean) =>
        world.blobs.mount(world.registry, other, digest, { from, mayRead });
      expect(await mount(app, () => false)).toBe(false);
      expect(await mount(null, (name) => name !== app)).toBe(false);
      expect(await mount(repo('absent'), () => true)).toBe(false);
      await expect(world.readBlob(other, digest)).rejects.toMatchObject({ code: 'blob-unknown' });
      expect(await mount(null, () => true)).toBe(true);
      expect((await world.readBlob(other, digest)).equals(bytes)).toBe(true);
      expect(await mount(app, () => true)).toBe(true);
      await world.check();
    });

    test('of a repository locked against reading are neither read nor mounted', async () => {
      await using world = await testWorld({ engine });
      await world.pushImage(app, { layers: [bytesOf('locked', 10)], tag: 'v1' });
      const digest = digestOf(bytesOf('locked', 10));
      await world.lock(app, { kind: 'repository' }, { readEnabled: false });
      await expect(world.readBlob(app, digest)).rejects.toMatchObject({ code: 'locked' });
      for (const from of [app, null]) {
        expect(await world.blobs.mount(world.registry, other, digest, { from, mayRead: () => true })).toBe(false);
      }
    });

    test('that a live manifest names are not deleted, others are', async () => {
      await using world = await testWorld({ engine });
      const layer = bytesOf('named', 10);
      const manifest = await world.pushImage(app, { layers: [layer], tag: 'v1' });
      const remove = () => world.blobs.remove(by('pusher'), world.registry, app, digestOf(layer));
      await expect(remove()).rejects.toMatchObject({ code: 'not-permitted' });
      await world.removeManifest(app, manifest);
      await remove();
      await expect(remove()).rejects.toMatchObject({ code: 'blob-unknown' });
      await expect(world.readBlob(app, digestOf(layer))).rejects.toMatchObject({ code: 'blob-unknown' });
      await world.check();
    });

    test('have their lease renewed by a HEAD when less than half of it remains', async () => {
      await using world = await testWorld({ engine });
      const digest = await world.pushBlob(app, bytesOf('leased', 10));
      const began = world.clock.now();
      const lease = async () => (await world.blobRow(digest))?.lease_until_ms;
      world.clock.advance(hour / 2);
      await world.blobs.promise(world.registry, app, digest);
      expect(await lease()).toBe(began + hour);
      world.clock.advance(1);
      await world.blobs.promise(world.registry, app, digest);
      expect(await lease()).toBe(began + hour / 2 + 1 + hour);
    });

    test.each([10, 100_000])(
      'of %d bytes that are condemned do not exist, and a push brings them back',
      async (size) => {
        await using world = await testWorld({ engine });
        const bytes = bytesOf('condemned', size);
        const digest = await world.pushBlob(app, bytes);
        const before = await world.locations(digest);
        await world.condemn(digest);
        await expect(world.blobs.promise(world.registry, app, digest)).rejects.toMatchObject({ code: 'blob-unknown' });
        await expect(world.blobs.find(world.registry, app, digest)).rejects.toMatchObject({ code: 'blob-unknown' });
        const mount = { from: app, mayRead: () => true };
        expect(await world.blobs.mount(world.registry, other, digest, mount)).toBe(false);
        await world.pushBlob(app, bytes);
        expect((await world.readBlob(app, digest)).equals(bytes)).toBe(true);
        // Bytes in a row have no other place to go to.
        expect((await world.locations(digest))[0] === before[0]).toBe(size <= maxInRow);
        await world.check();
      },
    );

    test('whose object is gone are missing after the first GET, until a push repairs them', async () => {
      await using world = await testWorld({ engine });
      const bytes = bytesOf('gone', 100_000);
      const digest = await world.pushBlob(app, bytes);
      const [location] = await world.locations(digest);
      await world.objects.remove(location ?? '');
      await world.blobs.promise(world.registry, app, digest);
      await expect(world.readBlob(app, digest)).rejects.toMatchObject({ code: 'blob-unknown' });
      expect(world.lost).toEqual([digest]);
      await expect(world.blobs.promise(world.registry, app, digest)).rejects.toMatchObject({ code: 'blob-unknown' });
      await world.pushBlob(app, bytes);
      expect((await world.readBlob(app, digest)).equals(bytes)).toBe(true);
      await world.check();
    });

    test('are one row for many repositories, and the object of a second push is removed', async () => {
      await using world = await testWorld({ engine });
      const bytes = bytesOf('shared', 100_000);
      await world.pushBlob(app, bytes);
      const digest = await world.pushBlob(other, bytes);
      expect((await objectsIn(world)).committed).toHaveLength(1);
      expect((await world.readBlob(other, digest)).equals(bytes)).toBe(true);
      expect(parseDigest(digest)).toBe(digest);
      await world.check();
    });
  });
}
