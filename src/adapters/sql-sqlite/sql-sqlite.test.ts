import { once } from 'node:events';
import { mkdtemp, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import { describe, expect, test } from 'vitest';
import { type Fault, manualClock } from '../../kernel/index.ts';
import * as fixture from '../../ports/_database-fixture.ts';
import { databaseContract } from '../../ports/database.contract.ts';
import type { Database, DatabaseError } from '../../ports/index.ts';
import * as faulty from './_faulty-fixture.ts';
import { joinSqlite, openSqlite } from './index.ts';

databaseContract('sqlite', async () => {
  const folder = await newFolder();
  return { open: (options) => openSqlite({ ...options, file: folder.file }), [Symbol.asyncDispose]: folder.remove };
});

databaseContract('sqlite, asked by a further client of its writer,', async () => {
  const folder = await newFolder();
  return {
    async open(options) {
      const owner = await openSqlite({ ...options, file: folder.file });
      const database = await joinSqlite({ ...options, share: owner.share() });
      const close = async () => {
        await database.close();
        await owner.close();
      };
      return { ...database, close };
    },
    [Symbol.asyncDispose]: folder.remove,
  };
});

async function newFolder() {
  const path = await mkdtemp(join(tmpdir(), 'berth-sqlite-'));
  return { path, file: join(path, 'berth.db'), remove: () => rm(path, { recursive: true }) };
}

async function newWorld() {
  const folder = await newFolder();
  const options = fixture.fixtureOptions(manualClock());
  const open = () => openSqlite({ ...options, modules: [...options.modules, faulty], file: folder.file });
  const db = await open();
  return {
    db,
    folder,
    facts: async (...ids: number[]) => {
      const found = await Promise.all(ids.map((id) => db.first(fixture.readFact, { id })));
      return found.flatMap((fact) => (fact === undefined ? [] : [fact.id]));
    },
    async [Symbol.asyncDispose]() {
      await db.close();
      await folder.remove();
    },
  };
}

describe('the writer of sqlite', () => {
  test('syncs its log at every commit', async () => {
    await using world = await newWorld();
    expect(await world.db.transact(faulty.readSafety, null)).toBe(2); // FULL
  });

  test('a group that the engine rolled back is run again one by one, and only what has no room fails', async () => {
    await using world = await newWorld();
    await world.db.transact(faulty.limitSpace, null);
    const outcomes = await Promise.allSettled([
      world.db.transact(faulty.insertBytes, { id: 1, size: 10 }),
      world.db.transact(fixture.setUnless, { name: 'refused', refused: true }),
      world.db.transact(faulty.insertBytes, { id: 2, size: 1_000_000 }),
      world.db.transact(faulty.insertBytes, { id: 3, size: 10 }),
    ]);
    expect(outcomes).toMatchObject([
      { value: 1 },
      { reason: { name: 'Fault', code: 'conflict' } },
      { reason: { name: 'DatabaseError', kind: 'full' } },
      { value: 1 },
    ]);
    expect(await world.facts(1, 2, 3)).toEqual([1, 3]);
  });

  test('a commit that fails for one of the group fails for that one only', async () => {
    await using world = await newWorld();
    const outcomes = await Promise.allSettled([
      world.db.transact(faulty.insertBytes, { id: 1, size: 1 }),
      world.db.transact(faulty.breakAtCommit, { name: 'part' }),
      world.db.transact(faulty.insertBytes, { id: 2, size: 1 }),
    ]);
    expect(outcomes).toMatchObject([{ value: 1 }, { reason: { kind: 'internal' } }, { value: 1 }]);
    expect(await world.facts(1, 2)).toEqual([1, 2]);
  });

  test('a transaction that waits for something other than SQL is rolled back and the others go on', async () => {
    await using world = await newWorld();
    const outcomes = await Promise.allSettled([
      world.db.transact(faulty.insertBytes, { id: 1, size: 1 }),
      world.db.transact(faulty.waitForever, { id: 2 }),
      world.db.transact(faulty.waitForTimer, { id: 3 }),
      world.db.transact(faulty.insertBytes, { id: 4, size: 1 }),
    ]);
    const refusal = {
      reason: { kind: 'internal', message: expect.stringContaining('waited for something') as string },
    };
    expect(outcomes).toMatchObject([{ value: 1 }, refusal, refusal, { value: 1 }]);
    expect(await world.facts(1, 2, 3, 4)).toEqual([1, 4]);
  });

  test('an input that cannot be cloned spoils no other of its batch', async () => {
    await using world = await newWorld();
    const outcomes = await Promise.allSettled([
      world.db.transact(faulty.insertBytes, { id: 1, size: 1 }),
      world.db.transact(faulty.insertBytes, { id: 2, size: (() => 1) as unknown as number }),
      world.db.transact(faulty.answerFunction, { id: 3 }),
      world.db.transact(faulty.insertBytes, { id: 4, size: 1 }),
    ]);
    const refusal = { reason: { kind: 'internal', message: expect.stringContaining('cannot be cloned') as string } };
    expect(outcomes).toMatchObject([{ value: 1 }, refusal, refusal, { value: 1 }]);
  });

  test('a database that is closed on purpose is not lost', async () => {
    await using world = await newWorld();
    await world.db.close();
    expect(world.db.lost.aborted).toBe(false);
  });

  test('when the writer ends, work is rejected as unavailable, and so is later work', async () => {
    await using world = await newWorld();
    const [first, ...others] = await Promise.allSettled([
      world.db.transact(faulty.insertBytes, { id: 1, size: 1 }),
      world.db.transact(faulty.exit, null),
      world.db.transact(faulty.insertBytes, { id: 2, size: 1 }),
    ]);
    const unavailable = { status: 'rejected', reason: { kind: 'unavailable' } };
    expect(others).toMatchObject([unavailable, unavailable]);
    // On a slow machine the first one has a commit of its own, before the end.
    expect([{ status: 'fulfilled', value: 1 }, unavailable]).toContainEqual(
      first.status === 'fulfilled'
        ? first
        : { status: first.status, reason: { kind: (first.reason as DatabaseError).kind } },
    );
    await expect(world.db.transact(faulty.insertBytes, { id: 3, size: 1 })).rejects.toMatchObject({
      kind: 'unavailable',
    });
    expect(world.db.lost.aborted).toBe(true);
    expect(await world.facts(1, 2, 3)).toHaveLength(first.status === 'fulfilled' ? 1 : 0);
  });
});

describe('several clients of one writer', () => {
  async function newClients(count: number) {
    const folder = await newFolder();
    const options = fixture.fixtureOptions(manualClock());
    const modules = [...options.modules, faulty];
    const owner = await openSqlite({ ...options, modules, file: folder.file });
    const clients = await Promise.all(
      Array.from({ length: count }, () => joinSqlite({ ...options, modules, share: owner.share() })),
    );
    return {
      owner,
      clients,
      async [Symbol.asyncDispose]() {
        for (const client of clients) await client.close();
        await owner.close();
        await folder.remove();
      },
    };
  }

  test('each gets its own answers, whatever the others ask at the same time', async () => {
    await using world = await newClients(3);
    const asked = [world.owner, ...world.clients].flatMap((database, at) =>
      Array.from({ length: 200 }, async (_, round) => {
        const name = `${at}-${round}`;
        if (round % 10 !== 9) return (await database.transact(fixture.setUnless, { name, refused: false })) === name;
        const refused = database.transact(fixture.setUnless, { name, refused: true });
        return refused.then(
          () => false,
          (error: Fault) => error.detail?.['name'] === name,
        );
      }),
    );
    expect((await Promise.all(asked)).filter((right) => !right)).toEqual([]);
    expect(await world.owner.first(fixture.countCounters, {})).toEqual({ count: 720, total: 720 });
  });

  test('what is acknowledged to one is what every other reads next', async () => {
    await using world = await newClients(3);
    const [writing, ...reading] = world.clients as [Database, ...Database[]];
    for (let value = 1; value <= 500; value++) {
      await writing.transact(fixture.set, { name: 'a', value });
      for (const other of [world.owner, ...reading]) {
        expect(await other.first(fixture.readCounter, { name: 'a' })).toEqual({ value });
      }
    }
  });

  test('one that leaves ends nothing for the others, and what it asked last is done', async () => {
    await using world = await newClients(2);
    const [leaving, staying] = world.clients as [Database, Database];
    const last = leaving.transact(fixture.set, { name: 'last', value: 1 });
    await leaving.close();
    await last;
    expect(leaving.lost.aborted).toBe(false);
    await staying.transact(fixture.set, { name: 'more', value: 1 });
    expect(await world.owner.first(fixture.countCounters, {})).toEqual({ count: 2, total: 2 });
  });

  test('when the writer ends, every client knows', async () => {
    await using world = await newClients(2);
    const [asking, idle] = world.clients as [Database, Database];
    await expect(asking.transact(faulty.exit, null)).rejects.toMatchObject({ kind: 'unavailable' });
    for (const { lost } of [world.owner, idle]) if (!lost.aborted) await once(lost, 'abort');
    await expect(idle.transact(fixture.set, { name: 'a', value: 1 })).rejects.toMatchObject({ kind: 'unavailable' });
  });

  test('one in another thread reads what was acknowledged here, and here is read what was acknowledged there', async () => {
    await using world = await newClients(0);
    const share = world.owner.share();
    const url = new URL('./_client-thread.ts', import.meta.url);
    const thread = new Worker(url, { workerData: share, transferList: [share.port] });
    try {
      for (let value = 1; value <= 1_000; value += 2) {
        await world.owner.transact(fixture.set, { name: 'a', value });
        // It reads, notes what it read, and raises that by one.
        thread.postMessage('raise');
        const [read] = (await once(thread, 'message')) as [number];
        expect(read).toBe(value);
        expect(await world.owner.first(fixture.readCounter, { name: 'a' })).toEqual({ value: value + 1 });
      }
    } finally {
      thread.postMessage('end');
      await once(thread, 'exit');
    }
  });
});

describe('the file of sqlite', () => {
  test('is readable by its owner only, and stands alone after closing', async () => {
    await using world = await newWorld();
    await world.db.transact(fixture.set, { name: 'a', value: 1 });
    const names = await readdir(world.folder.path);
    expect(names.sort()).toEqual(['berth.db', 'berth.db-shm', 'berth.db-wal']);
    for (const name of names) expect((await stat(join(world.folder.path, name))).mode & 0o777).toBe(0o600);
    await world.db.close();
    expect(await readdir(world.folder.path)).toEqual(['berth.db']);
  });

  test('that is no database, or whose folder is absent, is refused as unavailable', async () => {
    await using world = await newWorld();
    const options = fixture.fixtureOptions(manualClock());
    const other = join(world.folder.path, 'other.db');
    await writeFile(other, 'this is not a database, it only pretends to be a file of some length'.repeat(40));
    await expect(openSqlite({ ...options, file: other })).rejects.toMatchObject({ kind: 'unavailable' });
    const absent = join(world.folder.path, 'absent', 'berth.db');
    await expect(openSqlite({ ...options, file: absent })).rejects.toMatchObject({ kind: 'unavailable' });
  });

  test('can be read by two at once while one writes', async () => {
    await using world = await newWorld();
    const options = fixture.fixtureOptions(manualClock());
    const second = await openSqlite({ ...options, file: world.folder.file });
    await Promise.all([
      ...Array.from({ length: 50 }, () => world.db.transact(fixture.increment, { name: 'a' })),
      ...Array.from({ length: 50 }, () => second.transact(fixture.increment, { name: 'a' })),
    ]);
    expect(await second.first(fixture.readCounter, { name: 'a' })).toEqual({ value: 100 });
    await second.close();
  });
});
