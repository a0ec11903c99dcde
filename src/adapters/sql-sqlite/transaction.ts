import type { StampClock } from '../../kernel/index.ts';
import { DatabaseError, type SqlTransaction, type Statement } from '../../ports/index.ts';
import { databaseError } from './engine-error.ts';
import type { Prepared } from './prepared.ts';

/** A transaction in the hands of its function. */
export interface OpenTransaction {
  readonly tx: SqlTransaction;
  /** Takes it out of the function's hands: every later use throws. */
  end(): void;
  /** The first error of the engine. It dooms the transaction even when the function swallowed it, as on PostgreSQL. */
  failure(): DatabaseError | undefined;
}

/** Hands out the writer's connection as the transaction called `name`. */
export function openTransaction(
  prepare: <P, R>(statement: Statement<P, R>) => Prepared<P, R>,
  stamps: StampClock,
  { name, now }: { name: string; now: number },
): OpenTransaction {
  let ended = false;
  let failure: DatabaseError | undefined;
  const check = () => {
    if (ended) throw new DatabaseError('closed', `transaction "${name}" is over and cannot be used any more`);
    if (failure !== undefined) throw failure;
  };
  const fail = (error: unknown) => {
    failure = databaseError(error, `transaction "${name}" failed`);
    return failure;
  };
  return {
    tx: {
      dialect: 'sqlite',
      now,
      stamp(after) {
        check();
        return stamps.next(after);
      },
      async all(statement, parameters) {
        check();
        try {
          return prepare(statement).all(parameters);
        } catch (error) {
          throw fail(error);
        }
      },
      async first(statement, parameters) {
        check();
        try {
          return prepare(statement).first(parameters);
        } catch (error) {
          throw fail(error);
        }
      },
      async run(statement, parameters) {
        check();
        try {
          return prepare(statement).run(parameters);
        } catch (error) {
          throw fail(error);
        }
      },
    },
    end() {
      ended = true;
    },
    failure: () => failure,
  };
}
