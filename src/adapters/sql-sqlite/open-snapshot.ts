import { DatabaseSync } from 'node:sqlite';
import type { SqlReader, Statement } from '../../ports/index.ts';
import { databaseError } from './engine-error.ts';
import { preparedStatements } from './prepared.ts';

/** A snapshot open for reading. Nothing is written beside it, so it may lie on a medium that cannot be written. */
export interface Snapshot extends SqlReader, AsyncDisposable {
  /** Runs a write, durable when it resolves, and answers the number of rows changed. Throws unless opened for writing. */
  run<P, R>(statement: Statement<P, R>, parameters: P): Promise<number>;
  /** Throws `DatabaseError` when the engine finds the file damaged. */
  check(): void;
}

/** Opens a file that `Database.snapshot` wrote. Throws `DatabaseError('unavailable')` when it is not one. */
export function openSnapshot(file: string, options: { writable: boolean }): Snapshot {
  const db = guarded(() => new DatabaseSync(file, { readOnly: !options.writable, timeout: 5_000 }));
  const prepare = preparedStatements(db);
  return {
    dialect: 'sqlite',
    all: async (statement, parameters) => guarded(() => prepare(statement).all(parameters)),
    first: async (statement, parameters) => guarded(() => prepare(statement).first(parameters)),
    run: async (statement, parameters) => guarded(() => prepare(statement).run(parameters)),
    check() {
      const said = guarded(() => db.prepare('pragma quick_check(1)').get()) as { quick_check: string } | undefined;
      if (said?.quick_check !== 'ok') throw databaseError(new Error(said?.quick_check), 'the snapshot is damaged');
    },
    async [Symbol.asyncDispose]() {
      db.close();
    },
  };
}

function guarded<T>(work: () => T): T {
  try {
    return work();
  } catch (error) {
    throw databaseError(error, 'a snapshot could not be read');
  }
}
