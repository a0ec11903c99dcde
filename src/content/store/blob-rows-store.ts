import { sql } from 'kysely';
import { statement } from '../../data/index.ts';

/** A blob as seen through a repository that holds it. `location` is empty when the bytes are in a row. */
export interface ServedBlob {
  repository_locks: number;
  size: number;
  state: string;
  lease_until_ms: number;
  store: string;
  location: string;
  codec: string;
  key_id: string | null;
}

export const servedBlob = statement<{ registryId: number; repository: string; digest: string }, ServedBlob>((db, p) =>
  db
    .selectFrom('repository')
    .innerJoin('repository_blob', (join) =>
      join.onRef('repository_blob.repository_id', '=', 'repository.id').on('repository_blob.digest', '=', p.digest),
    )
    .innerJoin('blob', (join) =>
      join.onRef('blob.registry_id', '=', 'repository.registry_id').onRef('blob.digest', '=', 'repository_blob.digest'),
    )
    .innerJoin('blob_location', (join) =>
      join
        .onRef('blob_location.registry_id', '=', 'blob.registry_id')
        .onRef('blob_location.digest', '=', 'blob.digest')
        .on('blob_location.state', '=', 'present'),
    )
    .select([
      'repository.locks as repository_locks',
      'blob.size as size',
      'blob.state as state',
      'blob.lease_until_ms as lease_until_ms',
      'blob_location.store as store',
      'blob_location.location as location',
      'blob_location.codec as codec',
      'blob_location.key_id as key_id',
    ])
    .where('repository.registry_id', '=', p.registryId)
    .where('repository.name', '=', p.repository)
    .where('repository.state', '<>', 'deleted')
    .where('blob.state', '=', 'present')
    .orderBy('blob_location.region_ordinal')
    .limit(1),
);

/** Names of repositories that hold a blob, for a mount without `from`. */
export const repositoriesHolding = statement<{ registryId: number; digest: string; limit: number }, { name: string }>(
  (db, p) =>
    db
      .selectFrom('repository')
      .innerJoin('repository_blob', 'repository_blob.repository_id', 'repository.id')
      .select('repository.name as name')
      .where('repository.registry_id', '=', p.registryId)
      .where('repository_blob.digest', '=', p.digest)
      .where('repository.state', '<>', 'deleted')
      .where(sql<boolean>`(repository.locks & 4) = 0`)
      .orderBy('repository.name')
      .limit(p.limit),
);

export const blobRow = statement<
  { registryId: number; digest: string },
  { state: string; size: number; lease_until_ms: number }
>((db, p, dialect) =>
  db
    .selectFrom('blob')
    .select(['state', 'size', 'lease_until_ms'])
    .where('registry_id', '=', p.registryId)
    .where('digest', '=', p.digest)
    .limit(1)
    .modifyEnd(dialect.forUpdate()),
);

/** Makes a blob present; a lease that reaches further stays. */
export const upsertBlob = statement<{
  registryId: number;
  digest: string;
  size: number;
  leaseUntil: number;
  now: number;
}>((db, p, dialect) =>
  db
    .insertInto('blob')
    .values({
      registry_id: p.registryId,
      digest: p.digest,
      size: p.size,
      state: 'present',
      lease_until_ms: p.leaseUntil,
      created_ms: p.now,
    })
    .onConflict((conflict) =>
      conflict.columns(['registry_id', 'digest']).doUpdateSet({
        state: 'present',
        lease_until_ms: dialect.greatest(sql`blob.lease_until_ms`, p.leaseUntil),
      }),
    ),
);

/** Renews the lease of a present blob; changes no row when the blob is going away, and then it does not exist. */
export const renewLease = statement<{ registryId: number; digest: string; leaseUntil: number }>((db, p, dialect) =>
  db
    .updateTable('blob')
    .set({ lease_until_ms: dialect.greatest(sql`lease_until_ms`, p.leaseUntil) })
    .where('registry_id', '=', p.registryId)
    .where('digest', '=', p.digest)
    .where('state', '=', 'present'),
);

/** Records where a blob is; changes no row when this store has it readable already. */
export const putLocation = statement<{
  registryId: number;
  digest: string;
  region: number;
  store: string;
  location: string;
  codec: string;
  keyId: string | null;
}>((db, p) =>
  db
    .insertInto('blob_location')
    .values({
      registry_id: p.registryId,
      digest: p.digest,
      region_ordinal: p.region,
      store: p.store,
      location: p.location,
      codec: p.codec,
      key_id: p.keyId,
      state: 'present',
    })
    .onConflict((conflict) =>
      conflict
        .columns(['registry_id', 'digest', 'region_ordinal', 'store'])
        .doUpdateSet({ location: p.location, codec: p.codec, key_id: p.keyId, state: 'present' })
        .where('blob_location.state', '<>', 'present'),
    ),
);

/** Objects of a blob that is not present any more go to the list of what is removed. */
export const queueRemovals = statement<{ registryId: number; digest: string; now: number }>((db, p) =>
  db
    .insertInto('object_removal')
    .columns(['store', 'location', 'queued_ms'])
    .expression((eb) =>
      eb
        .selectFrom('blob_location')
        .select(['store', 'location', sql<number>`cast(${p.now} as bigint)`.as('queued_ms')])
        .where('registry_id', '=', p.registryId)
        .where('digest', '=', p.digest)
        .where('location', '<>', sql.lit('')),
    )
    .onConflict((conflict) => conflict.columns(['store', 'location']).doNothing()),
);

/** Forgets the places of a blob that is not present any more, before it is stored anew. */
export const removeLocations = statement<{ registryId: number; digest: string }>((db, p) =>
  db.deleteFrom('blob_location').where('registry_id', '=', p.registryId).where('digest', '=', p.digest),
);

/** A place turned out not to hold the bytes. Changes no row when it was replaced meanwhile. */
export const loseLocation = statement<{ registryId: number; digest: string; store: string; location: string }>(
  (db, p) =>
    db
      .updateTable('blob_location')
      .set({ state: 'missing' })
      .where('registry_id', '=', p.registryId)
      .where('digest', '=', p.digest)
      .where('store', '=', p.store)
      .where('location', '=', p.location)
      .where('state', '=', 'present'),
);

/** What is known of one place of a blob. */
export const locationState = statement<
  { registryId: number; digest: string; store: string; location: string },
  { state: string }
>((db, p) =>
  db
    .selectFrom('blob_location')
    .select('state')
    .where('registry_id', '=', p.registryId)
    .where('digest', '=', p.digest)
    .where('store', '=', p.store)
    .where('location', '=', p.location)
    .limit(1),
);

/** A place that was thought empty holds the bytes after all. */
export const restoreLocation = statement<{ registryId: number; digest: string; store: string; location: string }>(
  (db, p) =>
    db
      .updateTable('blob_location')
      .set({ state: 'present' })
      .where('registry_id', '=', p.registryId)
      .where('digest', '=', p.digest)
      .where('store', '=', p.store)
      .where('location', '=', p.location)
      .where('state', '=', 'missing'),
);

export const restoreBlobRow = statement<{ registryId: number; digest: string }>((db, p) =>
  db
    .updateTable('blob')
    .set({ state: 'present' })
    .where('registry_id', '=', p.registryId)
    .where('digest', '=', p.digest)
    .where('state', '=', 'missing'),
);

/** A blob without any readable place is missing. */
export const loseBlob = statement<{ registryId: number; digest: string }>((db, p) =>
  db
    .updateTable('blob')
    .set({ state: 'missing' })
    .where('registry_id', '=', p.registryId)
    .where('digest', '=', p.digest)
    .where('state', '=', 'present')
    .where((eb) =>
      eb.not(
        eb.exists(
          eb
            .selectFrom('blob_location')
            .select('location')
            .whereRef('blob_location.registry_id', '=', 'blob.registry_id')
            .whereRef('blob_location.digest', '=', 'blob.digest')
            .where('blob_location.state', '=', 'present'),
        ),
      ),
    ),
);

/** A row when some blob is kept at this object. */
export const locationInUse = statement<{ store: string; location: string }, { digest: string }>((db, p) =>
  db
    .selectFrom('blob_location')
    .select('digest')
    .where('store', '=', p.store)
    .where('location', '=', p.location)
    .where('location', '<>', sql.lit(''))
    .limit(1),
);

export const addRepositoryBlob = statement<{ repositoryId: number; digest: string; now: number }>((db, p) =>
  db
    .insertInto('repository_blob')
    .values({ repository_id: p.repositoryId, digest: p.digest, created_ms: p.now })
    .onConflict((conflict) => conflict.columns(['repository_id', 'digest']).doNothing()),
);

export const removeRepositoryBlob = statement<{ repositoryId: number; digest: string }>((db, p) =>
  db.deleteFrom('repository_blob').where('repository_id', '=', p.repositoryId).where('digest', '=', p.digest),
);

/** Which of the digests (a JSON list of strings) are not present blobs of the repository. */
export const missingBlobs = statement<
  { registryId: number; repositoryId: number; digests: string; limit: number },
  { digest: string }
>(
  (db, p, dialect) =>
    db
      .selectFrom(dialect.items(p.digests) as never)
      .select(dialect.word().as('digest'))
      .where((eb) =>
        eb.not(
          eb.exists(
            eb
              .selectFrom('repository_blob')
              .innerJoin('blob', 'blob.digest', 'repository_blob.digest')
              .select('blob.size')
              .where('repository_blob.repository_id', '=', p.repositoryId)
              .where('blob.registry_id', '=', p.registryId)
              .where('blob.state', '=', 'present')
              .where(sql<boolean>`blob.digest = ${dialect.word()}`),
          ) as never,
        ),
      )
      .limit(p.limit) as never,
);

/** Puts something on the list of what may have become garbage; a later due time wins. */
export const putReview = statement<{
  registryId: number;
  repositoryId: number;
  kind: 'manifest' | 'blob';
  digest: string;
  due: number;
  reason: string;
}>((db, p, dialect) =>
  db
    .insertInto('review')
    .values({
      registry_id: p.registryId,
      repository_id: p.repositoryId,
      kind: p.kind,
      digest: p.digest,
      due_ms: p.due,
      reason: p.reason,
    })
    .onConflict((conflict) =>
      conflict.columns(['repository_id', 'kind', 'digest']).doUpdateSet({
        due_ms: dialect.greatest(sql`review.due_ms`, p.due),
        reason: p.reason,
      }),
    ),
);

/** A hold on a digest that has not run out: legal hold, in use, replication. */
export const activeHold = statement<{ repositoryId: number; digest: string; now: number }, { holder: string }>(
  (db, p) =>
    db
      .selectFrom('hold')
      .select('holder')
      .where('repository_id', '=', p.repositoryId)
      .where('digest', '=', p.digest)
      .where((eb) => eb.or([eb('until_ms', 'is', null), eb('until_ms', '>', p.now)]))
      .limit(1),
);
