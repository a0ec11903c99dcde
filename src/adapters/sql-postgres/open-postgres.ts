import { Client, type ClientConfig, Pool } from 'pg';
import { parseStamp, type Stamp, stampClock } from '../../kernel/index.ts';
import {
  type Database,
  DatabaseError,
  type DatabaseOptions,
  type SqlValue,
  type Statement,
} from '../../ports/index.ts';
import { transactionPositions } from '../sql/index.ts';
import { databaseError } from './engine-error.ts';
import { migrate } from './migrate.ts';
import { preparedStatements } from './prepared.ts';
import { takeSnapshot } from './snapshot.ts';
import { transact } from './transact.ts';
import { valueTypes } from './values.ts';

/** Where the database lives, besides what every adapter needs. */
export interface PostgresOptions extends DatabaseOptions {
  /** `postgres://user:password@host:port/database`, as libpq writes it. A secret: it appears in no message. */
  readonly url: string;
  /** Connections at most; 10 unless said. */
  readonly poolSize?: number;
}

/** How long to wait for a connection, a free one or a new one. */
const connectionTimeoutMs = 10_000;

/**
 * Opens a database on a PostgreSQL server. Statements are prepared by name on each connection, so a pooler between must
 * keep sessions whole. Throws `DatabaseError`: `incompatible` for a schema this program does not know, a server that does
 * not make commits durable or does not store UTF-8; `unavailable` when the server cannot be reached.
 */
export async function openPostgres(options: PostgresOptions): Promise<Database> {
  const positions = transactionPositions(options.modules);
  const config: ClientConfig = {
    connectionString: options.url,
    application_name: 'berth',
    connectionTimeoutMillis: connectionTimeoutMs,
    keepAlive: true,
    types: valueTypes,
  };
  const stamps = stampClock({
    now: () => options.clock.now(),
    regionOrdinal: options.regionOrdinal,
    last: await prepareDatabase(config, options),
  });
  const pool = new Pool({ ...config, max: options.poolSize ?? 10 });
  // Losing a connection is told to the query at work on it; an idle one is replaced. The event would end the process.
  pool.on('error', () => {});
  pool.on('connect', (connection) => connection.on('error', () => {}));
  const prepare = preparedStatements();
  const running = new Set<Promise<unknown>>();
  let closing: Promise<void> | undefined;

  /** Keeps count of work, because a pool that ends abandons those who still wait for a connection. */
  async function track<T>(work: () => Promise<T>): Promise<T> {
    if (closing !== undefined) throw new DatabaseError('closed', 'the database is closed');
    const promise = work();
    running.add(promise);
    try {
      return await promise;
    } finally {
      running.delete(promise);
    }
  }

  async function read<P, R>(statement: Statement<P, R>, parameters: P): Promise<R[]> {
    try {
      return (await pool.query<R & object, SqlValue[]>(prepare(statement, parameters))).rows;
    } catch (error) {
      throw databaseError(error, 'a read failed');
    }
  }

  return {
    dialect: 'postgres',
    // The pool makes new connections by itself.
    lost: new AbortController().signal,
    generation: () => undefined,
    all: (statement, parameters) => track(() => read(statement, parameters)),
    first: (statement, parameters) => track(async () => (await read(statement, parameters))[0]),
    transact: (definition, input) =>
      track(async () => {
        // SQLite finds functions by name in these lists; what is missing from them fails here as it does there.
        if (!positions.has(definition.name)) {
          throw new DatabaseError('internal', `no module lists the transaction "${definition.name}"`);
        }
        return await transact({ pool, prepare, stamps }, definition, { input, now: options.clock.now() });
      }),
    snapshot: (file) => track(() => takeSnapshot(config, options.migrations, file)),
    close() {
      closing ??= Promise.allSettled(running).then(() => pool.end());
      return closing;
    },
  };
}

/** Looks at the server, brings the schema up to date and answers the greatest stamp stored. */
async function prepareDatabase(config: ClientConfig, options: PostgresOptions): Promise<Stamp | null> {
  let client: Client | undefined;
  try {
    client = new Client(config);
    client.on('error', () => {}); // Told to the query at work, too.
    await client.connect();
    await refuseUnsafe(client);
    await migrate(client, options.migrations);
    const lastStamp = options.lastStamp.compile('postgres');
    const { rows } = await client.query<{ stamp: string | null }>(lastStamp.sql, lastStamp.bind({}));
    const stamp = rows[0]?.stamp ?? null;
    return stamp === null ? null : parseStamp(stamp);
  } catch (error) {
    throw databaseError(error, 'the database could not be opened');
  } finally {
    await client?.end();
  }
}

async function refuseUnsafe(client: Client): Promise<void> {
  const setting = async (name: 'synchronous_commit' | 'server_encoding') => {
    const { rows } = await client.query<Record<string, string>>(`show ${name}`);
    return rows[0]?.[name] ?? '';
  };
  if ((await setting('synchronous_commit')) === 'off') {
    throw new DatabaseError('incompatible', 'synchronous_commit is off: commits would not be durable; set it to on');
  }
  const encoding = await setting('server_encoding');
  if (encoding !== 'UTF8') {
    throw new DatabaseError('incompatible', `the database stores text as ${encoding}; create it with encoding UTF8`);
  }
}
