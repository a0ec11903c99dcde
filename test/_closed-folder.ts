import { join } from 'node:path';
import { fsBlobStore } from '../src/adapters/blob-fs/index.ts';
import { openSqlite } from '../src/adapters/sql-sqlite/index.ts';
import { checkInvariants } from '../src/content/_invariants.ts';
import * as content from '../src/content/index.ts';
import * as data from '../src/data/index.ts';
import * as identity from '../src/identity/index.ts';
import { systemClock } from '../src/kernel/index.ts';

/**
 * Holds rows and objects of the first registry against each other, in a data folder that no server has. Throws what is not
 * as it should be.
 */
export async function checkClosedFolder(
  folder: string,
  how: Omit<Parameters<typeof checkInvariants>[2], 'registryId'>,
): Promise<void> {
  const database = await openSqlite({
    file: join(folder, 'berth.db'),
    migrations: data.migrations,
    modules: [data, identity, content],
    clock: systemClock,
    regionOrdinal: 1,
    lastStamp: data.lastStamp,
  });
  const blobs = await fsBlobStore({ directory: join(folder, 'blobs') });
  try {
    const registry = await content.registries(database).default();
    if (!registry) throw new Error('the first registry is gone');
    await checkInvariants(database, blobs, { ...how, registryId: registry.id });
  } finally {
    await blobs.close();
    await database.close();
  }
}
