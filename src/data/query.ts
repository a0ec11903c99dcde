import {
  type CompiledQuery,
  DummyDriver,
  Kysely,
  PostgresAdapter,
  PostgresIntrospector,
  PostgresQueryCompiler,
  SqliteAdapter,
  SqliteIntrospector,
  SqliteQueryCompiler,
} from 'kysely';
import type { CompiledStatement, DialectName, SqlValue, Statement } from '../ports/index.ts';
import { type Dialect, dialectOf } from './dialect.ts';
import type { Schema } from './schema.ts';

/** Kysely used as a compiler only: the adapters run the SQL. */
const compilers: Record<DialectName, Kysely<Schema>> = {
  sqlite: new Kysely<Schema>({
    dialect: {
      createAdapter: () => new SqliteAdapter(),
      createDriver: () => new DummyDriver(),
      createIntrospector: (db) => new SqliteIntrospector(db),
      createQueryCompiler: () => new SqliteQueryCompiler(),
    },
  }),
  postgres: new Kysely<Schema>({
    dialect: {
      createAdapter: () => new PostgresAdapter(),
      createDriver: () => new DummyDriver(),
      createIntrospector: (db) => new PostgresIntrospector(db),
      createQueryCompiler: () => new PostgresQueryCompiler(),
    },
  }),
};

/** Stands for a parameter while the query is built; replaced by its place in the list afterwards. */
class Placeholder {
  readonly name: string;
  constructor(name: string) {
    this.name = name;
  }
}

/** What a statement builds: a Kysely query, or raw SQL by Kysely's `sql` tag. */
interface Buildable<R> {
  compile(provider: Kysely<Schema>): CompiledQuery<R>;
}

type Parameters = Readonly<Record<string, SqlValue>>;

/**
 * Declares a statement of a room: written with Kysely once, compiled on first use per engine, then only bound and run.
 * `build` must use every parameter as a bound value; it never sees the values themselves.
 */
export function statement<P extends object = Record<string, never>, R = Record<string, never>>(
  build: (db: Kysely<Schema>, parameters: P, dialect: Dialect) => Buildable<R>,
): Statement<P, R> {
  const compiled: Partial<Record<DialectName, CompiledStatement<P>>> = {};
  return {
    compile(dialect) {
      compiled[dialect] ??= compile(build, dialect);
      return compiled[dialect];
    },
  };
}

function compile<P extends object, R>(
  build: (db: Kysely<Schema>, parameters: P, dialect: Dialect) => Buildable<R>,
  name: DialectName,
): CompiledStatement<P> {
  const placeholders = new Proxy({}, { get: (_, key) => new Placeholder(String(key)) }) as P;
  const query = build(compilers[name], placeholders, dialectOf(name)).compile(compilers[name]);
  const order = query.parameters.map((parameter) =>
    parameter instanceof Placeholder ? parameter : { constant: parameter as SqlValue },
  );
  return {
    sql: query.sql,
    bind(parameters) {
      const values: SqlValue[] = [];
      for (const entry of order) {
        values.push(entry instanceof Placeholder ? (parameters as unknown as Parameters)[entry.name]! : entry.constant);
      }
      return values;
    },
  };
}
