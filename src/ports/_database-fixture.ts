import { Fault, type Stamp } from '../kernel/index.ts';
import type {
  DatabaseOptions,
  DialectName,
  Migration,
  SqlTransaction,
  SqlValue,
  Statement,
  TransactionDefinition,
} from './database.ts';

/** A statement written as text with `:name` for parameters; one text, or one for each engine. */
export function sqlText<P extends Readonly<Record<string, SqlValue>>, R = Record<string, never>>(
  text: string | Readonly<Record<DialectName, string>>,
): Statement<P, R> {
  return {
    compile(dialect) {
      const names: string[] = [];
      const sql = (typeof text === 'string' ? text : text[dialect]).replaceAll(
        /(?<!:):([a-z]\w*)/gi,
        (_, name: string) => {
          names.push(name);
          return dialect === 'sqlite' ? '?' : `$${names.length}`;
        },
      );
      return { sql, bind: (parameters) => names.map((name) => parameters[name] as SqlValue) };
    },
  };
}

type None = Record<string, never>;

export const ground: Migration = {
  version: 1,
  name: 'ground',
  statements(dialect) {
    const text = dialect === 'sqlite' ? 'text' : 'text collate "C"';
    const bytes = dialect === 'sqlite' ? 'blob' : 'bytea';
    return [
      `create table counter (name ${text} primary key, value bigint not null check (value < 1000000))`,
      `create table part (name ${text} primary key, counter_name ${text} not null references counter (name))`,
      `create table fact (id bigint primary key, words ${text}, bytes ${bytes}, number bigint)`,
      `create table mark (stamp ${text} primary key, made_ms bigint not null)`,
    ];
  },
};

export const setCounter = sqlText<{ name: string; value: number }>(
  'insert into counter (name, value) values (:name, :value) on conflict (name) do update set value = excluded.value',
);
export const addToCounter = sqlText<{ name: string; value: number }, { value: number }>(
  'insert into counter (name, value) values (:name, :value) on conflict (name) do update set value = counter.value + excluded.value returning value',
);
export const insertCounter = sqlText<{ name: string; value: number }>(
  'insert into counter (name, value) values (:name, :value)',
);
const insertCounterOnce = sqlText<{ name: string }>(
  'insert into counter (name, value) values (:name, 0) on conflict (name) do nothing',
);
const raiseAll = sqlText<None>('update counter set value = value + 1');
const insertPart = sqlText<{ name: string; counter: string }, { name: string }>(
  'insert into part (name, counter_name) values (:name, :counter) returning name',
);
export const readCounter = sqlText<{ name: string }, { value: number }>('select value from counter where name = :name');
export const listCounters = sqlText<None, { name: string; value: number }>(
  'select name, value from counter order by name limit 1000',
);
export const countCounters = sqlText<None, { count: number; total: number }>(
  'select count(*) as count, sum(value) as total from counter',
);
const insertFact = sqlText<{ id: number; words: SqlValue; bytes: SqlValue; number: SqlValue }>(
  'insert into fact (id, words, bytes, number) values (:id, :words, :bytes, :number)',
);
export interface FactRow {
  id: number;
  words: string | null;
  bytes: Uint8Array | null;
  number: number | null;
}
export const readFact = sqlText<{ id: number }, FactRow>('select id, words, bytes, number from fact where id = :id');
/** Whole numbers stay whole wherever the statement puts them. */
export const spellNumber = sqlText<{ number: number }, { spelled: string }>({
  sqlite: "select 'n' || :number as spelled",
  postgres: "select 'n' || cast(:number as bigint) as spelled",
});
const insertMark = sqlText<{ stamp: string; made: number }>('insert into mark (stamp, made_ms) values (:stamp, :made)');
export const greatestMark = sqlText<None, { stamp: string | null }>('select max(stamp) as stamp from mark');
/** The pieces that `data/dialect.ts` makes of `items`, `field` and `numberField`. */
export const unfoldObjects = sqlText<{ json: string }, { name: string | null; size: number | null }>({
  sqlite:
    "select (item.value ->> 'name') as name, cast(item.value ->> 'size' as integer) as size from json_each(:json) as item",
  postgres:
    "select (item.value ->> 'name') as name, cast(item.value ->> 'size' as bigint) as size from jsonb_array_elements(:json::jsonb) as item(value)",
});
/** The pieces that `data/dialect.ts` makes of `items` and `word`. */
export const countersNamed = sqlText<{ json: string }, { name: string; value: number }>({
  sqlite:
    'select name, value from counter where name in (select item.value from json_each(:json) as item) order by name',
  postgres:
    "select name, value from counter where name in (select (item.value #>> '{}') from jsonb_array_elements(:json::jsonb) as item(value)) order by name",
});
const broken = sqlText<None>('select name from nowhere');

function define<I, R>(name: string, run: TransactionDefinition<I, R>['run']): TransactionDefinition<I, R> {
  return { name, run };
}

export const set = define('test/set', async (tx, input: { name: string; value: number }) => {
  return await tx.run(setCounter, input);
});
export const add = define('test/add', async (tx, input: { name: string; value: number }) => {
  const row = await tx.first(addToCounter, input);
  return row?.value;
});
/** Reads, then writes what it has read: right only when transactions do not interleave on the row. */
export const increment = define('test/increment', async (tx, input: { name: string }) => {
  await tx.run(insertCounterOnce, input);
  return (await tx.first(addToCounter, { name: input.name, value: 1 }))?.value;
});
/** Writes, and refuses afterwards when asked to. */
export const setUnless = define('test/set-unless', async (tx, input: { name: string; refused: boolean }) => {
  await tx.run(insertCounter, { name: input.name, value: 1 });
  if (input.refused)
    throw new Fault('conflict', `"${input.name}" is refused`, { detail: { name: input.name, why: ['asked'] } });
  return input.name;
});
export const createOnce = define('test/create-once', (tx, input: { name: string }) => tx.run(insertCounterOnce, input));
export const raise = define('test/raise', (tx) => tx.run(raiseAll, {}));
export const attach = define('test/attach', (tx, input: { name: string; counter: string }) =>
  tx.first(insertPart, input),
);
export const fail = define('test/fail', async (tx, input: { text: string }) => {
  await tx.run(insertCounter, { name: 'failed', value: 1 });
  throw new TypeError(input.text);
});
export const misspell = define('test/misspell', (tx) => tx.all(broken, {}));
/** Makes nothing of an engine's error. */
export const swallow = define('test/swallow', async (tx, input: { name: string }) => {
  await tx.run(insertCounter, { name: input.name, value: 1 });
  await tx.run(insertCounter, { name: input.name, value: 2 }).catch(() => 0);
  return 'all is well';
});
/** Makes a refusal of an engine's error. */
export const translate = define('test/translate', async (tx, input: { name: string }) => {
  try {
    return await tx.run(insertCounter, { name: input.name, value: 1 });
  } catch (error) {
    throw new Fault('conflict', 'there is one already', { cause: error });
  }
});
/** Raises two rows in the order given. */
export const raisePair = define('test/raise-pair', async (tx, input: { first: string; second: string }) => {
  await tx.run(addToCounter, { name: input.first, value: 1 });
  await tx.run(addToCounter, { name: input.second, value: 1 });
});
export const store = define('test/store', (tx, input: FactRow) => tx.run(insertFact, { ...input }));
export const reread = define('test/reread', (tx, input: { id: number }) => tx.first(readFact, input));
export const mark = define('test/mark', async (tx, input: { after: Stamp | null }) => {
  const stamps = [tx.stamp(input.after), tx.stamp()];
  for (const stamp of stamps) await tx.run(insertMark, { stamp, made: tx.now });
  return { stamps, now: tx.now };
});

/** What `keep` leaves behind, in whichever thread transactions run: the fault to be caught is a use of it. */
const kept: SqlTransaction[] = [];
export const keep = define('test/keep', async (tx) => {
  kept.push(tx);
});
export const useKept = define('test/use-kept', async (_tx, input: { name: string }) => {
  const tx = kept.pop();
  if (tx === undefined) throw new Error('nothing was kept');
  const said: string[] = [];
  await tx.run(setCounter, { name: input.name, value: 1 }).catch((error: unknown) => said.push(String(error)));
  await tx.first(readCounter, { name: input.name }).catch((error: unknown) => said.push(String(error)));
  await tx.all(listCounters, {}).catch((error: unknown) => said.push(String(error)));
  try {
    tx.stamp();
  } catch (error) {
    said.push(String(error));
  }
  return said;
});

/** In no module's list. */
export const unlisted = define('test/unlisted', async () => 'ran');

export const transactions: readonly TransactionDefinition<never, unknown>[] = [
  set,
  add,
  increment,
  setUnless,
  createOnce,
  raise,
  attach,
  fail,
  misspell,
  swallow,
  translate,
  raisePair,
  store,
  reread,
  mark,
  keep,
  useKept,
];
export const transactionsUrl: string = import.meta.url;

/** Options for a database of this fixture; the clock is the caller's. */
export function fixtureOptions(clock: DatabaseOptions['clock']): DatabaseOptions {
  return {
    migrations: [ground],
    modules: [{ transactions, transactionsUrl }],
    clock,
    regionOrdinal: 7,
    lastStamp: greatestMark,
  };
}
