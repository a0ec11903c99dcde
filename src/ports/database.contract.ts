import { mkdtemp, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { describe, expect, test } from 'vitest';
import { Fault, manualClock, type Stamp } from '../kernel/index.ts';
import * as fixture from './_database-fixture.ts';
import type { Database, DatabaseError, DatabaseOptions, Migration } from './database.ts';

/** One empty database for one test. Disposal removes it; the test has closed what it opened. */
export interface DatabasePlace extends AsyncDisposable {
  open(options: DatabaseOptions): Promise<Database>;
}

/** A world of one test: an open database of the fixture on a clock that stands still. */
async function worldOf(factory: () => Promise<DatabasePlace>) {
  const place = await factory();
  const clock = manualClock();
  const options = fixture.fixtureOptions(clock);
  const opened: Database[] = [];
  const open = async (changes: Partial<DatabaseOptions> = {}) => {
    const database = await place.open({ ...options, ...changes });
    opened.push(database);
    return database;
  };
  return {
    clock,
    open,
    db: await open(),
    async [Symbol.asyncDispose]() {
      for (const database of opened) await database.close();
      await place[Symbol.asyncDispose]();
    },
  };
}

/** What every adapter behind `Database` promises; `factory` makes an empty place for each test. */
export function databaseContract(name: string, factory: () => Promise<DatabasePlace>): void {
  describe(`${name} as a database`, () => {
    transactionPromises(() => worldOf(factory));
    valuePromises(() => worldOf(factory));
    schemaPromises(() => worldOf(factory));
    closingPromises(() => worldOf(factory));
    snapshotPromises(() => worldOf(factory));
  });
}

type NewWorld = () => ReturnType<typeof worldOf>;

const rejection = (promise: Promise<unknown>): Promise<unknown> =>
  promise.then(
    (value) => expect.fail(`resolved with ${JSON.stringify(value)}`),
    (error: unknown) => error,
  );

/** The shape of a `DatabaseError` of this kind whose message holds `text`. */
const failed = (kind: DatabaseError['kind'], text = ''): object => ({
  name: 'DatabaseError',
  kind,
  message: expect.stringContaining(text) as string,
});

function transactionPromises(newWorld: NewWorld): void {
  test('a generation, where there is one, stays while nothing is written and is another after each transaction', async () => {
    await using world = await newWorld();
    const seen = [world.db.generation()];
    for (let round = 0; round < 3; round++) {
      await world.db.transact(fixture.set, { name: 'a', value: round });
      const after = world.db.generation();
      await world.db.all(fixture.readCounter, { name: 'a' });
      expect(world.db.generation()).toBe(after);
      seen.push(after);
    }
    const alone = world.db.dialect === 'sqlite';
    expect(new Set(seen).size).toBe(alone ? seen.length : 1);
    expect(seen.every((one) => (one === undefined) !== alone)).toBe(true);
  });

  test('a read sees what a resolved transaction wrote', async () => {
    await using world = await newWorld();
    for (let value = 1; value <= 50; value++) {
      await world.db.transact(fixture.set, { name: 'a', value });
      expect(await world.db.first(fixture.readCounter, { name: 'a' })).toEqual({ value });
    }
    expect(await world.db.all(fixture.listCounters, {})).toEqual([{ name: 'a', value: 50 }]);
    expect(await world.db.first(fixture.readCounter, { name: 'absent' })).toBeUndefined();
  });

  test('a Fault inside rolls back this transaction only and arrives as the same Fault', async () => {
    await using world = await newWorld();
    const [before, refused, after] = await Promise.allSettled([
      world.db.transact(fixture.setUnless, { name: 'before', refused: false }),
      world.db.transact(fixture.setUnless, { name: 'refused', refused: true }),
      world.db.transact(fixture.setUnless, { name: 'after', refused: false }),
    ]);
    expect([before, after]).toMatchObject([{ value: 'before' }, { value: 'after' }]);
    expect(refused.status === 'rejected' && refused.reason).toBeInstanceOf(Fault);
    expect(refused).toMatchObject({
      reason: { code: 'conflict', message: '"refused" is refused', detail: { name: 'refused', why: ['asked'] } },
    });
    const rows = await world.db.all(fixture.listCounters, {});
    expect(rows.map((row) => row.name)).toEqual(['after', 'before']);
  });

  test('an unknown error arrives as internal with the text of its cause, and nothing is written', async () => {
    await using world = await newWorld();
    expect(await rejection(world.db.transact(fixture.fail, { text: 'the left hand erred' }))).toMatchObject(
      failed('internal', 'the left hand erred'),
    );
    expect(await rejection(world.db.transact(fixture.misspell, {}))).toMatchObject(failed('internal', 'nowhere'));
    expect(await world.db.all(fixture.listCounters, {})).toEqual([]);
  });

  test('a broken constraint arrives as internal, also when the first row is asked of the insert', async () => {
    await using world = await newWorld();
    const orphan = world.db.transact(fixture.attach, { name: 'part', counter: 'absent' });
    expect(String(await rejection(orphan))).toMatch(/foreign key/i);
    expect(await rejection(world.db.transact(fixture.set, { name: 'a', value: 1_000_000 }))).toMatchObject(
      failed('internal'),
    );
    expect(await world.db.transact(fixture.set, { name: 'a', value: 1 })).toBe(1);
    expect(await world.db.transact(fixture.attach, { name: 'part', counter: 'a' })).toEqual({ name: 'part' });
  });

  test('an error of the engine that the function swallows still rolls back and rejects', async () => {
    await using world = await newWorld();
    expect(await rejection(world.db.transact(fixture.swallow, { name: 'a' }))).toMatchObject(failed('internal'));
    expect(await world.db.all(fixture.listCounters, {})).toEqual([]);
  });

  test('an error of the engine may be made a Fault', async () => {
    await using world = await newWorld();
    expect(await world.db.transact(fixture.translate, { name: 'a' })).toBe(1);
    const error = await rejection(world.db.transact(fixture.translate, { name: 'a' }));
    expect(error).toBeInstanceOf(Fault);
    expect(error).toMatchObject({ code: 'conflict', message: 'there is one already' });
  });

  test('a transaction throws when used after its end', async () => {
    await using world = await newWorld();
    await world.db.transact(fixture.keep, {});
    const said = await world.db.transact(fixture.useKept, { name: 'late' });
    expect(said).toHaveLength(4);
    for (const text of said) expect(text).toContain('is over');
    expect(await world.db.all(fixture.listCounters, {})).toEqual([]);
  });

  test('a transaction that no module lists is refused', async () => {
    await using world = await newWorld();
    expect(await rejection(world.db.transact(fixture.unlisted, {}))).toMatchObject(failed('internal', 'test/unlisted'));
  });

  test('200 concurrent increments of one row give 200', async () => {
    await using world = await newWorld();
    const values = await Promise.all(
      Array.from({ length: 200 }, () => world.db.transact(fixture.increment, { name: 'a' })),
    );
    expect(values.map(Number).sort((left, right) => left - right)).toEqual(
      Array.from({ length: 200 }, (_, index) => index + 1),
    );
    expect(await world.db.first(fixture.readCounter, { name: 'a' })).toEqual({ value: 200 });
  });

  test('of many at once, those that fail leave the others whole', async () => {
    await using world = await newWorld();
    const outcomes = await Promise.allSettled(
      Array.from({ length: 300 }, (_, index) => {
        const counter = `c${index}`;
        if (index % 50 === 17) return world.db.transact(fixture.fail, { text: counter });
        if (index % 50 === 33) return world.db.transact(fixture.swallow, { name: counter });
        return world.db.transact(fixture.setUnless, { name: counter, refused: index % 3 === 0 });
      }),
    );
    const resolved = outcomes.flatMap((outcome) => (outcome.status === 'fulfilled' ? [outcome.value] : []));
    const rows = await world.db.all(fixture.listCounters, {});
    expect(rows.map((row) => row.name)).toEqual(resolved.sort());
    expect(resolved).toHaveLength(
      outcomes.filter((_, index) => index % 50 !== 17 && index % 50 !== 33 && index % 3 !== 0).length,
    );
  });

  test('transactions that take rows in opposite order all succeed', async () => {
    await using world = await newWorld();
    await Promise.all(
      Array.from({ length: 12 }, (_, index) =>
        world.db.transact(fixture.raisePair, index % 2 ? { first: 'a', second: 'b' } : { first: 'b', second: 'a' }),
      ),
    );
    expect(await world.db.all(fixture.listCounters, {})).toEqual([
      { name: 'a', value: 12 },
      { name: 'b', value: 12 },
    ]);
  });

  test('stamps rise over transactions, above a given one, and over a restart with a clock that went back', async () => {
    await using world = await newWorld();
    const made = await Promise.all(Array.from({ length: 40 }, () => world.db.transact(fixture.mark, { after: null })));
    const stamps = made.flatMap((one) => one.stamps);
    expect(new Set(stamps).size).toBe(80);
    for (const { stamps } of made) expect(stamps[1]! > stamps[0]!).toBe(true);
    expect(new Set(made.map((one) => one.now))).toEqual(new Set([world.clock.now()]));
    let greatest = stamps.sort().at(-1) as Stamp;

    const ahead = `${(world.clock.now() + 60_000).toString(16).padStart(12, '0')}0000-0001` as Stamp;
    const [above] = (await world.db.transact(fixture.mark, { after: ahead })).stamps;
    expect(above! > ahead && above! > greatest).toBe(true);

    greatest = (await world.db.transact(fixture.mark, { after: null })).stamps[1]!;
    await world.db.close();
    world.clock.advance(-3_600_000);
    const reopened = await world.open();
    const [first] = (await reopened.transact(fixture.mark, { after: null })).stamps;
    expect(first! > greatest).toBe(true);
    expect(first!.endsWith('-0007')).toBe(true);
  });
}

function valuePromises(newWorld: NewWorld): void {
  test('bytes, null, large whole numbers and unicode come back as they went in', async () => {
    await using world = await newWorld();
    const facts: fixture.FactRow[] = [
      {
        id: 1,
        words: 'Zürich 東京 🚢 " \\ \' %',
        bytes: Uint8Array.from({ length: 256 }, (_, index) => index),
        number: 2 ** 40,
      },
      { id: 2, words: null, bytes: null, number: null },
      { id: 3, words: '', bytes: new Uint8Array(0), number: -(2 ** 53 - 1) },
      { id: 2 ** 40, words: '{"json":"stays text"}', bytes: new Uint8Array(300_000).fill(7), number: 0 },
    ];
    for (const fact of facts) expect(await world.db.transact(fixture.store, fact)).toBe(1);
    for (const fact of facts) {
      expect({ ...(await world.db.first(fixture.readFact, { id: fact.id })) }).toStrictEqual(fact);
      expect({ ...(await world.db.transact(fixture.reread, { id: fact.id })) }).toStrictEqual(fact);
    }
  });

  test('counts and sums are numbers, and whole numbers are spelled whole', async () => {
    await using world = await newWorld();
    await world.db.transact(fixture.set, { name: 'a', value: 40 });
    await world.db.transact(fixture.set, { name: 'b', value: 2 });
    expect(await world.db.first(fixture.countCounters, {})).toEqual({ count: 2, total: 42 });
    expect(await world.db.first(fixture.spellNumber, { number: 7 })).toEqual({ spelled: 'n7' });
  });

  test('a write answers the number of rows changed', async () => {
    await using world = await newWorld();
    expect(await world.db.transact(fixture.raise, {})).toBe(0);
    expect(await world.db.transact(fixture.createOnce, { name: 'a' })).toBe(1);
    expect(await world.db.transact(fixture.createOnce, { name: 'a' })).toBe(0);
    expect(await world.db.transact(fixture.createOnce, { name: 'b' })).toBe(1);
    expect(await world.db.transact(fixture.raise, {})).toBe(2);
  });

  test('an upsert returns the row it made or changed', async () => {
    await using world = await newWorld();
    expect(await world.db.transact(fixture.add, { name: 'a', value: 5 })).toBe(5);
    expect(await world.db.transact(fixture.add, { name: 'a', value: 6 })).toBe(11);
  });

  test('a JSON array is read as rows', async () => {
    await using world = await newWorld();
    const json = JSON.stringify([{ name: 'one', size: 2 ** 40 }, { name: 'zwölf', size: null }, { size: 3 }]);
    expect(await world.db.all(fixture.unfoldObjects, { json })).toEqual([
      { name: 'one', size: 2 ** 40 },
      { name: 'zwölf', size: null },
      { name: null, size: 3 },
    ]);
    for (const name of ['a', 'b', 'c']) await world.db.transact(fixture.set, { name, value: 1 });
    expect(await world.db.all(fixture.countersNamed, { json: '["c","a","absent"]' })).toEqual([
      { name: 'a', value: 1 },
      { name: 'c', value: 1 },
    ]);
  });

  test('text is ordered by its bytes', async () => {
    await using world = await newWorld();
    const names = ['B', 'Z', '_', 'a', 'a-b', 'a.b', 'a/b', 'aB', 'ab', 'b', 'é', '東'];
    for (const name of names.toReversed()) await world.db.transact(fixture.set, { name, value: 1 });
    const rows = await world.db.all(fixture.listCounters, {});
    expect(rows.map((row) => row.name)).toEqual(names);
  });
}

function schemaPromises(newWorld: NewWorld): void {
  const second: Migration = {
    version: 2,
    name: 'second',
    statements: () => [
      'create table later (name varchar(20) primary key)',
      "insert into counter (name, value) values ('migrated', 1)",
    ],
  };

  test('migrations run once, in order, on a database with rows', async () => {
    await using world = await newWorld();
    await world.db.transact(fixture.set, { name: 'old', value: 3 });
    await world.db.close();
    for (let round = 0; round < 2; round++) {
      const db = await world.open({ migrations: [fixture.ground, second] });
      expect(await db.all(fixture.listCounters, {})).toEqual([
        { name: 'migrated', value: 1 },
        { name: 'old', value: 3 },
      ]);
      await db.close();
    }
  });

  test('a database that is newer than the program is refused', async () => {
    await using world = await newWorld();
    await world.db.close();
    await (await world.open({ migrations: [fixture.ground, second] })).close();
    expect(await rejection(world.open())).toMatchObject(failed('incompatible', 'version 2'));
  });

  test('a gap in the known migrations and a step under another name are refused', async () => {
    await using world = await newWorld();
    await world.db.close();
    const third = { ...second, version: 3 };
    expect(await rejection(world.open({ migrations: [fixture.ground, third] }))).toMatchObject(
      failed('incompatible', 'version 3'),
    );
    expect(await rejection(world.open({ migrations: [{ ...fixture.ground, name: 'soil' }] }))).toMatchObject(
      failed('incompatible', 'soil'),
    );
    expect(await rejection(world.open({ migrations: [] }))).toMatchObject(failed('incompatible', 'version 1'));
  });

  test('a migration that fails leaves nothing of itself', async () => {
    await using world = await newWorld();
    await world.db.close();
    const torn = { ...second, statements: () => [...second.statements('sqlite'), 'insert into nowhere values (1)'] };
    expect(await rejection(world.open({ migrations: [fixture.ground, torn] }))).toMatchObject(
      failed('internal', 'nowhere'),
    );
    const db = await world.open({ migrations: [fixture.ground, second] });
    expect(await db.first(fixture.readCounter, { name: 'migrated' })).toEqual({ value: 1 });
  });

  test('two that open at once migrate once', async () => {
    await using world = await newWorld();
    await world.db.close();
    const both = await Promise.all([1, 2].map(() => world.open({ migrations: [fixture.ground, second] })));
    for (const db of both) expect(await db.first(fixture.readCounter, { name: 'migrated' })).toEqual({ value: 1 });
  });

  test('two transactions of one name are refused', async () => {
    await using world = await newWorld();
    const module = { transactions: fixture.transactions, transactionsUrl: fixture.transactionsUrl };
    expect(await rejection(world.open({ modules: [module, module] }))).toMatchObject(
      failed('incompatible', 'test/set'),
    );
  });
}

function closingPromises(newWorld: NewWorld): void {
  test('closing waits for running work and may be done twice', async () => {
    await using world = await newWorld();
    const running = Array.from({ length: 100 }, () => world.db.transact(fixture.increment, { name: 'a' }));
    await Promise.all([world.db.close(), world.db.close()]);
    expect(await Promise.all(running)).toHaveLength(100);
    await world.db.close();
    const reopened = await world.open();
    expect(await reopened.first(fixture.readCounter, { name: 'a' })).toEqual({ value: 100 });
  });

  test('after closing, work is refused as closed', async () => {
    await using world = await newWorld();
    const closing = world.db.close();
    expect(await rejection(world.db.transact(fixture.set, { name: 'a', value: 1 }))).toMatchObject(failed('closed'));
    expect(await rejection(world.db.first(fixture.readCounter, { name: 'a' }))).toMatchObject(failed('closed'));
    await closing;
    expect(await rejection(world.db.all(fixture.listCounters, {}))).toMatchObject(failed('closed'));
  });
}

function snapshotPromises(newWorld: NewWorld): void {
  const folderOf = async () => {
    const path = await mkdtemp(join(tmpdir(), 'berth-snapshot-'));
    return { path, file: join(path, 'copy.db'), [Symbol.asyncDispose]: () => rm(path, { recursive: true }) };
  };

  test('a snapshot holds what was committed before it, value by value, and nothing after', async () => {
    await using world = await newWorld();
    await using folder = await folderOf();
    const facts: fixture.FactRow[] = [
      { id: 1, words: 'ünicode \n and more', bytes: Uint8Array.of(0, 255, 10), number: Number.MAX_SAFE_INTEGER },
      { id: 2, words: null, bytes: null, number: null },
      { id: 3, words: '', bytes: new Uint8Array(70_000).fill(7), number: -1 },
    ];
    for (const fact of facts) await world.db.transact(fixture.store, fact);
    for (let count = 0; count < 1200; count++)
      await world.db.transact(fixture.set, { name: `c${count}`, value: count });
    await world.db.snapshot(folder.file);
    await world.db.transact(fixture.store, { id: 4, words: 'later', bytes: null, number: null });
    expect(await readdir(folder.path)).toEqual(['copy.db']);
    expect((await stat(folder.file)).mode & 0o777).toBe(0o600);
    using copy = new DatabaseSync(folder.file, { readOnly: true });
    expect(
      copy
        .prepare('select id, words, bytes, number from fact order by id')
        .all()
        .map((row) => ({ ...row })),
    ).toEqual(facts);
    expect({ ...copy.prepare('select count(*) as count, sum(value) as total from counter').get() }).toEqual({
      count: 1200,
      total: (1200 * 1199) / 2,
    });
    expect({ ...copy.prepare('select version, name from schema_migration').get() }).toEqual({
      version: fixture.ground.version,
      name: fixture.ground.name,
    });
    expect(copy.prepare('pragma integrity_check').get()).toMatchObject({ integrity_check: 'ok' });
  });

  test('a snapshot is of one moment while others write, and holds nobody up', async () => {
    await using world = await newWorld();
    await using folder = await folderOf();
    await world.db.transact(fixture.raisePair, { first: 'left', second: 'right' });
    const stop = new AbortController();
    let written = 0;
    const writer = (async () => {
      while (!stop.signal.aborted) {
        await world.db.transact(fixture.raisePair, { first: 'left', second: 'right' });
        written += 1;
      }
    })();
    const before = written;
    await world.db.snapshot(folder.file);
    expect(written).toBeGreaterThan(before);
    stop.abort();
    await writer;
    using copy = new DatabaseSync(folder.file, { readOnly: true });
    const values = copy
      .prepare('select value from counter order by name')
      .all()
      .map((row) => row['value']);
    expect(values).toHaveLength(2);
    expect(values[0]).toBe(values[1]);
    expect(values[0]).toBeLessThanOrEqual(written + 1);
  });

  test('a snapshot never writes over a file, and leaves none when it fails', async () => {
    await using world = await newWorld();
    await using folder = await folderOf();
    await writeFile(folder.file, 'mine');
    expect(await rejection(world.db.snapshot(folder.file))).toMatchObject(failed('unavailable'));
    expect((await stat(folder.file)).size).toBe(4);
    const nowhere = join(folder.path, 'absent', 'copy.db');
    expect(await rejection(world.db.snapshot(nowhere))).toMatchObject(failed('unavailable'));
    await world.db.close();
    expect(await rejection(world.db.snapshot(join(folder.path, 'closed.db')))).toMatchObject(failed('closed'));
    expect(await readdir(folder.path)).toEqual(['copy.db']);
  });
}
