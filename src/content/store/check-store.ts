import { sql } from 'kysely';
import { statement } from '../../data/index.ts';

export type CheckPhase = 'bodies' | 'blobs' | 'manifests' | 'objects' | 'settling';

/** A pass over what is stored, as it stands. */
export interface CheckRun {
  id: number;
  kind: 'fsck' | 'scrub';
  registry_id: number | null;
  state: 'running' | 'done' | 'stopped';
  bytes_per_second: number;
  phase: CheckPhase;
  cursor: string;
  blobs: number;
  manifests: number;
  bytes: number;
  restored: number;
  started_ms: number;
  ended_ms: number | null;
}

const runColumns = [
  'id',
  'kind',
  'registry_id',
  'state',
  'bytes_per_second',
  'phase',
  'cursor',
  'blobs',
  'manifests',
  'bytes',
  'restored',
  'started_ms',
  'ended_ms',
] as const;

export const insertRun = statement<
  { kind: string; registryId: number | null; bytesPerSecond: number; now: number },
  { id: number }
>((db, p) =>
  db
    .insertInto('check_run')
    .values({
      kind: p.kind as 'fsck',
      registry_id: p.registryId,
      state: 'running',
      bytes_per_second: p.bytesPerSecond,
      phase: 'bodies',
      cursor: '',
      blobs: 0,
      manifests: 0,
      bytes: 0,
      restored: 0,
      started_ms: p.now,
      ended_ms: null,
      holder: '',
      lease_until_ms: 0,
    })
    .returning('id'),
);

export const runById = statement<{ id: number }, CheckRun>((db, p) =>
  db
    .selectFrom('check_run')
    .select([...runColumns])
    .where('id', '=', p.id)
    .limit(1),
);

export const runningRun = statement<{ kind: string }, CheckRun>((db, p) =>
  db
    .selectFrom('check_run')
    .select([...runColumns])
    .where('kind', '=', p.kind as 'fsck')
    .where('state', '=', sql.lit('running'))
    .limit(1),
);

/** When everything was last begun to be checked, by a pass that came to its end; else when there was nothing yet. */
export const lastWholePass = statement<Record<string, never>, { started_ms: number }>((db) =>
  db
    .selectFrom('deployment')
    .select((eb) =>
      eb.fn
        .coalesce(
          eb
            .selectFrom('check_run')
            .select((run) => run.fn.max<number>('started_ms').as('latest'))
            .where('registry_id', 'is', null)
            .where('state', '=', sql.lit('done')),
          'created_ms',
        )
        .as('started_ms'),
    )
    .$castTo<{ started_ms: number }>()
    .limit(1),
);

/** Takes a running pass for `holder`, unless somebody else works at it. */
export const claimRun = statement<{ id: number; holder: string; leaseUntil: number; now: number }>((db, p) =>
  db
    .updateTable('check_run')
    .set({ holder: p.holder, lease_until_ms: p.leaseUntil })
    .where('id', '=', p.id)
    .where('state', '=', sql.lit('running'))
    .where((eb) => eb.or([eb('holder', '=', p.holder), eb('lease_until_ms', '<=', p.now)])),
);

/** Writes down how far a pass has come. Changes no row when it was ended, or somebody else has taken it. */
export const advanceRun = statement<{
  id: number;
  holder: string;
  leaseUntil: number;
  phase: string;
  cursor: string;
  blobs: number;
  manifests: number;
  bytes: number;
  restored: number;
}>((db, p) =>
  db
    .updateTable('check_run')
    .set({
      lease_until_ms: p.leaseUntil,
      phase: p.phase as CheckPhase,
      cursor: p.cursor,
      blobs: p.blobs,
      manifests: p.manifests,
      bytes: p.bytes,
      restored: p.restored,
    })
    .where('id', '=', p.id)
    .where('holder', '=', p.holder)
    .where('state', '=', sql.lit('running')),
);

export const endRun = statement<{ id: number; state: string; now: number }>((db, p) =>
  db
    .updateTable('check_run')
    .set({ state: p.state as 'done', ended_ms: p.now })
    .where('id', '=', p.id)
    .where('state', '=', sql.lit('running')),
);

/** Ends every pass that stands as running. */
export const stopRuns = statement<{ now: number }>((db, p) =>
  db.updateTable('check_run').set({ state: 'stopped', ended_ms: p.now }).where('state', '=', sql.lit('running')),
);

export const setRate = statement<{ id: number; bytesPerSecond: number }>((db, p) =>
  db.updateTable('check_run').set({ bytes_per_second: p.bytesPerSecond }).where('id', '=', p.id),
);

/** Reports of passes older than the newest `keep` of their kind. */
export const removeOldRuns = statement<{ kind: string; keep: number }>(
  (_db, p) =>
    sql<Record<string, never>>`
    delete from check_run where kind = ${p.kind} and state <> 'running' and id < coalesce((
      select min(kept.id) from (select id from check_run where kind = ${p.kind} order by id desc limit ${p.keep}) kept), 0)`,
);

/** Something found, on its way into the report. */
export interface NewFinding {
  readonly runId: number;
  readonly kind: 'blob' | 'manifest' | 'object';
  readonly registryId: number;
  readonly digest: string;
  readonly location: string;
  readonly problem: 'damaged' | 'gone' | 'unreadable' | 'unreferenced';
  readonly detail: string;
}

export const putFinding = statement<NewFinding & { now: number }>((db, p) =>
  db
    .insertInto('check_finding')
    .values({
      run_id: p.runId,
      kind: p.kind,
      registry_id: p.registryId,
      digest: p.digest,
      location: p.location,
      problem: p.problem,
      detail: p.detail,
      found_ms: p.now,
    })
    .onConflict((conflict) => conflict.columns(['run_id', 'kind', 'registry_id', 'digest', 'location']).doNothing()),
);

export const removeFinding = statement<{ runId: number; location: string }>((db, p) =>
  db
    .deleteFrom('check_finding')
    .where('run_id', '=', p.runId)
    .where('kind', '=', sql.lit('object'))
    .where('location', '=', p.location),
);

/** How much a pass has found of each problem. */
export const countFindings = statement<{ runId: number }, { problem: string; count: number }>((db, p) =>
  db
    .selectFrom('check_finding')
    .select((eb) => ['problem', eb.fn.countAll<number>().as('count')])
    .where('run_id', '=', p.runId)
    .groupBy('problem')
    .orderBy('problem')
    .limit(10),
);

export interface FindingRow {
  kind: 'blob' | 'manifest' | 'object';
  registry_id: number;
  registry: string | null;
  digest: string;
  location: string;
  problem: string;
  detail: string;
}

/** Findings of a pass in the order of their key, after the given one. */
export const listFindings = statement<
  { runId: number; kind: string; registryId: number; digest: string; location: string; limit: number },
  FindingRow
>((db, p) =>
  db
    .selectFrom('check_finding')
    .leftJoin('registry', 'registry.id', 'check_finding.registry_id')
    .select([
      'check_finding.kind as kind',
      'check_finding.registry_id as registry_id',
      'registry.name as registry',
      'check_finding.digest as digest',
      'check_finding.location as location',
      'check_finding.problem as problem',
      'check_finding.detail as detail',
    ])
    .where('check_finding.run_id', '=', p.runId)
    .where(
      sql<boolean>`(check_finding.kind, check_finding.registry_id, check_finding.digest, check_finding.location) > (${p.kind}, ${p.registryId}, ${p.digest}, ${p.location})`,
    )
    .orderBy('check_finding.kind')
    .orderBy('check_finding.registry_id')
    .orderBy('check_finding.digest')
    .orderBy('check_finding.location')
    .limit(p.limit),
);

/** Objects found without a name, to be looked at again. */
export const unreferencedFindings = statement<{ runId: number; last: string; limit: number }, { location: string }>(
  (db, p) =>
    db
      .selectFrom('check_finding')
      .select('location')
      .where('run_id', '=', p.runId)
      .where('kind', '=', sql.lit('object'))
      .where('location', '>', p.last)
      .orderBy('location')
      .limit(p.limit),
);

/** What a digest touches: repositories that have it, manifests that need it, directly or through an index, and their tags. */
export interface TouchedRow {
  repository: string;
  digest: string;
  tag: string | null;
}

export const touchedBy = statement<{ registryId: number; digest: string; limit: number }, TouchedRow>(
  (_db, p) => sql<TouchedRow>`
    with recursive above(repository_id, digest) as (
      select held.repository_id, held.digest from (
        select repository_blob.repository_id, repository_blob.digest from repository_blob
          join repository on repository.id = repository_blob.repository_id
          where repository.registry_id = ${p.registryId} and repository.state <> 'deleted' and repository_blob.digest = ${p.digest}
        union
        select manifest.repository_id, manifest.digest from manifest
          join repository on repository.id = manifest.repository_id
          where repository.registry_id = ${p.registryId} and repository.state <> 'deleted'
            and manifest.digest = ${p.digest} and manifest.state <> 'deleted'
      ) held
      union
      select edge.repository_id, manifest.digest from above
        join edge on edge.repository_id = above.repository_id and edge.child_digest = above.digest and edge.kind <> 'subject'
        join manifest on manifest.id = edge.parent_id and manifest.state <> 'deleted'
    )
    select repository.name as repository, above.digest as digest, tag.name as tag from above
      join repository on repository.id = above.repository_id
      left join tag on tag.repository_id = above.repository_id and tag.digest = above.digest
      order by repository.name, above.digest, tag.name limit ${p.limit}`,
);

/** Keys of bytes in rows, in order. */
export const bodyKeys = statement<
  { registryId: number; kind: string; digest: string; lastRegistry: number; limit: number },
  { registry_id: number; kind: 'manifest' | 'blob'; digest: string }
>((db, p) =>
  db
    .selectFrom('body')
    .select(['registry_id', 'kind', 'digest'])
    .where(sql<boolean>`(registry_id, kind, digest) > (${p.registryId}, ${p.kind}, ${p.digest})`)
    .where('registry_id', '<=', p.lastRegistry)
    .orderBy('registry_id')
    .orderBy('kind')
    .orderBy('digest')
    .limit(p.limit),
);

/** A place of a blob with what is needed to read and judge it. */
export interface StoredPlace {
  registry_id: number;
  digest: string;
  region_ordinal: number;
  store: string;
  location: string;
  codec: string;
  key_id: string | null;
  state: string;
  size: number;
}

/** Places of blobs in one region, in order. Blobs that are going away are left out. */
export const storedPlaces = statement<
  { registryId: number; digest: string; region: number; store: string; lastRegistry: number; limit: number },
  StoredPlace
>((db, p) =>
  db
    .selectFrom('blob_location')
    .innerJoin('blob', (join) =>
      join
        .onRef('blob.registry_id', '=', 'blob_location.registry_id')
        .onRef('blob.digest', '=', 'blob_location.digest'),
    )
    .select([
      'blob_location.registry_id as registry_id',
      'blob_location.digest as digest',
      'blob_location.region_ordinal as region_ordinal',
      'blob_location.store as store',
      'blob_location.location as location',
      'blob_location.codec as codec',
      'blob_location.key_id as key_id',
      'blob_location.state as state',
      'blob.size as size',
    ])
    .where(
      sql<boolean>`(blob_location.registry_id, blob_location.digest, blob_location.region_ordinal, blob_location.store) > (${p.registryId}, ${p.digest}, ${p.region}, ${p.store})`,
    )
    .where('blob_location.registry_id', '<=', p.lastRegistry)
    .where('blob.state', '<>', sql.lit('condemned'))
    .orderBy('blob_location.registry_id')
    .orderBy('blob_location.digest')
    .orderBy('blob_location.region_ordinal')
    .orderBy('blob_location.store')
    .limit(p.limit),
);

/** Manifests that should have bytes, in order, with whether they have. */
export const manifestPage = statement<
  { id: number; firstRegistry: number; lastRegistry: number; limit: number },
  { id: number; registry_id: number; digest: string; state: string; has_body: number }
>(
  (_db, p) => sql<{ id: number; registry_id: number; digest: string; state: string; has_body: number }>`
    select manifest.id as id, repository.registry_id as registry_id, manifest.digest as digest, manifest.state as state,
      case when exists (select 1 from body where body.registry_id = repository.registry_id and body.kind = 'manifest'
        and body.digest = manifest.digest) then 1 else 0 end as has_body
    from manifest join repository on repository.id = manifest.repository_id
    where manifest.id > ${p.id} and manifest.state <> 'deleted' and repository.registry_id >= ${p.firstRegistry}
      and repository.registry_id <= ${p.lastRegistry}
    order by manifest.id limit ${p.limit}`,
);

/** Which of the objects (a JSON list of locations) no blob is kept at, and none is about to be removed. */
export const unnamedObjects = statement<{ store: string; locations: string; limit: number }, { location: string }>(
  (_db, p, dialect) => sql<{ location: string }>`
    select ${dialect.word()} as location from ${dialect.items(p.locations)}
    where not exists (select 1 from blob_location
        where blob_location.store = ${p.store} and blob_location.location = ${dialect.word()} and blob_location.location <> '')
      and not exists (select 1 from object_removal
        where object_removal.store = ${p.store} and object_removal.location = ${dialect.word()})
    order by 1 limit ${p.limit}`,
);
