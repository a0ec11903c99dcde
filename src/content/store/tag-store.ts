import { sql } from 'kysely';
import { statement } from '../../data/index.ts';

export interface TagRecord {
  name: string;
  digest: string | null;
  version: number;
  stamp: string;
  locks: number;
  lock_stamps: string;
  created_ms: number;
  updated_ms: number;
}

const columns = ['name', 'digest', 'version', 'stamp', 'locks', 'lock_stamps', 'created_ms', 'updated_ms'] as const;

/** A tag, held against other writers until the transaction ends. */
export const lockTag = statement<{ repositoryId: number; name: string }, TagRecord>((db, p, dialect) =>
  db
    .selectFrom('tag')
    .select([...columns])
    .where('repository_id', '=', p.repositoryId)
    .where('name', '=', p.name)
    .limit(1)
    .modifyEnd(dialect.forUpdate()),
);

export const findTag = statement<{ repositoryId: number; name: string }, TagRecord>((db, p) =>
  db
    .selectFrom('tag')
    .select([...columns])
    .where('repository_id', '=', p.repositoryId)
    .where('name', '=', p.name)
    .where('digest', 'is not', null)
    .limit(1),
);

/** Makes the row of a tag that points nowhere yet, so that it can be locked; nothing happens when there is one. */
export const reserveTag = statement<{ repositoryId: number; name: string; now: number }>((db, p) =>
  db
    .insertInto('tag')
    .values({
      repository_id: p.repositoryId,
      name: p.name,
      digest: null,
      version: 0,
      stamp: '',
      created_ms: p.now,
      updated_ms: p.now,
      locks: 0,
      lock_stamps: '{}',
    })
    .onConflict((conflict) => conflict.columns(['repository_id', 'name']).doNothing()),
);

/**
 * Points a tag at a digest and counts its version up. Answers no row when a write lock appeared meanwhile. A tag that was
 * deleted begins anew: its creation time and locks are fresh, its version goes on.
 */
export const setTag = statement<
  { repositoryId: number; name: string; digest: string; now: number; stamp: string },
  { version: number }
>((db, p) =>
  db
    .insertInto('tag')
    .values({
      repository_id: p.repositoryId,
      name: p.name,
      digest: p.digest,
      version: 1,
      stamp: p.stamp,
      created_ms: p.now,
      updated_ms: p.now,
      locks: 0,
      lock_stamps: '{}',
    })
    .onConflict((conflict) =>
      conflict
        .columns(['repository_id', 'name'])
        .doUpdateSet({
          digest: p.digest,
          version: sql<number>`tag.version + 1`,
          stamp: p.stamp,
          updated_ms: p.now,
          created_ms: sql<number>`case when tag.digest is null then excluded.created_ms else tag.created_ms end`,
          locks: sql<number>`case when tag.digest is null then 0 else tag.locks end`,
          lock_stamps: sql<string>`case when tag.digest is null then '{}' else tag.lock_stamps end`,
        })
        .where(sql<boolean>`tag.digest is null or (tag.locks & 1) = 0`),
    )
    .returning('version'),
);

export const touchTag = statement<{ repositoryId: number; name: string; now: number; stamp: string }>((db, p) =>
  db
    .updateTable('tag')
    .set({ updated_ms: p.now, stamp: p.stamp })
    .where('repository_id', '=', p.repositoryId)
    .where('name', '=', p.name),
);

/** A deleted tag stays as a row without digest, at its place in the list by time, so that paging goes on behind it. */
export const clearTag = statement<{ repositoryId: number; name: string; stamp: string }, { version: number }>((db, p) =>
  db
    .updateTable('tag')
    .set({ digest: null, version: sql<number>`version + 1`, stamp: p.stamp, locks: 0, lock_stamps: '{}' })
    .where('repository_id', '=', p.repositoryId)
    .where('name', '=', p.name)
    .where('digest', 'is not', null)
    .returning('version'),
);

export const openHistory = statement<{
  repositoryId: number;
  name: string;
  version: number;
  digest: string;
  now: number;
  stamp: string;
  actor: string;
}>((db, p) =>
  db.insertInto('tag_history').values({
    repository_id: p.repositoryId,
    name: p.name,
    version: p.version,
    digest: p.digest,
    from_ms: p.now,
    from_stamp: p.stamp,
    from_actor: p.actor,
    to_ms: null,
    to_stamp: null,
    to_actor: null,
    end_cause: null,
  }),
);

/** Closes the interval of one version; nothing to close is fine (the tag was deleted before). */
export const closeHistory = statement<{
  repositoryId: number;
  name: string;
  version: number;
  now: number;
  stamp: string;
  actor: string;
  cause: 'moved' | 'untagged';
}>((db, p) =>
  db
    .updateTable('tag_history')
    .set({ to_ms: p.now, to_stamp: p.stamp, to_actor: p.actor, end_cause: p.cause })
    .where('repository_id', '=', p.repositoryId)
    .where('name', '=', p.name)
    .where('version', '=', p.version)
    .where('to_ms', 'is', null),
);

/** One tag that a lock protects against deletion, among those that point at a digest. */
export const lockedTagOn = statement<
  { repositoryId: number; digest: string; lock: number },
  { name: string; locks: number }
>((db, p) =>
  db
    .selectFrom('tag')
    .select(['name', 'locks'])
    .where('repository_id', '=', p.repositoryId)
    .where('digest', '=', p.digest)
    .where(sql<boolean>`(locks & ${p.lock}) <> 0`)
    .limit(1),
);

/** The latest stamp of the tags on a manifest. */
export const lastStampOn = statement<{ repositoryId: number; digest: string }, { stamp: string | null }>((db, p) =>
  db
    .selectFrom('tag')
    .select((eb) => eb.fn.max('stamp').as('stamp'))
    .where('repository_id', '=', p.repositoryId)
    .where('digest', '=', p.digest),
);

/** The latest stamp of all tags of a repository. */
export const lastStampOf = statement<{ repositoryId: number }, { stamp: string | null }>((db, p) =>
  db
    .selectFrom('tag')
    .select((eb) => eb.fn.max('stamp').as('stamp'))
    .where('repository_id', '=', p.repositoryId),
);

/** The first tags on a manifest, whatever their locks. */
export const firstTagsOn = statement<{ repositoryId: number; digest: string; limit: number }, { name: string }>(
  (db, p) =>
    db
      .selectFrom('tag')
      .select('name')
      .where('repository_id', '=', p.repositoryId)
      .where('digest', '=', p.digest)
      .orderBy('name')
      .limit(p.limit),
);

/** Removes every tag of a manifest at once. */
export const clearTagsOn = statement<{ repositoryId: number; digest: string; stamp: string }>((db, p) =>
  db
    .updateTable('tag')
    .set({ digest: null, version: sql<number>`version + 1`, stamp: p.stamp, locks: 0, lock_stamps: '{}' })
    .where('repository_id', '=', p.repositoryId)
    .where('digest', '=', p.digest),
);

export const closeHistoryOn = statement<{
  repositoryId: number;
  digest: string;
  now: number;
  stamp: string;
  actor: string;
  cause: 'manifest-deleted' | 'repository-deleted';
}>((db, p) =>
  db
    .updateTable('tag_history')
    .set({ to_ms: p.now, to_stamp: p.stamp, to_actor: p.actor, end_cause: p.cause })
    .where('repository_id', '=', p.repositoryId)
    .where('digest', '=', p.digest)
    .where('to_ms', 'is', null),
);

export const setTagLocks = statement<{
  repositoryId: number;
  name: string;
  locks: number;
  lockStamps: string;
  now: number;
}>((db, p) =>
  db
    .updateTable('tag')
    .set({ locks: p.locks, lock_stamps: p.lockStamps, updated_ms: p.now })
    .where('repository_id', '=', p.repositoryId)
    .where('name', '=', p.name),
);

/** Listed tag names in lexical order. */
export const tagNames = statement<{ repositoryId: number; last: string; limit: number }, { name: string }>((db, p) =>
  db
    .selectFrom('tag')
    .select('name')
    .where('repository_id', '=', p.repositoryId)
    .where('digest', 'is not', null)
    .where('locks', '<', sql.lit(8))
    .where('name', '>', p.last)
    .orderBy('name')
    .limit(p.limit),
);

/** Listed tags with their attributes, in lexical order; `digest` empty means all. */
export const tagsByName = statement<
  { repositoryId: number; digest: string; last: string; limit: number },
  TagRecord & { digest: string }
>((db, p) =>
  db
    .selectFrom('tag')
    .select([...columns])
    .$narrowType<{ digest: string }>()
    .where('repository_id', '=', p.repositoryId)
    .where('digest', 'is not', null)
    .where('locks', '<', sql.lit(8))
    .where('name', '>', p.last)
    .where(sql<boolean>`(digest = ${p.digest} or cast(${p.digest} as text) = '')`)
    .orderBy('name')
    .limit(p.limit),
);

export const tagsByTimeAscending = statement<
  { repositoryId: number; digest: string; lastMs: number; last: string; limit: number },
  TagRecord & { digest: string }
>((db, p) =>
  db
    .selectFrom('tag')
    .select([...columns])
    .$narrowType<{ digest: string }>()
    .where('repository_id', '=', p.repositoryId)
    .where('digest', 'is not', null)
    .where('locks', '<', sql.lit(8))
    .where(sql<boolean>`(updated_ms, name) > (${p.lastMs}, ${p.last})`)
    .where(sql<boolean>`(digest = ${p.digest} or cast(${p.digest} as text) = '')`)
    .orderBy('updated_ms')
    .orderBy('name')
    .limit(p.limit),
);

export const tagsByTimeDescending = statement<
  { repositoryId: number; digest: string; lastMs: number; last: string; limit: number },
  TagRecord & { digest: string }
>((db, p) =>
  db
    .selectFrom('tag')
    .select([...columns])
    .$narrowType<{ digest: string }>()
    .where('repository_id', '=', p.repositoryId)
    .where('digest', 'is not', null)
    .where('locks', '<', sql.lit(8))
    .where(sql<boolean>`(updated_ms, name) < (${p.lastMs}, ${p.last})`)
    .where(sql<boolean>`(digest = ${p.digest} or cast(${p.digest} as text) = '')`)
    .orderBy('updated_ms', 'desc')
    .orderBy('name', 'desc')
    .limit(p.limit),
);

/**
 * Tags of several manifests at once, from a JSON list of digests, by digest and name after a pair of them. Unlisted ones
 * too: a manifest that shows no tag is one that a purge deletes.
 */
export const tagsOfManifests = statement<
  { repositoryId: number; digests: string; lastDigest: string; last: string; limit: number },
  { digest: string; name: string }
>((db, p, dialect) =>
  db
    .selectFrom('tag')
    .select(['digest', 'name'])
    .$narrowType<{ digest: string }>()
    .where('repository_id', '=', p.repositoryId)
    .where('digest', 'is not', null)
    .where(sql<boolean>`(digest, name) > (${p.lastDigest}, ${p.last})`)
    .where('digest', 'in', db.selectFrom(dialect.items(p.digests) as never).select(dialect.word().as('word')) as never)
    .orderBy('digest')
    .orderBy('name')
    .limit(p.limit),
);

/** Where a tag stands in the list by time, also a deleted one. */
export const tagPosition = statement<{ repositoryId: number; name: string }, { updated_ms: number }>((db, p) =>
  db
    .selectFrom('tag')
    .select('updated_ms')
    .where('repository_id', '=', p.repositoryId)
    .where('name', '=', p.name)
    .limit(1),
);
