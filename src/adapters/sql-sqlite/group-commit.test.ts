import { DatabaseSync } from 'node:sqlite';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { Fault, stampClock } from '../../kernel/index.ts';
import { sqlText } from '../../ports/_database-fixture.ts';
import type { SqlTransaction } from '../../ports/index.ts';
import { groupCommit, type Job, type Outcome } from './group-commit.ts';

const insert = sqlText<{ id: number; bytes: Uint8Array }>('insert into fact (id, bytes) values (:id, :bytes)');
const pageSize = 4096;

/** A database in memory on a disk of so many pages, and what is known of it while a group runs. */
function world(maxPages: number) {
  const db = new DatabaseSync(':memory:');
  db.exec(`pragma page_size = ${pageSize}; create table fact (id integer primary key, bytes blob)`);
  const limit = (pages: number) => db.exec(`pragma max_page_count = ${pages}`);
  limit(maxPages);
  const commitGroup = groupCommit(db, stampClock({ now: () => 1, regionOrdinal: 1, last: null }));
  /** What was seen after each attempt of each job: its id, and whether the transaction of the group still lived. */
  const attempts: { id: number; lived: boolean }[] = [];
  const job = (id: number, size: number, after?: () => never): Job => ({
    now: 1,
    input: { id, size } as never,
    definition: {
      name: `test/insert-${id}`,
      async run(tx: SqlTransaction) {
        try {
          await tx.run(insert, { id, bytes: new Uint8Array(size) });
        } finally {
          attempts.push({ id, lived: db.isTransaction });
        }
        after?.();
        return id;
      },
    },
  });
  return {
    db,
    limit,
    attempts,
    job,
    run(...jobs: Job[]): Promise<Outcome[]> {
      const queue = [...jobs];
      return commitGroup(() => queue.shift());
    },
    facts: () =>
      db
        .prepare('select id from fact order by id')
        .all()
        .map((row) => row['id']),
    [Symbol.dispose]: () => db.close(),
  };
}

const full = { error: { name: 'DatabaseError', kind: 'full' } };

describe('a group on a disk that gets full', () => {
  // A group also ends after some milliseconds; here time stands still, so that a busy machine does not cut it short.
  beforeEach(() => void vi.spyOn(performance, 'now').mockReturnValue(0));
  afterEach(() => void vi.restoreAllMocks());

  test('is rolled back as a whole by the engine itself, and each of it runs again alone', async () => {
    using small = world(8);
    const outcomes = await small.run(small.job(1, 100), small.job(2, 20 * pageSize), small.job(3, 100));
    // SQLITE_FULL ends the transaction of all, not the statement alone: this is what the code is written for.
    expect(small.attempts[1]).toEqual({ id: 2, lived: false });
    expect(outcomes.slice(0, 2)).toMatchObject([{ result: 1 }, full]);
    expect(small.attempts.map((attempt) => attempt.id)).toEqual([1, 2, 1, 2]);
    expect(small.facts()).toEqual([1]);
    expect(small.db.isTransaction).toBe(false);
    // The third was not taken any more; it comes with the next group.
    expect(outcomes).toHaveLength(2);
    expect(await small.run(small.job(3, 100))).toMatchObject([{ result: 3 }]);
    expect(small.facts()).toEqual([1, 3]);
  });

  test('keeps refusals refused when it runs again', async () => {
    using small = world(8);
    const refusal = small.job(2, 100, () => {
      throw new Fault('conflict', 'refused');
    });
    const outcomes = await small.run(small.job(1, 100), refusal, small.job(3, 20 * pageSize));
    expect(outcomes).toMatchObject([{ result: 1 }, { error: { code: 'conflict' } }, full]);
    expect(small.facts()).toEqual([1]);
  });

  test('answers each of many that have no room, keeps what was there, and goes on once there is room', async () => {
    using small = world(8);
    await small.run(small.job(1, 100));
    const tooMuch = Array.from({ length: 5 }, (_, index) => small.job(10 + index, 20 * pageSize));
    for (const one of tooMuch) expect(await small.run(one)).toMatchObject([full]);
    expect(small.facts()).toEqual([1]);
    small.limit(10_000);
    expect(await small.run(...tooMuch)).toMatchObject(tooMuch.map((_, index) => ({ result: 10 + index })));
    expect(small.facts()).toEqual([1, 10, 11, 12, 13, 14]);
  });
});
