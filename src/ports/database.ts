import type { Clock, Stamp } from '../kernel/index.ts';

/** The engines that Berth speaks. Only `data/dialect.ts` and the adapters may branch on it. */
export type DialectName = 'sqlite' | 'postgres';

/** A value bound to or read from a statement. Booleans are 0 and 1, times are Unix milliseconds, JSON is text. */
export type SqlValue = string | number | null | Uint8Array;

/** A statement compiled for one engine: SQL with the engine's placeholders, and how parameters are put in order. */
export interface CompiledStatement<P> {
  readonly sql: string;
  bind(parameters: P): SqlValue[];
}

/**
 * One query of one room, written once and compiled once for each engine (see `data/query.ts`). `R` is the shape of a
 * row. The object's identity is the cache key of prepared statements, so statements are module constants.
 */
export interface Statement<P, R> {
  compile(dialect: DialectName): CompiledStatement<P>;
  /** Never set; carries the row type. */
  readonly row?: R;
}

/** Reads. Each call sees every transaction whose `transact` promise has resolved in this process. */
export interface SqlReader {
  readonly dialect: DialectName;
  /** All rows. The statement carries its own limit; an unbounded list is refused in review. */
  all<P, R>(statement: Statement<P, R>, parameters: P): Promise<R[]>;
  /** The first row, or undefined. */
  first<P, R>(statement: Statement<P, R>, parameters: P): Promise<R | undefined>;
}

/**
 * An open transaction. It lives as long as the function that received it; use after that throws. There is no way to
 * open a second transaction from inside.
 */
export interface SqlTransaction extends SqlReader {
  /** Runs a write and answers the number of rows changed. */
  run<P, R>(statement: Statement<P, R>, parameters: P): Promise<number>;
  /** Unix milliseconds, the same for the whole transaction. */
  readonly now: number;
  /** Issues a stamp above every earlier one and above `after`. */
  stamp(after?: Stamp | null): Stamp;
}

/**
 * A transaction as a named function: `(tx, input) => result`, free of any effect but SQL, so that it is safe to run
 * again. Input and result must survive structured cloning, because on SQLite it runs in the writer thread. A `Fault`
 * thrown inside rolls back this transaction only and reaches the caller as the same Fault.
 */
export interface TransactionDefinition<I, R> {
  /** `room/verb-noun`, unique in the process. */
  readonly name: string;
  run(tx: SqlTransaction, input: I): Promise<R>;
}

/**
 * A module that the writer thread loads to find transactions by name. `transactions` lists all definitions of a room;
 * `transactionsUrl` is that module's own `import.meta.url`.
 */
export interface TransactionModule {
  readonly transactions: readonly TransactionDefinition<never, unknown>[];
  readonly transactionsUrl: string;
}

/** One forward step of the schema. Statements run in order in one transaction. Never changed once released. */
export interface Migration {
  /** Ascending, gap-free from 1. */
  readonly version: number;
  readonly name: string;
  statements(dialect: DialectName): readonly string[];
}

/** What an adapter needs to open a database. */
export interface DatabaseOptions {
  readonly migrations: readonly Migration[];
  readonly modules: readonly TransactionModule[];
  readonly clock: Clock;
  readonly regionOrdinal: number;
  /** SELECT that answers one row `{ stamp: string | null }`, the greatest stamp ever stored; the clock continues above it. */
  readonly lastStamp: Statement<Record<string, never>, { stamp: string | null }>;
}

/**
 * The database is the truth. `transact` resolves after COMMIT is durable (SQLite: synchronous=FULL; PostgreSQL:
 * synchronous_commit as the server has it, refused when off) and rejects with the Fault thrown inside, or with
 * `DatabaseError`. On PostgreSQL a transaction runs at READ COMMITTED and is run again on 40001 and 40P01, up to a bound.
 * On SQLite many transactions share one commit; a group that the engine rolled back by itself is run again one by one.
 */
export interface Database extends SqlReader {
  /**
   * Aborted when this process can never write again (the writer of an embedded engine died): only a new start helps. A
   * server that cannot be reached for a while does not abort it.
   */
  readonly lost: AbortSignal;
  /**
   * A number that another value replaces before any `transact` resolves: while it stays, every read answers what it
   * answered before. Undefined where others may write to the database as well, and nothing read may be kept.
   */
  generation(): number | undefined;
  transact<I, R>(definition: TransactionDefinition<I, R>, input: I): Promise<R>;
  /**
   * Writes everything that was committed before the call, as of one moment, into a new database file of SQLite, whichever
   * engine this is. Reads and writes go on meanwhile. The file is for its owner only and, when the promise resolves, on
   * the disk; when it rejects, no file is left. Throws `DatabaseError`: `full`; `unavailable`, also for a file that exists.
   */
  snapshot(file: string): Promise<void>;
  /** Waits for running work, then closes. Idempotent. */
  close(): Promise<void>;
}

/** What went wrong below the domain, in words of the port. `full`: no space; `busy`: gave up on retries; `closed`: shut. */
export class DatabaseError extends Error {
  override name = 'DatabaseError';
  readonly kind: 'full' | 'busy' | 'closed' | 'incompatible' | 'unavailable' | 'internal';

  constructor(kind: DatabaseError['kind'], message: string, options: { cause?: unknown } = {}) {
    super(message, options);
    this.kind = kind;
  }
}
