import { sql } from 'kysely';
import type { SqlTransaction, TransactionDefinition } from '../ports/index.ts';
import { statement } from './query.ts';

/**
 * Who asks, from where: carried by every request into the change feed and the access log. `listener` and `network` name
 * the door it came through; `address` is the peer as resolved at accept.
 */
export interface RequestContext {
  readonly requestId: string;
  /** Stable name of the principal, for instance `admin:berth` or `token:berth/ci`. */
  readonly actor: string;
  readonly host: string;
  readonly method: string;
  readonly userAgent: string;
  readonly address: string;
  readonly listener: string;
  readonly network: string;
}

/** What can happen to a registry's content and settings. Consumers switch on it. */
export type ChangeKind =
  | 'registry.created'
  | 'registry.updated'
  | 'registry.deleted'
  | 'credential.renewed'
  | 'token.created'
  | 'token.updated'
  | 'token.deleted'
  | 'repository.deleted'
  | 'repository.attributes'
  | 'manifest.pushed'
  | 'manifest.deleted'
  | 'manifest.attributes'
  | 'tag.set'
  | 'tag.deleted'
  | 'tag.attributes'
  | 'blob.deleted';

/** One entry of the feed, as the transaction that made it states it. Names things by name and digest, never holds a body. */
export interface Change {
  readonly registryId: number;
  readonly kind: ChangeKind;
  readonly stamp: string;
  readonly repository?: string | null;
  readonly digest?: string | null;
  readonly tag?: string | null;
  readonly tagVersion?: number | null;
  readonly mediaType?: string | null;
  readonly size?: number | null;
  /** Small JSON object with what the kind adds, for instance changed attributes. */
  readonly details?: Readonly<Record<string, unknown>> | null;
}

interface ChangeParameters {
  registryId: number;
  kind: string;
  stamp: string;
  at: number;
  repository: string | null;
  digest: string | null;
  tag: string | null;
  tagVersion: number | null;
  mediaType: string | null;
  size: number | null;
  details: string | null;
  actor: string;
  requestId: string;
  host: string;
  method: string;
  userAgent: string;
  address: string;
}

const insertChange = statement<ChangeParameters>((db, p, dialect) =>
  db.insertInto('change').values({
    registry_id: p.registryId,
    n: dialect.feedNumber(p.registryId),
    origin: sql<string>`coalesce((select incarnation from deployment limit 1), '')`,
    kind: p.kind,
    kind_version: 1,
    stamp: p.stamp,
    at_ms: p.at,
    repository: p.repository,
    digest: p.digest,
    tag: p.tag,
    tag_version: p.tagVersion,
    media_type: p.mediaType,
    size: p.size,
    details: p.details,
    actor: p.actor,
    request_id: p.requestId,
    host: p.host,
    method: p.method,
    user_agent: p.userAgent,
    address: p.address,
    region_ordinal: sql<number>`coalesce((select min(ordinal) from region), 0)`,
  }),
);

/**
 * Appends to the change feed. Call it as the last statement of a transaction, so that on PostgreSQL the order of ids
 * respects every dependency. On SQLite the number is taken here; on PostgreSQL the sequencer gives it after commit.
 */
export async function recordChange(tx: SqlTransaction, context: RequestContext, change: Change): Promise<void> {
  await tx.run(insertChange, {
    registryId: change.registryId,
    kind: change.kind,
    stamp: change.stamp,
    at: tx.now,
    repository: change.repository ?? null,
    digest: change.digest ?? null,
    tag: change.tag ?? null,
    tagVersion: change.tagVersion ?? null,
    mediaType: change.mediaType ?? null,
    size: change.size ?? null,
    details: change.details ? JSON.stringify(change.details) : null,
    actor: context.actor,
    requestId: context.requestId,
    host: context.host.slice(0, 255),
    method: context.method,
    userAgent: context.userAgent.slice(0, 255),
    address: context.address,
  });
}

/** The greatest stamp in the feed; every stamped fact has its change, so the clock continues above it. */
export const lastStamp = statement<Record<string, never>, { stamp: string | null }>((db) =>
  db.selectFrom('change').select((eb) => eb.fn.max('stamp').as('stamp')),
);

/** A numbered change as consumers read it. */
export interface FeedEntry {
  n: number;
  kind: string;
  stamp: string;
  at_ms: number;
  repository: string | null;
  digest: string | null;
  tag: string | null;
  tag_version: number | null;
  media_type: string | null;
  size: number | null;
  details: string | null;
  actor: string;
  request_id: string;
}

/** Numbered changes of a registry after `after`, in order. */
export const readFeed = statement<{ registryId: number; after: number; limit: number }, FeedEntry>((db, p) =>
  db
    .selectFrom('change')
    .select([
      'n',
      'kind',
      'stamp',
      'at_ms',
      'repository',
      'digest',
      'tag',
      'tag_version',
      'media_type',
      'size',
      'details',
      'actor',
      'request_id',
    ])
    .$narrowType<{ n: number }>()
    .where('registry_id', '=', p.registryId)
    .where('n', '>', p.after)
    .orderBy('n')
    .limit(p.limit),
);

const lockSequencer = statement<Record<string, never>, { locked: number }>((_db, _p, dialect) => dialect.tryFeedLock());
const numberChanges = statement<{ limit: number }>(
  (_db, p) =>
    // Visible and unnumbered rows get the next numbers of their registry, in id order.
    sql<Record<string, never>>`
    update change set n = numbered.n from (
      select waiting.id, coalesce((select max(last.n) from change last where last.registry_id = waiting.registry_id), 0)
        + row_number() over (partition by waiting.registry_id order by waiting.id) as n
      from (select id, registry_id from change where n is null order by id limit ${p.limit}) waiting
    ) numbered where change.id = numbered.id`,
);

/**
 * PostgreSQL's sequencer, one step: numbers what has been committed since the last step. Runs under a lock that only one
 * host can hold; answers how many changes it numbered. On SQLite there is never anything to number.
 */
export const numberFeed: TransactionDefinition<{ limit: number }, number> = {
  name: 'data/number-feed',
  async run(tx, input) {
    const lock = await tx.first(lockSequencer, {});
    return lock?.locked ? tx.run(numberChanges, { limit: input.limit }) : 0;
  },
};
