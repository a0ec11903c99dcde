import { ground, sqlText } from '../../ports/_database-fixture.ts';
import type { Migration, TransactionDefinition } from '../../ports/index.ts';

/** Makes the server give a transaction up as often as asked; a sequence counts, because rollback leaves it alone. */
const counting: Migration = {
  version: 2,
  name: 'counting',
  statements: () => [
    'create sequence attempt',
    `create function give_up(code text, times bigint) returns bigint language plpgsql as $$
      declare taken bigint := nextval('attempt');
      begin
        if taken <= times then raise exception 'given up, attempt %', taken using errcode = code; end if;
        return taken;
      end $$`,
  ],
};
export const migrations: readonly Migration[] = [ground, counting];

type GiveUp = { code: string; times: number };

const giveUp = sqlText<GiveUp, { taken: number }>('select give_up(:code, :times) as taken');
const endSession = sqlText<Record<string, never>>('select pg_terminate_backend(pg_backend_pid())');
const readIsolation = sqlText<Record<string, never>, { isolation: string }>(
  "select current_setting('transaction_isolation') as isolation",
);

export const succeedAfter: TransactionDefinition<GiveUp, number | undefined> = {
  name: 'retry/succeed-after',
  run: async (tx, input) => (await tx.first(giveUp, input))?.taken,
};

export const hideFailure: TransactionDefinition<GiveUp, number | undefined> = {
  name: 'retry/hide-failure',
  run: async (tx, input) => (await tx.first(giveUp, input).catch(() => undefined))?.taken,
};

export const loseConnection: TransactionDefinition<null, unknown> = {
  name: 'retry/lose-connection',
  run: (tx) => tx.all(endSession, {}),
};

export const askTogether: TransactionDefinition<null, unknown[]> = {
  name: 'retry/ask-together',
  run: (tx) => Promise.all([1, 2, 3, 4].map(() => tx.first(readIsolation, {}))),
};

export const transactions: readonly TransactionDefinition<never, unknown>[] = [
  succeedAfter,
  hideFailure,
  loseConnection,
  askTogether,
];
export const transactionsUrl: string = import.meta.url;
