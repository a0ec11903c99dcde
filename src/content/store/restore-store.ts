import { sql } from 'kysely';
import { statement } from '../../data/index.ts';

/** A restored copy goes its own way from here on: changes made in it are told apart from those of the original. */
export const setIncarnation = statement<{ incarnation: string }>((db, p) =>
  db.updateTable('deployment').set({ incarnation: p.incarnation }),
);

/** What sessions had staged is in no backup. */
export const removeAllUploads = statement((db) => db.deleteFrom('upload'));

/** A restored object may lie under another name in another store. */
export const moveLocation = statement<{
  registryId: number;
  digest: string;
  store: string;
  location: string;
  toStore: string;
  toLocation: string;
}>((db, p) =>
  db
    .updateTable('blob_location')
    .set({ store: p.toStore, location: p.toLocation })
    .where('registry_id', '=', p.registryId)
    .where('digest', '=', p.digest)
    .where('store', '=', p.store)
    .where('location', '=', p.location),
);

/** Whose snapshot this is. */
export const deploymentOf = statement<Record<string, never>, { id: string; incarnation: string }>((db) =>
  db.selectFrom('deployment').select(['id', 'incarnation']).limit(1),
);

/** A row when some object lies in another store than this one. */
export const foreignPlace = statement<{ store: string }, { digest: string }>((db, p) =>
  db
    .selectFrom('blob_location')
    .select('digest')
    .where('location', '<>', sql.lit(''))
    .where('store', '<>', p.store)
    .limit(1),
);
