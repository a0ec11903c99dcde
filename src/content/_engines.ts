import { copyFile, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { Client } from 'pg';
import { freshDatabase } from '../../test/_postgres.ts';
import { openPostgres } from '../adapters/sql-postgres/index.ts';
import { openSqlite } from '../adapters/sql-sqlite/index.ts';
import * as people from '../azure/_people-fixture.ts';
import * as azure from '../azure/index.ts';
import * as data from '../data/index.ts';
import * as identity from '../identity/index.ts';
import { manualClock } from '../kernel/index.ts';
import type { Database, DatabaseOptions } from '../ports/index.ts';
import * as condemn from './_condemn-fixture.ts';
import * as damage from './_damage-fixture.ts';
import * as registryFixture from './_registry-fixture.ts';
import * as content from './index.ts';

/** A database with the real schema and transactions. Tests share it; each world in it has a registry of its own. */
export interface TestEngine extends AsyncDisposable {
  readonly database: Database;
  readonly clock: ReturnType<typeof manualClock>;
  /** The same data as a second process has it, where more than one process may: else the same database. */
  second(): Promise<Database>;
  /** Lets the engine parse a statement, names and types; rejects with what it says. */
  parse(sql: string): Promise<unknown>;
  /** The database file; null on a server. */
  readonly file: string | null;
}

/** Opens engines for one suite. */
export type EngineFactory = () => Promise<TestEngine>;

const regionOrdinal = 1;

async function engineOf(
  open: (options: DatabaseOptions) => Promise<Database>,
  place: Pick<TestEngine, 'file' | 'parse'> & { remove(): Promise<void> },
): Promise<TestEngine> {
  const clock = manualClock();
  const options: DatabaseOptions = {
    migrations: data.migrations,
    modules: [data, identity, content, azure, condemn, damage, people, registryFixture],
    clock,
    regionOrdinal,
    lastStamp: data.lastStamp,
  };
  const database = await open(options);
  await database.transact(content.foundDeployment, {
    id: 'deployment',
    incarnation: 'incarnation',
    tenantId: '00000000-0000-0000-0000-00000000000a',
    subscriptionId: '00000000-0000-0000-0000-00000000000b',
    resourceGroup: 'group',
    regionOrdinal,
    regionName: 'test',
  });
  let second: Promise<Database> | undefined;
  return {
    database,
    clock,
    file: place.file,
    parse: (sql) => place.parse(sql),
    second: () => (database.dialect === 'sqlite' ? Promise.resolve(database) : (second ??= open(options))),
    async [Symbol.asyncDispose]() {
      await (await second)?.close();
      await database.close();
      await place.remove();
    },
  };
}

/** SQLite in a folder that goes with the engine. */
export const sqliteEngine: EngineFactory = async () => {
  const folder = await mkdtemp(join(tmpdir(), 'berth-content-'));
  const file = join(folder, 'berth.db');
  return engineOf((options) => openSqlite({ ...options, file }), {
    file,
    async parse(sql) {
      using db = new DatabaseSync(file, { readOnly: true });
      db.prepare(sql);
    },
    remove: () => rm(folder, { recursive: true }),
  });
};

/** What a machine finds of an engine's SQLite file and log when it starts again at this moment, opened. */
export async function sqliteAfterCut(engine: TestEngine): Promise<TestEngine> {
  if (engine.file === null) throw new Error('a server has no file to copy');
  const folder = await mkdtemp(join(tmpdir(), 'berth-cut-'));
  const file = join(folder, 'berth.db');
  for (const ending of ['', '-wal']) await copyFile(`${engine.file}${ending}`, `${file}${ending}`);
  return engineOf((options) => openSqlite({ ...options, file }), {
    file,
    parse: (sql) => engine.parse(sql),
    remove: () => rm(folder, { recursive: true }),
  });
}

/** Fresh databases on a running PostgreSQL server. */
export function postgresEngines(serverUrl: string): EngineFactory {
  return async () => {
    const place = await freshDatabase(serverUrl);
    return engineOf((options) => openPostgres({ ...options, url: place.url }), {
      file: null,
      async parse(sql) {
        const client = new Client({ connectionString: place.url });
        await client.connect();
        try {
          await client.query(`prepare parsed as ${sql}`);
        } finally {
          await client.end();
        }
      },
      remove: () => place.drop(),
    });
  };
}
