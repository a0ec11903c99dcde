import { sql } from 'kysely';
import { statement } from '../../data/index.ts';

/** A repository row as transactions need it. */
export interface RepositoryRecord {
  id: number;
  state: 'empty' | 'live' | 'deleted';
  locks: number;
  lock_stamps: string;
  created_ms: number;
  deleted_stamp: string | null;
}

const columns = ['id', 'state', 'locks', 'lock_stamps', 'created_ms', 'deleted_stamp'] as const;

/** Finds a repository by name, whatever its state. */
export const findRepository = statement<{ registryId: number; name: string }, RepositoryRecord>((db, p) =>
  db
    .selectFrom('repository')
    .select([...columns])
    .where('registry_id', '=', p.registryId)
    .where('name', '=', p.name)
    .limit(1),
);

/** The same, holding it against a concurrent deletion of the whole repository until the transaction ends. */
export const holdRepository = statement<{ registryId: number; name: string }, RepositoryRecord>((db, p, dialect) =>
  db
    .selectFrom('repository')
    .select([...columns])
    .where('registry_id', '=', p.registryId)
    .where('name', '=', p.name)
    .limit(1)
    .modifyEnd(dialect.forShare()),
);

/** The same, alone: for the deletion of the whole repository and for its attributes. */
export const lockRepository = statement<{ registryId: number; name: string }, RepositoryRecord>((db, p, dialect) =>
  db
    .selectFrom('repository')
    .select([...columns])
    .where('registry_id', '=', p.registryId)
    .where('name', '=', p.name)
    .limit(1)
    .modifyEnd(dialect.forUpdate()),
);

/** Makes an empty repository; nothing happens when another transaction was first. */
export const insertRepository = statement<{ registryId: number; name: string; now: number }>((db, p) =>
  db
    .insertInto('repository')
    .values({
      registry_id: p.registryId,
      name: p.name,
      state: 'empty',
      origin: 'own',
      created_ms: p.now,
      updated_ms: p.now,
      deleted_stamp: null,
      locks: 0,
      lock_stamps: '{}',
    })
    .onConflict((conflict) => conflict.columns(['registry_id', 'name']).doNothing()),
);

/** A deleted repository that is written to again: empty until it has a manifest. */
export const reopenRepository = statement<{ id: number; now: number }>((db, p) =>
  db
    .updateTable('repository')
    .set({ state: 'empty', created_ms: p.now, updated_ms: p.now })
    .where('id', '=', p.id)
    .where('state', '=', 'deleted'),
);

/** Blobs of an earlier life of a repository are not those of the new one. */
export const forgetBlobsOf = statement<{ repositoryId: number }>((db, p) =>
  db.deleteFrom('repository_blob').where('repository_id', '=', p.repositoryId),
);

/** Each blob of a repository is looked at again. */
export const reviewBlobsOf = statement<{ registryId: number; repositoryId: number; due: number }>((db, p, dialect) =>
  db
    .insertInto('review')
    .columns(['registry_id', 'repository_id', 'kind', 'digest', 'due_ms', 'reason'])
    .expression(
      (eb) =>
        eb
          .selectFrom('repository_blob')
          .select([
            sql<number>`cast(${p.registryId} as bigint)`.as('registry_id'),
            'repository_id',
            sql<string>`'blob'`.as('kind'),
            'digest',
            sql<number>`cast(${p.due} as bigint)`.as('due_ms'),
            sql<string>`'repository-deleted'`.as('reason'),
          ])
          .where('repository_id', '=', p.repositoryId) as never,
    )
    .onConflict((conflict) =>
      conflict
        .columns(['repository_id', 'kind', 'digest'])
        .doUpdateSet({ due_ms: dialect.greatest(sql`review.due_ms`, sql`excluded.due_ms`) }),
    ),
);

/** A repository becomes listed with its first manifest. */
export const reviveRepository = statement<{ id: number; now: number }>((db, p) =>
  db
    .updateTable('repository')
    .set({ state: 'live', updated_ms: p.now })
    .where('id', '=', p.id)
    .where('state', '<>', 'live'),
);

/**
 * True when metadata shows a repository: it has manifests, or it was emptied under locks. Those stay, because blobs stay
 * (the next push may have put them there already) and a read lock must go on keeping them; and as locks that nobody can see
 * or take off are a trap, the repository's attributes stay within reach.
 */
export function hasAttributes(repository: RepositoryRecord): boolean {
  return repository.state === 'live' || (repository.state === 'empty' && repository.lock_stamps !== '{}');
}

/** A repository without a live manifest vanishes from lists. Locks stay (see `hasAttributes`); no locks leave no trace. */
export const emptyRepository = statement<{ id: number }>((db, p) =>
  db
    .updateTable('repository')
    .set({ state: 'empty', lock_stamps: sql<string>`case when locks = 0 then '{}' else lock_stamps end` })
    .where('id', '=', p.id)
    .where('state', '=', 'live')
    .where((eb) =>
      eb.not(
        eb.exists(
          eb
            .selectFrom('manifest')
            .select('manifest.id')
            .whereRef('manifest.repository_id', '=', 'repository.id')
            .where('manifest.state', '<>', 'deleted'),
        ),
      ),
    ),
);

export const deleteRepositoryRow = statement<{ id: number; now: number; stamp: string }>((db, p) =>
  db
    .updateTable('repository')
    .set({ state: 'deleted', updated_ms: p.now, deleted_stamp: p.stamp, locks: 0, lock_stamps: '{}' })
    .where('id', '=', p.id),
);

export const setRepositoryLocks = statement<{ id: number; locks: number; lockStamps: string; now: number }>((db, p) =>
  db
    .updateTable('repository')
    .set({ locks: p.locks, lock_stamps: p.lockStamps, updated_ms: p.now })
    .where('id', '=', p.id),
);

/** The first manifests of a repository, whatever their locks. */
export const firstManifestsOf = statement<{ repositoryId: number; limit: number }, { digest: string }>((db, p) =>
  db
    .selectFrom('manifest')
    .select('digest')
    .where('repository_id', '=', p.repositoryId)
    .where('state', '<>', 'deleted')
    .orderBy('digest')
    .limit(p.limit),
);

/** The first tags of a repository, whatever their locks. */
export const firstTagsOf = statement<{ repositoryId: number; limit: number }, { name: string }>((db, p) =>
  db
    .selectFrom('tag')
    .select('name')
    .where('repository_id', '=', p.repositoryId)
    .where('digest', 'is not', null)
    .orderBy('name')
    .limit(p.limit),
);

/** Deletes every manifest of a repository at once. */
export const retireManifestsOf = statement<{ repositoryId: number; now: number; stamp: string }>((db, p) =>
  db
    .updateTable('manifest')
    .set({ state: 'deleted', deleted_ms: p.now, deleted_stamp: p.stamp })
    .where('repository_id', '=', p.repositoryId)
    .where('state', '<>', 'deleted'),
);

/** Removes every tag of a repository at once. */
export const clearTagsOf = statement<{ repositoryId: number; stamp: string }>((db, p) =>
  db
    .updateTable('tag')
    .set({ digest: null, version: sql<number>`version + 1`, stamp: p.stamp, locks: 0, lock_stamps: '{}' })
    .where('repository_id', '=', p.repositoryId)
    .where('digest', 'is not', null),
);

export const closeHistoryOf = statement<{ repositoryId: number; now: number; stamp: string; actor: string }>((db, p) =>
  db
    .updateTable('tag_history')
    .set({ to_ms: p.now, to_stamp: p.stamp, to_actor: p.actor, end_cause: 'repository-deleted' })
    .where('repository_id', '=', p.repositoryId)
    .where('to_ms', 'is', null),
);

/** Everything of a repository is looked at again when the grace is over. */
export const reviewAllOf = statement<{ registryId: number; repositoryId: number; due: number }>((db, p, dialect) =>
  db
    .insertInto('review')
    .columns(['registry_id', 'repository_id', 'kind', 'digest', 'due_ms', 'reason'])
    .expression(
      (eb) =>
        eb
          .selectFrom('manifest')
          .select([
            sql<number>`cast(${p.registryId} as bigint)`.as('registry_id'),
            'repository_id',
            sql<string>`'manifest'`.as('kind'),
            'digest',
            sql<number>`cast(${p.due} as bigint)`.as('due_ms'),
            sql<string>`'repository-deleted'`.as('reason'),
          ])
          .where('repository_id', '=', p.repositoryId)
          .where('state', '=', 'deleted') as never,
    )
    .onConflict((conflict) =>
      conflict
        .columns(['repository_id', 'kind', 'digest'])
        .doUpdateSet({ due_ms: dialect.greatest(sql`review.due_ms`, sql`excluded.due_ms`) }),
    ),
);

/** Something in a repository that a lock or a hold protects against deletion. */
export const protectedContent = statement<{ repositoryId: number; now: number }, { what: string }>((db, p) =>
  db
    .selectFrom('manifest')
    .select(sql<string>`'manifest ' || digest`.as('what'))
    .where('repository_id', '=', p.repositoryId)
    .where('state', '<>', 'deleted')
    .where(sql<boolean>`(locks & 3) <> 0`)
    .unionAll(
      db
        .selectFrom('tag')
        .select(sql<string>`'tag ' || name`.as('what'))
        .where('repository_id', '=', p.repositoryId)
        .where('digest', 'is not', null)
        .where(sql<boolean>`(locks & 3) <> 0`),
    )
    .unionAll(
      db
        .selectFrom('hold')
        .select(sql<string>`'manifest ' || digest`.as('what'))
        .where('repository_id', '=', p.repositoryId)
        .where((eb) => eb.or([eb('until_ms', 'is', null), eb('until_ms', '>', p.now)])),
    )
    .limit(1),
);

/** One page of listed repository names inside a half-open range. One lower bound: SQLite seeks to the first of two only. */
export const catalogRange = statement<
  { registryId: number; from: string; to: string; limit: number },
  { name: string }
>((db, p) =>
  db
    .selectFrom('repository')
    .select('name')
    .where('registry_id', '=', p.registryId)
    .where('state', '=', 'live')
    .where('locks', '<', sql.lit(8))
    .where('name', '>=', p.from)
    .where('name', '<', p.to)
    .orderBy('name')
    .limit(p.limit),
);

/** Counts and last change of a repository, for its metadata. */
export const repositorySummary = statement<
  { id: number },
  { manifest_count: number; tag_count: number; last_update: number | null }
>(
  (db, p) =>
    db.selectNoFrom((eb) => [
      eb
        .selectFrom('manifest')
        .select((inner) => inner.fn.countAll<number>().as('count'))
        .where('repository_id', '=', p.id)
        .where('state', '<>', 'deleted')
        .as('manifest_count'),
      eb
        .selectFrom('tag')
        .select((inner) => inner.fn.countAll<number>().as('count'))
        .where('repository_id', '=', p.id)
        .where('digest', 'is not', null)
        .as('tag_count'),
      eb
        .selectFrom('manifest')
        .select((inner) => inner.fn.max('updated_ms').as('last'))
        .where('repository_id', '=', p.id)
        .where('state', '<>', 'deleted')
        .as('last_update'),
    ]) as never,
);
