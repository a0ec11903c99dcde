import type { ContentEnvironment } from './environment.ts';
import { locationInUse } from './store/blob-rows-store.ts';
import { activeBackup, queuedRemovals } from './store/removal-store.ts';
import { endRemovals } from './transactions/removal-transactions.ts';

/**
 * The one way in which an object goes that a row has named: the transaction that takes the name away puts the object on
 * the list (`object_removal`), and this removes it later. A backup holds the list up, because its snapshot may still
 * name what is on it; what was unnamed before the hold is not in the snapshot. So the order is: row, list, hold, object.
 */
export interface ObjectRemoval {
  /** Removes at most `limit` objects, none while a backup copies. Answers how many. */
  sweep(limit: number): Promise<number>;
}

/** Makes the removal of objects for the environment's store. */
export function objectRemoval(environment: ContentEnvironment): ObjectRemoval {
  const { blobs, clock, database } = environment;
  return {
    async sweep(limit) {
      // The list first: what is on it was unnamed before the look for a hold.
      const queued = await database.all(queuedRemovals, { store: blobs.name, limit });
      if (queued.length === 0 || (await database.first(activeBackup, { now: clock.now() }))) return 0;
      const locations = queued.map((row) => row.location);
      for (const location of locations) {
        if (!(await database.first(locationInUse, { store: blobs.name, location }))) await blobs.remove(location);
      }
      await database.transact(endRemovals, { store: blobs.name, locations });
      return locations.length;
    },
  };
}
