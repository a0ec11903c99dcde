import { sql } from 'kysely';
import { type ResourceGroupRow, type ResourceRow, statement } from '../../data/index.ts';

/** A group, held until the transaction ends. */
export const lockGroup = statement<{ key: string }, ResourceGroupRow>((db, p, dialect) =>
  db.selectFrom('resource_group').selectAll().where('key', '=', p.key).limit(1).modifyEnd(dialect.forUpdate()),
);

/** Makes a group. Answers no row when there was one by the same key. */
export const addGroup = statement<
  { key: string; name: string; location: string; tags: string; now: number; stamp: string },
  { key: string }
>((db, p) =>
  db
    .insertInto('resource_group')
    .values({
      key: p.key,
      name: p.name,
      location: p.location,
      tags: p.tags,
      provisioning_state: 'Succeeded',
      created_ms: p.now,
      stamp: p.stamp,
    })
    .onConflict((conflict) => conflict.doNothing())
    .returning('key'),
);

/** Makes a group again whose row says that it was deleted. */
export const reviveGroup = statement<{
  key: string;
  name: string;
  location: string;
  tags: string;
  now: number;
  stamp: string;
}>((db, p) =>
  db
    .updateTable('resource_group')
    .set({
      name: p.name,
      location: p.location,
      tags: p.tags,
      provisioning_state: 'Succeeded',
      created_ms: p.now,
      stamp: p.stamp,
    })
    .where('key', '=', p.key),
);

export const setGroupTags = statement<{ key: string; tags: string; stamp: string }>((db, p) =>
  db.updateTable('resource_group').set({ tags: p.tags, stamp: p.stamp }).where('key', '=', p.key),
);

export const setGroupState = statement<{
  key: string;
  state: ResourceGroupRow['provisioning_state'];
  stamp: string;
}>((db, p) =>
  db.updateTable('resource_group').set({ provisioning_state: p.state, stamp: p.stamp }).where('key', '=', p.key),
);

/** Groups that are there, after a key. */
export const listGroups = statement<{ last: string; limit: number }, ResourceGroupRow>((db, p) =>
  db
    .selectFrom('resource_group')
    .selectAll()
    .where('key', '>', p.last)
    .where('provisioning_state', '<>', 'Deleted')
    .orderBy('key')
    .limit(p.limit),
);

/** Groups whose deletion has begun and not ended. */
export const groupsBeingDeleted = statement<{ limit: number }, { key: string }>((db, p) =>
  db
    .selectFrom('resource_group')
    .select('key')
    .where('provisioning_state', '=', sql.lit('Deleting'))
    .orderBy('key')
    .limit(p.limit),
);

/** Resources of a group before a key, last first: what stands below another comes before it. */
export const resourcesOfGroup = statement<{ group: string; before: string; limit: number }, ResourceRow>((db, p) =>
  db
    .selectFrom('resource')
    .selectAll()
    .where('group_key', '=', p.group)
    .where('key', '<', p.before)
    .orderBy('key', 'desc')
    .limit(p.limit),
);
