import { statement } from '../../data/index.ts';

/** An upload session. */
export interface UploadRecord {
  id: string;
  algorithm: string;
  staged_key: string | null;
  tail: Uint8Array | null;
  codec: string;
  key_id: string | null;
  received: number;
  expires_ms: number;
}

/** Changes no row when the session has one already. */
export const insertUpload = statement<{
  id: string;
  registryId: number;
  repositoryId: number;
  identity: string;
  algorithm: string;
  codec: string;
  keyId: string | null;
  received: number;
  stagedKey: string | null;
  tail: Uint8Array | null;
  created: number;
  expires: number;
}>((db, p) =>
  db
    .insertInto('upload')
    .values({
      id: p.id,
      registry_id: p.registryId,
      repository_id: p.repositoryId,
      identity: p.identity,
      algorithm: p.algorithm,
      staged_key: p.stagedKey,
      tail: p.tail,
      codec: p.codec,
      key_id: p.keyId,
      received: p.received,
      created_ms: p.created,
      expires_ms: p.expires,
    })
    .onConflict((conflict) => conflict.doNothing()),
);

/** A row when the session has ended. */
export const endedUpload = statement<{ id: string }, { id: string }>((db, p) =>
  db.selectFrom('upload_ended').select('id').where('id', '=', p.id).limit(1),
);

/** Changes no row when it had ended before. */
export const insertEndedUpload = statement<{ id: string; expires: number }>((db, p) =>
  db
    .insertInto('upload_ended')
    .values({ id: p.id, expires_ms: p.expires })
    .onConflict((conflict) => conflict.doNothing()),
);

/** Forgets ends that nobody could ask for any more. */
export const removeEndedUploads = statement<{ now: number; limit: number }>((db, p) =>
  db
    .deleteFrom('upload_ended')
    .where('id', 'in', (inner) =>
      inner
        .selectFrom('upload_ended')
        .select('id')
        .where('expires_ms', '<=', p.now)
        .orderBy('expires_ms')
        .limit(p.limit),
    ),
);

/** A row when the identity has as many sessions open as `offset` + 1. */
export const uploadsBeyond = statement<{ registryId: number; identity: string; offset: number }, { id: string }>(
  (db, p) =>
    db
      .selectFrom('upload')
      .select('id')
      .where('registry_id', '=', p.registryId)
      .where('identity', '=', p.identity)
      .orderBy('identity')
      .limit(1)
      .offset(p.offset),
);

/** A session, only through the repository and the identity that opened it. */
export const findUpload = statement<
  { id: string; registryId: number; repository: string; identity: string; now: number },
  UploadRecord
>((db, p) =>
  db
    .selectFrom('upload')
    .innerJoin('repository', 'repository.id', 'upload.repository_id')
    .select([
      'upload.id as id',
      'upload.algorithm as algorithm',
      'upload.staged_key as staged_key',
      'upload.tail as tail',
      'upload.codec as codec',
      'upload.key_id as key_id',
      'upload.received as received',
      'upload.expires_ms as expires_ms',
    ])
    .where('upload.id', '=', p.id)
    .where('upload.registry_id', '=', p.registryId)
    .where('repository.name', '=', p.repository)
    .where('upload.identity', '=', p.identity)
    .where('upload.expires_ms', '>', p.now)
    .limit(1),
);

/** Moves a session on; changes no row when another request moved it or staged under another key meanwhile. */
export const advanceUpload = statement<{
  id: string;
  from: number;
  received: number;
  stagedKey: string | null;
  tail: Uint8Array | null;
  expires: number;
}>((db, p) =>
  db
    .updateTable('upload')
    .set({
      received: p.received,
      staged_key: p.stagedKey,
      tail: p.tail,
      expires_ms: p.expires,
    })
    .where('id', '=', p.id)
    .where('received', '=', p.from)
    .where((where) => where.or([where('staged_key', 'is', null), where('staged_key', '=', p.stagedKey)])),
);

export const removeUpload = statement<{ id: string }>((db, p) => db.deleteFrom('upload').where('id', '=', p.id));

/** Removes a session unless it was used again since it was seen to be expired. */
export const removeExpiredUpload = statement<{ id: string; now: number }>((db, p) =>
  db.deleteFrom('upload').where('id', '=', p.id).where('expires_ms', '<=', p.now),
);

export const expiredUploads = statement<
  { now: number; limit: number },
  Pick<UploadRecord, 'id' | 'staged_key' | 'received'>
>((db, p) =>
  db
    .selectFrom('upload')
    .select(['id', 'staged_key', 'received'])
    .where('expires_ms', '<=', p.now)
    .orderBy('expires_ms')
    .limit(p.limit),
);

/** Sessions that have a key of the blob store, in pages. */
export const stagingUploads = statement<{ after: string; limit: number }, { id: string; staged_key: string | null }>(
  (db, p) =>
    db
      .selectFrom('upload')
      .select(['id', 'staged_key'])
      .where('id', '>', p.after)
      .where('staged_key', 'is not', null)
      .orderBy('id')
      .limit(p.limit),
);
