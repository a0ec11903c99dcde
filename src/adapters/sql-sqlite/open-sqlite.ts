import { open } from 'node:fs/promises';
import { dirname } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { type Database, DatabaseError, type DatabaseOptions, type Statement } from '../../ports/index.ts';
import { transactionPositions } from '../sql/index.ts';
import { databaseError } from './engine-error.ts';
import { preparedStatements } from './prepared.ts';
import { readCache, readKey } from './read-cache.ts';
import { takeSnapshot } from './snapshot.ts';
import { startWriter } from './writer.ts';

/** Where the database lives, besides what every adapter needs. */
export interface SqliteOptions extends DatabaseOptions {
  /** Path of the database file; made, with mode 0600, when absent. Its folder exists. */
  readonly file: string;
}

/**
 * Opens a database in one file. Writes run in a thread of their own, many transactions to a commit; reads run here, on a
 * connection that cannot write. Throws `DatabaseError`: `incompatible` for a schema this program does not know,
 * `unavailable` for a file that cannot be used.
 */
export async function openSqlite(options: SqliteOptions): Promise<Database> {
  const positions = transactionPositions(options.modules);
  await makeFile(options.file);
  const lastStamp = options.lastStamp.compile('sqlite');
  const cache = readCache(20_000);
  const start = {
    file: options.file,
    migrations: options.migrations.map((migration) => ({
      version: migration.version,
      name: migration.name,
      statements: migration.statements('sqlite'),
    })),
    transactionUrls: options.modules.map((module) => module.transactionsUrl),
    transactionNames: [...positions.keys()],
    regionOrdinal: options.regionOrdinal,
    lastStamp: { sql: lastStamp.sql, values: lastStamp.bind({}) },
  };
  const lost = new AbortController();
  let generation = 0;
  const changed = (): void => {
    generation++;
    cache.clear();
  };
  const writer = await startWriter(start, { changed, broken: (error) => lost.abort(error) });
  const reader = await openForReading(options.file).catch(async (error: unknown) => {
    await writer.close();
    throw databaseError(error, 'the database could not be opened for reading');
  });
  const prepare = preparedStatements(reader);
  let closing: Promise<void> | undefined;

  /** Reads block this thread for microseconds; a journey to another thread would cost more. */
  async function read<P, R>(statement: Statement<P, R>, parameters: P): Promise<readonly R[]> {
    if (closing !== undefined) throw closedError();
    try {
      const prepared = prepare(statement);
      const values = prepared.bind(parameters);
      const key = readKey(values);
      if (key === undefined) return prepared.rows(values);
      const kept = cache.find(statement, key);
      if (kept !== undefined) return kept as readonly R[];
      const rows = prepared.rows(values);
      cache.keep(statement, key, rows);
      return rows;
    } catch (error) {
      throw databaseError(error, 'a read failed');
    }
  }

  return {
    dialect: 'sqlite',
    lost: lost.signal,
    generation: () => generation,
    all: async (statement, parameters) => [...(await read(statement, parameters))],
    first: async (statement, parameters) => (await read(statement, parameters))[0],
    async transact<I, R>(definition: { readonly name: string }, input: I) {
      if (closing !== undefined) throw closedError();
      const position = positions.get(definition.name);
      if (position === undefined) {
        throw new DatabaseError('internal', `no module lists the transaction "${definition.name}"`);
      }
      return (await writer.submit(position, options.clock.now(), input)) as R;
    },
    async snapshot(file) {
      if (closing !== undefined) throw closedError();
      await takeSnapshot(options.file, file);
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

async function openForReading(file: string): Promise<DatabaseSync> {
  const reader = new DatabaseSync(file, { readOnly: true, timeout: 5_000 });
  reader.exec('pragma cache_size = -16384');
  return reader;
}

function closedError(): DatabaseError {
  return new DatabaseError('closed', 'the database is closed');
}
