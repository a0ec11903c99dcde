import { open } from 'node:fs/promises';
import { dirname } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import type { MessagePort } from 'node:worker_threads';
import { type Database, DatabaseError, type DatabaseOptions, type Statement } from '../../ports/index.ts';
import { transactionPositions } from '../sql/index.ts';
import { cacheSize } from './cache-size.ts';
import { databaseError } from './engine-error.ts';
import { preparedStatements } from './prepared.ts';
import { readCache, readKey } from './read-cache.ts';
import { takeSnapshot } from './snapshot.ts';
import { joinWriter, startWriter, type Writer } from './writer.ts';

const defaultCacheBytes = 64 << 20;

/** Where the database lives, besides what every adapter needs. */
export interface SqliteOptions extends DatabaseOptions {
  /** Path of the database file; made, with mode 0600, when absent. Its folder exists. */
  readonly file: string;
  /** About what pages and results may take in memory, the writer's included; 64 MiB when absent. */
  readonly cacheBytes?: number;
}

/** What another thread of this process needs to use an open database. `port` must be in the list of what is transferred. */
export interface SqliteShare {
  readonly file: string;
  readonly port: MessagePort;
  readonly generation: SharedArrayBuffer;
  readonly cacheBytes: number;
  readonly transactionNames: readonly string[];
}

/** A database with its writer. It is closed after all others that share it. */
export interface SqliteDatabase extends Database {
  /** For one further thread, which gives it to `joinSqlite`. */
  share(): SqliteShare;
}

/**
 * Opens a database in one file. Writes run in a thread of their own, many transactions to a commit; reads run here, on a
 * connection that cannot write. Throws `DatabaseError`: `incompatible` for a schema this program does not know,
 * `unavailable` for a file that cannot be used.
 */
export async function openSqlite(options: SqliteOptions): Promise<SqliteDatabase> {
  const positions = transactionPositions(options.modules);
  const { cacheBytes = defaultCacheBytes } = options;
  await makeFile(options.file);
  const lastStamp = options.lastStamp.compile('sqlite');
  const transactionNames = [...positions.keys()];
  const generation = new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT);
  const start = {
    file: options.file,
    migrations: options.migrations.map((migration) => ({
      version: migration.version,
      name: migration.name,
      statements: migration.statements('sqlite'),
    })),
    transactionUrls: options.modules.map((module) => module.transactionsUrl),
    transactionNames,
    regionOrdinal: options.regionOrdinal,
    lastStamp: { sql: lastStamp.sql, values: lastStamp.bind({}) },
    generation,
    pageCacheBytes: cacheBytes / 2,
  };
  const lost = new AbortController();
  const broken = (error: DatabaseError): void => {
    // What it committed last it may have told nobody.
    Atomics.add(new Int32Array(generation), 0, 1);
    lost.abort(error);
  };
  const writer = await startWriter(start, { broken });
  const database = await databaseOver({ ...options, cacheBytes, positions, generation, writer, lost: lost.signal });
  return {
    ...database,
    share: () => ({ file: options.file, port: writer.attach(), generation, cacheBytes, transactionNames }),
  };
}

/**
 * Opens, in a thread of its own, a database that another thread of this process has open: a connection for reading, and a
 * port to the one writer. What a transaction of one thread has changed, every thread reads once it is acknowledged.
 */
export async function joinSqlite(
  options: Pick<DatabaseOptions, 'clock' | 'modules'> & { readonly share: SqliteShare },
): Promise<Database> {
  const { share, clock } = options;
  const positions = transactionPositions(options.modules);
  const names = [...positions.keys()];
  if (names.length !== share.transactionNames.length || names.some((name, at) => name !== share.transactionNames[at])) {
    share.port.close();
    throw new DatabaseError('incompatible', 'the modules here list other transactions than those of the writer');
  }
  const lost = new AbortController();
  const writer = joinWriter(share.port, { broken: (error) => lost.abort(error) });
  return databaseOver({ ...share, clock, positions, writer, lost: lost.signal });
}

/** A database that reads here and writes through `writer`, which is closed with it. */
async function databaseOver(parts: {
  readonly file: string;
  readonly clock: DatabaseOptions['clock'];
  readonly positions: ReadonlyMap<string, number>;
  readonly generation: SharedArrayBuffer;
  readonly cacheBytes: number;
  readonly writer: Writer;
  readonly lost: AbortSignal;
}): Promise<Database> {
  const { positions, writer } = parts;
  const reader = await openForReading(parts.file, parts.cacheBytes / 4).catch(async (error: unknown) => {
    await writer.close();
    throw databaseError(error, 'the database could not be opened for reading');
  });
  const prepare = preparedStatements(reader);
  const cache = readCache(20_000, parts.cacheBytes / 4);
  const generations = new Int32Array(parts.generation);
  /** The generation that everything in the cache was read in, or before. */
  let kept = Atomics.load(generations, 0);
  let closing: Promise<void> | undefined;

  /** Reads block this thread for microseconds; a journey to another thread would cost more. */
  async function read<P, R>(statement: Statement<P, R>, parameters: P): Promise<readonly R[]> {
    if (closing !== undefined) throw closedError();
    try {
      const prepared = prepare(statement);
      const values = prepared.bind(parameters);
      const key = readKey(values);
      if (key === undefined) return prepared.rows(values);
      const generation = Atomics.load(generations, 0);
      if (generation !== kept) {
        kept = generation;
        cache.clear();
      }
      const known = cache.find(statement, key);
      if (known !== undefined) return known as readonly R[];
      const rows = prepared.rows(values);
      cache.keep(statement, key, rows);
      return rows;
    } catch (error) {
      throw databaseError(error, 'a read failed');
    }
  }

  return {
    dialect: 'sqlite',
    lost: parts.lost,
    generation: () => Atomics.load(generations, 0),
    all: async (statement, parameters) => [...(await read(statement, parameters))],
    first: async (statement, parameters) => (await read(statement, parameters))[0],
    async transact<I, R>(definition: { readonly name: string }, input: I) {
      if (closing !== undefined) throw closedError();
      const position = positions.get(definition.name);
      if (position === undefined) {
        throw new DatabaseError('internal', `no module lists the transaction "${definition.name}"`);
      }
      return (await writer.submit(position, parts.clock.now(), input)) as R;
    },
    async snapshot(file) {
      if (closing !== undefined) throw closedError();
      await takeSnapshot(parts.file, file);
    },
    close() {
      // The reader goes first, so that nothing keeps the writer from emptying its log.
      closing ??= Promise.resolve()
        .then(() => reader.close())
        .then(() => writer.close());
      return closing;
    },
  };
}

/** Makes the file before SQLite does, which would leave it readable to others. The log and its index inherit the mode. */
async function makeFile(file: string): Promise<void> {
  try {
    const handle = await open(file, 'a', 0o600);
    try {
      await handle.chmod(0o600);
    } finally {
      await handle.close();
    }
    // A folder cannot be opened on Windows, and its entries need no syncing there.
    if (process.platform === 'win32') return;
    const folder = await open(dirname(file), 'r');
    try {
      await folder.sync();
    } finally {
      await folder.close();
    }
  } catch (error) {
    throw new DatabaseError('unavailable', `the database file ${file} cannot be made or opened: ${String(error)}`, {
      cause: error,
    });
  }
}

async function openForReading(file: string, pageCacheBytes: number): Promise<DatabaseSync> {
  const reader = new DatabaseSync(file, { readOnly: true, timeout: 5_000 });
  reader.exec(cacheSize(pageCacheBytes));
  return reader;
}

function closedError(): DatabaseError {
  return new DatabaseError('closed', 'the database is closed');
}
