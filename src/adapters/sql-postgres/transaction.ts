import type { ClientBase, QueryResult } from 'pg';
import type { StampClock } from '../../kernel/index.ts';
import { DatabaseError, type SqlTransaction, type Statement } from '../../ports/index.ts';
import { databaseError } from './engine-error.ts';
import type { Prepare } from './prepared.ts';

/** A transaction in the hands of its function. */
export interface OpenTransaction {
  readonly tx: SqlTransaction;
  /** Takes it out of the function's hands, after what it has begun: every later use throws. */
  end(): Promise<void>;
  /** The first error of the engine. The server has given the transaction up, whatever the function made of it. */
  failure(): DatabaseError | undefined;
}

/** Hands out a connection on which a transaction has begun, as the transaction called `name`. */
export function openTransaction(
  client: ClientBase,
  { prepare, stamps }: { prepare: Prepare; stamps: StampClock },
  { name, now }: { name: string; now: number },
): OpenTransaction {
  let ended = false;
  let failure: DatabaseError | undefined;
  /** One statement at a time, as the driver wants it, also when the function asks for several at once. */
  let last: Promise<unknown> = Promise.resolve();
  const check = () => {
    if (ended) throw new DatabaseError('closed', `transaction "${name}" is over and cannot be used any more`);
    if (failure !== undefined) throw failure;
  };

  async function query<P, R>(statement: Statement<P, R>, parameters: P): Promise<QueryResult> {
    check();
    const turn = last.then(async () => {
      if (failure !== undefined) throw failure;
      try {
        return await client.query(prepare(statement, parameters));
      } catch (error) {
        failure = databaseError(error, `transaction "${name}" failed`);
        throw failure;
      }
    });
    last = turn.catch(() => undefined);
    return await turn;
  }

  return {
    tx: {
      dialect: 'postgres',
      now,
      stamp(after) {
        check();
        return stamps.next(after);
      },
      all: async (statement, parameters) => (await query(statement, parameters)).rows,
      first: async (statement, parameters) => (await query(statement, parameters)).rows[0],
      run: async (statement, parameters) => (await query(statement, parameters)).rowCount ?? 0,
    },
    async end() {
      ended = true;
      await last;
    },
    failure: () => failure,
  };
}
