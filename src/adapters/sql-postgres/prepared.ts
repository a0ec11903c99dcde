import type { QueryConfig } from 'pg';
import type { CompiledStatement, SqlValue, Statement } from '../../ports/index.ts';

/** Turns a statement and its parameters into a query that each connection parses once, under a name. */
export type Prepare = <P, R>(statement: Statement<P, R>, parameters: P) => QueryConfig<SqlValue[]>;

/** Names statements for one pool. */
export function preparedStatements(): Prepare {
  const known = new WeakMap<object, { name: string; compiled: CompiledStatement<never> }>();
  let count = 0;
  return (statement, parameters) => {
    let found = known.get(statement);
    if (found === undefined) {
      const compiled = statement.compile('postgres');
      found = { name: `s${++count}`, compiled };
      known.set(statement, found);
    }
    const values = found.compiled.bind(parameters as never);
    // The driver would send NULL; on SQLite the same mistake is refused.
    if (values.includes(undefined as never)) throw new TypeError('a parameter of the statement is missing');
    return { name: found.name, text: found.compiled.sql, values };
  };
}
