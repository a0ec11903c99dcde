import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { fsBlobStore } from '../../src/adapters/blob-fs/index.ts';
import { openSqlite } from '../../src/adapters/sql-sqlite/index.ts';
import { checkInvariants } from '../../src/content/_invariants.ts';
import * as content from '../../src/content/index.ts';
import * as data from '../../src/data/index.ts';
import * as identity from '../../src/identity/index.ts';
import { systemClock } from '../../src/kernel/index.ts';

/** Looks into a data folder that no server has: SQLite's own check, then what rows and objects promise together. */
export async function examineFolder(folder: string): Promise<string[]> {
  const file = join(folder, 'berth.db');
  const problems = integrity(file);
  const database = await openSqlite({
    file,
    migrations: data.migrations,
    modules: [data, identity, content],
    clock: systemClock,
    regionOrdinal: 1,
    lastStamp: data.lastStamp,
  });
  const blobs = await fsBlobStore({ directory: join(folder, 'blobs') });
  try {
    const registry = await content.registries(database).default();
    if (!registry) return [...problems, 'the first registry is gone'];
    await checkInvariants(database, blobs, { registryId: registry.id, manyProcesses: true });
    return problems;
  } catch (error) {
    return [...problems, error instanceof Error ? error.message : String(error)];
  } finally {
    await blobs.close();
    await database.close();
  }
}

function integrity(file: string): string[] {
  using database = new DatabaseSync(file, { readOnly: true });
  const rows = database.prepare('pragma integrity_check').all() as { integrity_check: string }[];
  const found = rows.map((row) => row.integrity_check);
  return found.join() === 'ok' ? [] : found.map((line) => `integrity_check: ${line}`);
}
