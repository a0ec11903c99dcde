import { join } from 'node:path';
import { openPostgres } from '../adapters/sql-postgres/index.ts';
import { joinSqlite, openSqlite, type SqliteShare } from '../adapters/sql-sqlite/index.ts';
import * as azure from '../azure/index.ts';
import * as content from '../content/index.ts';
import * as data from '../data/index.ts';
import * as identity from '../identity/index.ts';
import type { Clock } from '../kernel/index.ts';
import { type Database, DatabaseError } from '../ports/index.ts';
import { cacheShares } from './cache-shares.ts';
import type { Config } from './config-schema.ts';
import { StartRefusal } from './start-refusal.ts';

/** One region is just N = 1: the first deployment of a region has ordinal 1. */
export const regionOrdinal = 1;

/** The database of this process, and what one further thread needs to use it: null when it opens its own connections. */
export interface OwnDatabase {
  readonly database: Database;
  readonly share: () => SqliteShare | null;
}

const modules = [data, identity, content, azure];

/** Opens the database that the configuration names, and brings its schema up to date. Throws a StartRefusal. */
export async function openDatabase(config: Config, folder: string, clock: Clock): Promise<OwnDatabase> {
  const common = { migrations: data.migrations, modules, clock, regionOrdinal, lastStamp: data.lastStamp };
  return asRefusal(async () => {
    if (config.database.url !== null) {
      const database = await openPostgres({ url: config.database.url.reveal(), ...common });
      return { database, share: () => null };
    }
    const database = await openSqlite({
      file: join(folder, 'berth.db'),
      cacheBytes: cacheShares(config.cache.memory).database,
      ...common,
    });
    return { database, share: () => database.share() };
  });
}

/** Opens the same database in another thread of the process. Throws a StartRefusal. */
export async function joinDatabase(config: Config, share: SqliteShare | null, clock: Clock): Promise<Database> {
  if (share !== null) return asRefusal(() => joinSqlite({ share, modules, clock }));
  return (await openDatabase(config, '', clock)).database;
}

async function asRefusal<T>(open: () => Promise<T>): Promise<T> {
  try {
    return await open();
  } catch (error) {
    if (error instanceof DatabaseError)
      throw new StartRefusal(`cannot open the database: ${error.message}`, { cause: error });
    throw error;
  }
}
