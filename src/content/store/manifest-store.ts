import { sql } from 'kysely';
import { statement } from '../../data/index.ts';

/** What a GET or HEAD of a manifest needs, in one row. `tag_locks` is 0 when it was found by digest. */
export interface ServedManifest {
  manifest_id: number;
  digest: string;
  media_type: string;
  size: number;
  state: string;
  manifest_locks: number;
  repository_locks: number;
  tag_locks: number;
}

export const servedByTag = statement<{ registryId: number; repository: string; tag: string }, ServedManifest>((db, p) =>
  db
    .selectFrom('repository')
    .innerJoin('tag', (join) => join.onRef('tag.repository_id', '=', 'repository.id').on('tag.name', '=', p.tag))
    .innerJoin('manifest', (join) =>
      join.onRef('manifest.repository_id', '=', 'repository.id').onRef('manifest.digest', '=', 'tag.digest'),
    )
    .select([
      'manifest.id as manifest_id',
      'manifest.digest as digest',
      'manifest.media_type as media_type',
      'manifest.size as size',
      'manifest.state as state',
      'manifest.locks as manifest_locks',
      'repository.locks as repository_locks',
      'tag.locks as tag_locks',
    ])
    .where('repository.registry_id', '=', p.registryId)
    .where('repository.name', '=', p.repository)
    .where('repository.state', '=', 'live')
    .limit(1),
);

export const servedByDigest = statement<{ registryId: number; repository: string; digest: string }, ServedManifest>(
  (db, p) =>
    db
      .selectFrom('repository')
      .innerJoin('manifest', (join) =>
        join.onRef('manifest.repository_id', '=', 'repository.id').on('manifest.digest', '=', p.digest),
      )
      .select([
        'manifest.id as manifest_id',
        'manifest.digest as digest',
        'manifest.media_type as media_type',
        'manifest.size as size',
        'manifest.state as state',
        'manifest.locks as manifest_locks',
        'repository.locks as repository_locks',
        sql.lit(0).as('tag_locks'),
      ])
      .where('repository.registry_id', '=', p.registryId)
      .where('repository.name', '=', p.repository)
      .where('repository.state', '=', 'live')
      .limit(1),
);

/** Bytes of a manifest or a small blob, as the seal stored them. */
export const readBody = statement<
  { registryId: number; kind: 'manifest' | 'blob'; digest: string },
  { codec: string; key_id: string | null; bytes: Uint8Array }
>((db, p) =>
  db
    .selectFrom('body')
    .select(['codec', 'key_id', 'bytes'])
    .where('registry_id', '=', p.registryId)
    .where('kind', '=', p.kind)
    .where('digest', '=', p.digest)
    .limit(1),
);

interface BodyRow {
  readonly registryId: number;
  readonly kind: 'manifest' | 'blob';
  readonly digest: string;
  readonly codec: string;
  readonly keyId: string | null;
  readonly bytes: Uint8Array;
}

/** Stores bytes in place of what is there, whose bytes nobody vouches for; changes no row where they are the same. */
export const putBody = statement<BodyRow>((db, p) =>
  db
    .insertInto('body')
    .values({
      registry_id: p.registryId,
      kind: p.kind,
      digest: p.digest,
      codec: p.codec,
      key_id: p.keyId,
      bytes: p.bytes,
    })
    .onConflict((conflict) =>
      conflict
        .columns(['registry_id', 'kind', 'digest'])
        .doUpdateSet({ codec: p.codec, key_id: p.keyId, bytes: p.bytes })
        .where('body.bytes', '<>', p.bytes),
    ),
);

/** The stored bytes, held against change until the transaction ends. */
export const lockBody = statement<
  { registryId: number; kind: 'manifest' | 'blob'; digest: string },
  { bytes: Uint8Array }
>((db, p, dialect) =>
  db
    .selectFrom('body')
    .select('bytes')
    .where('registry_id', '=', p.registryId)
    .where('kind', '=', p.kind)
    .where('digest', '=', p.digest)
    .limit(1)
    .modifyEnd(dialect.forUpdate()),
);

/** Manifests whose bytes are lost, in every repository of the registry, are missing until they are pushed again. */
export const loseManifests = statement<{ registryId: number; digest: string }>((db, p) =>
  db
    .updateTable('manifest')
    .set({ state: 'missing' })
    .where('digest', '=', p.digest)
    .where('state', '=', 'live')
    .where('repository_id', 'in', (eb) =>
      eb.selectFrom('repository').select('id').where('registry_id', '=', p.registryId),
    ),
);

/** The bytes are back: what was missing is live in every repository of the registry. */
export const restoreManifests = statement<{ registryId: number; digest: string }>((db, p) =>
  db
    .updateTable('manifest')
    .set({ state: 'live' })
    .where('digest', '=', p.digest)
    .where('state', '=', 'missing')
    .where('repository_id', 'in', (eb) =>
      eb.selectFrom('repository').select('id').where('registry_id', '=', p.registryId),
    ),
);

/** A manifest row as mutations need it; held against other writers until the transaction ends. */
export interface ManifestRecord {
  id: number;
  state: string;
  locks: number;
  lock_stamps: string;
  media_type: string;
  size: number;
  subject_digest: string | null;
}

export const lockManifest = statement<{ repositoryId: number; digest: string }, ManifestRecord>((db, p, dialect) =>
  db
    .selectFrom('manifest')
    .select(['id', 'state', 'locks', 'lock_stamps', 'media_type', 'size', 'subject_digest'])
    .where('repository_id', '=', p.repositoryId)
    .where('digest', '=', p.digest)
    .limit(1)
    .modifyEnd(dialect.forUpdate()),
);

/** A pushed manifest: a new row, or an old one made live again. Locks of a deleted manifest do not come back. */
export const upsertManifest = statement<
  {
    repositoryId: number;
    digest: string;
    mediaType: string;
    artifactType: string | null;
    ownArtifactType: string | null;
    configMediaType: string | null;
    subject: string | null;
    annotations: string | null;
    architecture: string | null;
    os: string | null;
    size: number;
    imageSize: number;
    now: number;
    stamp: string;
  },
  { id: number }
>((db, p) =>
  db
    .insertInto('manifest')
    .values({
      repository_id: p.repositoryId,
      digest: p.digest,
      media_type: p.mediaType,
      artifact_type: p.artifactType,
      own_artifact_type: p.ownArtifactType,
      config_media_type: p.configMediaType,
      subject_digest: p.subject,
      annotations: p.annotations,
      architecture: p.architecture,
      os: p.os,
      size: p.size,
      image_size: p.imageSize,
      state: 'live',
      pushed_ms: p.now,
      updated_ms: p.now,
      pulled_ms: null,
      deleted_ms: null,
      present_stamp: p.stamp,
      deleted_stamp: null,
      locks: 0,
      lock_stamps: '{}',
    })
    .onConflict((conflict) =>
      conflict.columns(['repository_id', 'digest']).doUpdateSet({
        media_type: p.mediaType,
        state: 'live',
        pushed_ms: p.now,
        updated_ms: p.now,
        deleted_ms: null,
        present_stamp: p.stamp,
        locks: sql<number>`case when manifest.state = 'deleted' then 0 else manifest.locks end`,
        lock_stamps: sql<string>`case when manifest.state = 'deleted' then '{}' else manifest.lock_stamps end`,
      }),
    )
    .returning('id'),
);

/** Pushing what is already live moves its stamps only. */
export const touchManifest = statement<{ id: number; now: number; stamp: string }>((db, p) =>
  db.updateTable('manifest').set({ updated_ms: p.now, present_stamp: p.stamp }).where('id', '=', p.id),
);

/** Edges of a manifest from a JSON list of `{kind, digest, size}`. */
export const insertEdges = statement<{ repositoryId: number; parentId: number; children: string }>((db, p, dialect) =>
  db
    .insertInto('edge')
    .columns(['repository_id', 'parent_id', 'kind', 'child_digest', 'child_size'])
    .expression(
      (eb) =>
        eb
          .selectFrom(dialect.items(p.children) as never)
          .select([
            sql<number>`cast(${p.repositoryId} as bigint)`.as('repository_id'),
            sql<number>`cast(${p.parentId} as bigint)`.as('parent_id'),
            dialect.field('kind').as('kind'),
            dialect.field('digest').as('child_digest'),
            dialect.numberField('size').as('child_size'),
          ])
          .where(sql<boolean>`true`) as never,
    )
    .onConflict((conflict) => conflict.columns(['parent_id', 'kind', 'child_digest']).doNothing()),
);

export const retireManifest = statement<{ id: number; now: number; stamp: string }>((db, p) =>
  db
    .updateTable('manifest')
    .set({ state: 'deleted', deleted_ms: p.now, deleted_stamp: p.stamp })
    .where('id', '=', p.id),
);

export const setManifestLocks = statement<{ id: number; locks: number; lockStamps: string; now: number }>((db, p) =>
  db
    .updateTable('manifest')
    .set({ locks: p.locks, lock_stamps: p.lockStamps, updated_ms: p.now })
    .where('id', '=', p.id),
);

/** How deep indexes nest below the given children (a JSON list of digests), counted up to `limit`. */
export const indexDepth = statement<{ repositoryId: number; digests: string; limit: number }, { depth: number | null }>(
  (db, p, dialect) =>
    db
      .withRecursive(
        'nested(digest, depth)',
        (cte) =>
          cte
            .selectFrom(dialect.items(p.digests) as never)
            .select([dialect.word().as('digest'), sql<number>`1`.as('depth')])
            .union(
              cte
                .selectFrom('nested' as never)
                .innerJoin('manifest', (join) =>
                  join
                    .on('manifest.repository_id', '=', p.repositoryId)
                    .on(sql<boolean>`manifest.digest = nested.digest`),
                )
                .innerJoin('edge', (join) =>
                  join.onRef('edge.parent_id', '=', 'manifest.id').on('edge.kind', '=', 'manifest'),
                )
                .select(['edge.child_digest as digest', sql<number>`nested.depth + 1`.as('depth')])
                .where(sql<boolean>`nested.depth < cast(${p.limit} as integer)`) as never,
            ) as never,
      )
      .selectFrom('nested' as never)
      .select(sql<number | null>`max(nested.depth)`.as('depth')) as never,
);

/** How many indexes stand above a digest (given as a JSON list of one), counted up to `limit`: they may have come first. */
export const indexHeight = statement<
  { repositoryId: number; digests: string; limit: number },
  { height: number | null }
>(
  (db, p, dialect) =>
    db
      .withRecursive(
        'above(digest, height)',
        (cte) =>
          cte
            .selectFrom(dialect.items(p.digests) as never)
            .select([dialect.word().as('digest'), sql<number>`0`.as('height')])
            .union(
              cte
                .selectFrom('above' as never)
                .innerJoin('edge', (join) =>
                  join
                    .on('edge.repository_id', '=', p.repositoryId)
                    .on('edge.kind', '=', 'manifest')
                    .on(sql<boolean>`edge.child_digest = above.digest`),
                )
                .innerJoin('manifest', (join) =>
                  join.onRef('manifest.id', '=', 'edge.parent_id').on('manifest.state', '<>', 'deleted'),
                )
                .select(['manifest.digest as digest', sql<number>`above.height + 1`.as('height')])
                .where(sql<boolean>`above.height < cast(${p.limit} as integer)`) as never,
            ) as never,
      )
      .selectFrom('above' as never)
      .select(sql<number | null>`max(above.height)`.as('height')) as never,
);

/** A manifest as the list of referrers shows it. */
export interface ReferrerRow {
  digest: string;
  media_type: string;
  size: number;
  artifact_type: string | null;
  annotations: string | null;
}

/** Live manifests whose subject is `subject`, by digest; `artifactType` empty means all. */
export const listReferrers = statement<
  { repositoryId: number; subject: string; artifactType: string; last: string; limit: number },
  ReferrerRow
>((db, p) =>
  db
    .selectFrom('manifest')
    .select(['digest', 'media_type', 'size', 'artifact_type', 'annotations'])
    .where('repository_id', '=', p.repositoryId)
    .where('subject_digest', '=', p.subject)
    .where('subject_digest', 'is not', null)
    .where('state', '=', sql.lit('live'))
    .where('locks', '<', sql.lit(8))
    .where('digest', '>', p.last)
    .where((eb) => eb.or([eb('artifact_type', '=', p.artifactType), eb(sql`cast(${p.artifactType} as text)`, '=', '')]))
    .orderBy('digest')
    .limit(p.limit),
);

/** A manifest as the metadata API shows it. */
export interface ManifestMetadata {
  id: number;
  digest: string;
  media_type: string;
  config_media_type: string | null;
  own_artifact_type: string | null;
  architecture: string | null;
  os: string | null;
  image_size: number;
  pushed_ms: number;
  updated_ms: number;
  locks: number;
}

const metadataColumns = [
  'id',
  'digest',
  'media_type',
  'config_media_type',
  'own_artifact_type',
  'architecture',
  'os',
  'image_size',
  'pushed_ms',
  'updated_ms',
  'locks',
] as const;

export const manifestMetadata = statement<{ repositoryId: number; digest: string }, ManifestMetadata>((db, p) =>
  db
    .selectFrom('manifest')
    .select([...metadataColumns])
    .where('repository_id', '=', p.repositoryId)
    .where('digest', '=', p.digest)
    .where('state', '<>', 'deleted')
    .limit(1),
);

export const manifestsByDigest = statement<{ repositoryId: number; last: string; limit: number }, ManifestMetadata>(
  (db, p) =>
    db
      .selectFrom('manifest')
      .select([...metadataColumns])
      .where('repository_id', '=', p.repositoryId)
      .where('state', '<>', sql.lit('deleted'))
      .where('locks', '<', sql.lit(8))
      .where('digest', '>', p.last)
      .orderBy('digest')
      .limit(p.limit),
);

/** By time of change. The page continues after the manifest named by `lastMs` and `last`. */
export const manifestsByTimeAscending = statement<
  { repositoryId: number; lastMs: number; last: string; limit: number },
  ManifestMetadata
>((db, p) =>
  db
    .selectFrom('manifest')
    .select([...metadataColumns])
    .where('repository_id', '=', p.repositoryId)
    .where('state', '<>', sql.lit('deleted'))
    .where('locks', '<', sql.lit(8))
    .where(sql<boolean>`(updated_ms, digest) > (${p.lastMs}, ${p.last})`)
    .orderBy('updated_ms')
    .orderBy('digest')
    .limit(p.limit),
);

export const manifestsByTimeDescending = statement<
  { repositoryId: number; lastMs: number; last: string; limit: number },
  ManifestMetadata
>((db, p) =>
  db
    .selectFrom('manifest')
    .select([...metadataColumns])
    .where('repository_id', '=', p.repositoryId)
    .where('state', '<>', sql.lit('deleted'))
    .where('locks', '<', sql.lit(8))
    .where(sql<boolean>`(updated_ms, digest) < (${p.lastMs}, ${p.last})`)
    .orderBy('updated_ms', 'desc')
    .orderBy('digest', 'desc')
    .limit(p.limit),
);

/** Children of an index with what is known of them here. */
export const indexChildren = statement<
  { parentId: number; limit: number },
  { digest: string; architecture: string | null; os: string | null }
>((db, p) =>
  db
    .selectFrom('edge')
    .leftJoin('manifest', (join) =>
      join
        .onRef('manifest.repository_id', '=', 'edge.repository_id')
        .onRef('manifest.digest', '=', 'edge.child_digest'),
    )
    .select(['edge.child_digest as digest', 'manifest.architecture as architecture', 'manifest.os as os'])
    .where('edge.parent_id', '=', p.parentId)
    .where('edge.kind', '=', 'manifest')
    .orderBy('edge.child_digest')
    .limit(p.limit),
);

/** Live manifests that name a digest as their child, one is enough to know. */
export const liveParent = statement<{ repositoryId: number; digest: string }, { digest: string }>((db, p) =>
  db
    .selectFrom('edge')
    .innerJoin('manifest', 'manifest.id', 'edge.parent_id')
    .select('manifest.digest as digest')
    .where('edge.repository_id', '=', p.repositoryId)
    .where('edge.child_digest', '=', p.digest)
    .where('edge.kind', '<>', 'subject')
    .where('manifest.state', '<>', 'deleted')
    .limit(1),
);

/** Where a manifest stands in the list by time, also a deleted one. */
export const manifestPosition = statement<{ repositoryId: number; digest: string }, { updated_ms: number }>((db, p) =>
  db
    .selectFrom('manifest')
    .select('updated_ms')
    .where('repository_id', '=', p.repositoryId)
    .where('digest', '=', p.digest)
    .limit(1),
);

/** Moves the time of the last pull forward. */
export const setPulled = statement<{ id: number; at: number }>((db, p) =>
  db
    .updateTable('manifest')
    .set({ pulled_ms: p.at })
    .where('id', '=', p.id)
    .where((eb) => eb.or([eb('pulled_ms', 'is', null), eb('pulled_ms', '<', p.at)])),
);
