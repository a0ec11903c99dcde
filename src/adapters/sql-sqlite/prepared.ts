import type { DatabaseSync, SQLInputValue, StatementSync } from 'node:sqlite';
import type { CompiledStatement, Statement } from '../../ports/index.ts';

/** A statement ready to run on one connection. */
export interface Prepared<P, R> {
  /** The parameters in the order and form in which they are bound. */
  bind(parameters: P): SQLInputValue[];
  /** Runs with values that `bind` made. */
  rows(values: readonly SQLInputValue[]): R[];
  all(parameters: P): R[];
  first(parameters: P): R | undefined;
  /** Answers the number of rows changed. */
  run(parameters: P): number;
}

/** Prepares each statement once for one connection and keeps it as long as the statement itself lives. */
export function preparedStatements(db: DatabaseSync): <P, R>(statement: Statement<P, R>) => Prepared<P, R> {
  const known = new WeakMap<object, Prepared<never, unknown>>();
  return <P, R>(statement: Statement<P, R>) => {
    const found = known.get(statement) as Prepared<P, R> | undefined;
    if (found !== undefined) return found;
    const compiled = statement.compile('sqlite');
    const prepared = ready<P, R>(db.prepare(compiled.sql), compiled);
    known.set(statement, prepared);
    return prepared;
  };
}

function ready<P, R>(native: StatementSync, compiled: CompiledStatement<P>): Prepared<P, R> {
  const values = (parameters: P): SQLInputValue[] => {
    const bound: SQLInputValue[] = compiled.bind(parameters);
    for (let index = 0; index < bound.length; index++) {
      const value = bound[index];
      // A JavaScript number is bound as REAL: 7 would read '7.0' where the statement makes text of it.
      if (typeof value === 'number' && Number.isInteger(value)) bound[index] = BigInt(value);
    }
    return bound;
  };
  return {
    bind: values,
    rows: (bound) => native.all(...bound) as R[],
    all: (parameters) => native.all(...values(parameters)) as R[],
    first: (parameters) => native.get(...values(parameters)) as R | undefined,
    run: (parameters) => Number(native.run(...values(parameters)).changes),
  };
}
