import { sqlText } from '../../ports/_database-fixture.ts';
import type { TransactionDefinition } from '../../ports/index.ts';

/** Transactions that do what none should, to see what the writer makes of them. */

const insertFact = sqlText<{ id: number; bytes: Uint8Array }>('insert into fact (id, bytes) values (:id, :bytes)');
const pageCount = sqlText<Record<string, never>, { page_count: number }>('pragma page_count');
/** Stands for a disk of this size. */
const limitPages = sqlText<Record<string, never>>('pragma max_page_count = 40');
const synchronous = sqlText<Record<string, never>, { synchronous: number }>('pragma synchronous');
const deferForeignKeys = sqlText<Record<string, never>>('pragma defer_foreign_keys = on');
const insertPart = sqlText<{ name: string; counter: string }>(
  'insert into part (name, counter_name) values (:name, :counter)',
);

export const readSafety: TransactionDefinition<null, number | undefined> = {
  name: 'faulty/read-safety',
  run: async (tx) => (await tx.first(synchronous, {}))?.synchronous,
};

export const limitSpace: TransactionDefinition<null, number | undefined> = {
  name: 'faulty/limit-space',
  async run(tx) {
    await tx.all(limitPages, {});
    return (await tx.first(pageCount, {}))?.page_count;
  },
};

export const insertBytes: TransactionDefinition<{ id: number; size: number }, number> = {
  name: 'faulty/insert-bytes',
  run: (tx, input) => tx.run(insertFact, { id: input.id, bytes: new Uint8Array(input.size) }),
};

/** Breaks a foreign key that is looked at only when the whole group commits. */
export const breakAtCommit: TransactionDefinition<{ name: string }, string> = {
  name: 'faulty/break-at-commit',
  async run(tx, input) {
    await tx.all(deferForeignKeys, {});
    await tx.run(insertPart, { name: input.name, counter: 'absent' });
    return 'not yet broken';
  },
};

export const waitForever: TransactionDefinition<{ id: number }, void> = {
  name: 'faulty/wait-forever',
  async run(tx, input) {
    await tx.run(insertFact, { id: input.id, bytes: new Uint8Array(1) });
    await new Promise(() => {});
  },
};

export const waitForTimer: TransactionDefinition<{ id: number }, number> = {
  name: 'faulty/wait-for-timer',
  async run(tx, input) {
    await new Promise((resolve) => setImmediate(resolve));
    return await tx.run(insertFact, { id: input.id, bytes: new Uint8Array(1) });
  },
};

export const answerFunction: TransactionDefinition<{ id: number }, unknown> = {
  name: 'faulty/answer-function',
  async run(tx, input) {
    await tx.run(insertFact, { id: input.id, bytes: new Uint8Array(1) });
    return () => input.id;
  },
};

export const exit: TransactionDefinition<null, void> = {
  name: 'faulty/exit',
  async run() {
    process.exit(3);
  },
};

export const transactions: readonly TransactionDefinition<never, unknown>[] = [
  readSafety,
  limitSpace,
  insertBytes,
  breakAtCommit,
  waitForever,
  waitForTimer,
  answerFunction,
  exit,
];
export const transactionsUrl: string = import.meta.url;
