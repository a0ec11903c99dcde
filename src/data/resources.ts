import type { SqlTransaction } from '../ports/index.ts';
import { statement } from './query.ts';
import type { ResourceRow } from './schema.ts';

/** What is told of a resource that is to be made; the rest follows from the transaction. */
export interface NewResource {
  /** The id, with the spelling to keep. */
  readonly id: string;
  /** For instance `Microsoft.ContainerRegistry/registries`. */
  readonly type: string;
  readonly groupKey: string;
  readonly name: string;
  readonly location: string;
  readonly tags: Readonly<Record<string, string>>;
  readonly sku: string | null;
  readonly identity: Readonly<Record<string, unknown>> | null;
  readonly properties: Readonly<Record<string, unknown>>;
  readonly provisioningState: string;
  readonly by: ResourceAuthor;
}

/** Who made or changed a resource, as its `systemData` tells it. */
export interface ResourceAuthor {
  readonly name: string;
  readonly type: 'User' | 'Application' | 'ManagedIdentity' | 'Key';
}

/** A resource by its key: the id in lower case. */
export const resourceByKey = statement<{ key: string }, ResourceRow>((db, p) =>
  db.selectFrom('resource').selectAll().where('key', '=', p.key).limit(1),
);

const addResource = statement<ResourceRow, { key: string }>((db, p) =>
  db
    .insertInto('resource')
    .values({
      key: p.key,
      id: p.id,
      type: p.type,
      group_key: p.group_key,
      name: p.name,
      location: p.location,
      tags: p.tags,
      sku: p.sku,
      identity: p.identity,
      properties: p.properties,
      provisioning_state: p.provisioning_state,
      etag: p.etag,
      version: p.version,
      created_ms: p.created_ms,
      created_by: p.created_by,
      created_by_type: p.created_by_type,
      modified_ms: p.modified_ms,
      modified_by: p.modified_by,
      modified_by_type: p.modified_by_type,
      stamp: p.stamp,
    })
    .onConflict((conflict) => conflict.doNothing())
    .returning('key'),
);

const changeResource = statement<
  Pick<
    ResourceRow,
    | 'key'
    | 'tags'
    | 'sku'
    | 'identity'
    | 'properties'
    | 'provisioning_state'
    | 'etag'
    | 'version'
    | 'modified_ms'
    | 'modified_by'
    | 'modified_by_type'
    | 'stamp'
  >
>((db, p) =>
  db
    .updateTable('resource')
    .set({
      tags: p.tags,
      sku: p.sku,
      identity: p.identity,
      properties: p.properties,
      provisioning_state: p.provisioning_state,
      etag: p.etag,
      version: p.version,
      modified_ms: p.modified_ms,
      modified_by: p.modified_by,
      modified_by_type: p.modified_by_type,
      stamp: p.stamp,
    })
    .where('key', '=', p.key),
);

const removeResource = statement<{ key: string }>((db, p) => db.deleteFrom('resource').where('key', '=', p.key));

/** Makes a resource in a transaction; answers false when its id is taken. */
export async function createResource(tx: SqlTransaction, made: NewResource, stamp: string): Promise<boolean> {
  const key = made.id.toLowerCase();
  const row = await tx.first(addResource, {
    key,
    id: made.id,
    type: made.type.toLowerCase(),
    group_key: made.groupKey,
    name: made.name,
    location: made.location,
    tags: JSON.stringify(made.tags),
    sku: made.sku,
    identity: made.identity === null ? null : JSON.stringify(made.identity),
    properties: JSON.stringify(made.properties),
    provisioning_state: made.provisioningState,
    etag: etagOf(stamp),
    version: 1,
    created_ms: tx.now,
    created_by: made.by.name,
    created_by_type: made.by.type,
    modified_ms: tx.now,
    modified_by: made.by.name,
    modified_by_type: made.by.type,
    stamp,
  });
  return row !== undefined;
}

/** Writes a resource whose changed parts are in `row` already, under a new version, etag and author. */
export async function updateResource(
  tx: SqlTransaction,
  row: ResourceRow,
  by: ResourceAuthor,
  stamp: string,
): Promise<void> {
  await tx.run(changeResource, {
    key: row.key,
    tags: row.tags,
    sku: row.sku,
    identity: row.identity,
    properties: row.properties,
    provisioning_state: row.provisioning_state,
    etag: etagOf(stamp),
    version: row.version + 1,
    modified_ms: tx.now,
    modified_by: by.name,
    modified_by_type: by.type,
    stamp,
  });
}

/** Forgets a resource; what it stood for is its owner's to remove. */
export async function deleteResource(tx: SqlTransaction, key: string): Promise<boolean> {
  return (await tx.run(removeResource, { key })) > 0;
}

/** A stamp is unique, so it tells one state of a resource from every other. */
function etagOf(stamp: string): string {
  return `"${stamp}"`;
}
