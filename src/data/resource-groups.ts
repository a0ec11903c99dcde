import { statement } from './query.ts';
import type { ResourceGroupRow } from './schema.ts';

/** A group by its key, in whatever state: `Deleted` means that there is none. */
export const resourceGroupByKey = statement<{ key: string }, ResourceGroupRow>((db, p) =>
  db.selectFrom('resource_group').selectAll().where('key', '=', p.key).limit(1),
);

/**
 * The same, held against its deletion until the transaction ends. Whoever puts a resource into a group takes it so, and
 * refuses every state but `Succeeded`.
 */
export const holdResourceGroup = statement<{ key: string }, ResourceGroupRow>((db, p, dialect) =>
  db.selectFrom('resource_group').selectAll().where('key', '=', p.key).limit(1).modifyEnd(dialect.forShare()),
);
