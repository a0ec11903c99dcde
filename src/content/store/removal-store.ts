import { statement } from '../../data/index.ts';

/** Objects of one store that wait to be removed, the oldest first. */
export const queuedRemovals = statement<{ store: string; limit: number }, { location: string }>((db, p) =>
  db
    .selectFrom('object_removal')
    .select('location')
    .where('store', '=', p.store)
    .orderBy('queued_ms')
    .orderBy('location')
    .limit(p.limit),
);

export const forgetRemoval = statement<{ store: string; location: string }>((db, p) =>
  db.deleteFrom('object_removal').where('store', '=', p.store).where('location', '=', p.location),
);

/** Forgets all of them: a restored copy has none of the objects. */
export const forgetRemovals = statement((db) => db.deleteFrom('object_removal'));

/** A row while some backup copies. */
export const activeBackup = statement<{ now: number }, { id: string }>((db, p) =>
  db.selectFrom('backup_hold').select('id').where('until_ms', '>', p.now).limit(1),
);

export const insertHold = statement<{ id: string; until: number }>((db, p) =>
  db.insertInto('backup_hold').values({ id: p.id, until_ms: p.until }),
);

/** Changes no row when the hold has run out: objects may have been removed since. */
export const extendHold = statement<{ id: string; until: number; now: number }>((db, p) =>
  db.updateTable('backup_hold').set({ until_ms: p.until }).where('id', '=', p.id).where('until_ms', '>', p.now),
);

export const removeHold = statement<{ id: string }>((db, p) => db.deleteFrom('backup_hold').where('id', '=', p.id));

/** Holds of backups that ended without saying so. */
export const removeOldHolds = statement<{ now: number }>((db, p) =>
  db.deleteFrom('backup_hold').where('until_ms', '<=', p.now),
);

export const removeAllHolds = statement((db) => db.deleteFrom('backup_hold'));
