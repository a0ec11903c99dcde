import { sql } from 'kysely';
import { type ResourceRow, statement } from '../../data/index.ts';
import { live, type RegistryRecord, registryColumns } from './registry-store.ts';

/** A registry together with its row of the resource manager. */
export interface RegistryResourceRecord extends RegistryRecord {
  key: string;
  resource_id: string;
  resource_name: string;
  location: string;
  tags: string;
  identity: string | null;
  etag: string;
  created_by: string;
  created_by_type: string;
  modified_ms: number;
  modified_by: string;
  modified_by_type: string;
}

const resourceColumns = [
  'resource.key as key',
  'resource.id as resource_id',
  'resource.name as resource_name',
  'resource.location as location',
  'resource.tags as tags',
  'resource.identity as identity',
  'resource.etag as etag',
  'resource.created_by as created_by',
  'resource.created_by_type as created_by_type',
  'resource.modified_ms as modified_ms',
  'resource.modified_by as modified_by',
  'resource.modified_by_type as modified_by_type',
] as const;

const ofRegistry = registryColumns.map((column) => `registry.${column} as ${column}` as const);

/** By the key of the resource. */
export const registryResource = statement<{ key: string }, RegistryResourceRecord>((db, p) =>
  db
    .selectFrom('registry')
    .innerJoin('resource', 'resource.key', 'registry.resource_key')
    .select([...ofRegistry, ...resourceColumns])
    .where('registry.resource_key', '=', p.key)
    .where('registry.state', '=', live())
    .limit(1),
);

/** Registries of the subscription after a key. */
export const registryResources = statement<{ type: string; last: string; limit: number }, RegistryResourceRecord>(
  (db, p) =>
    db
      .selectFrom('resource')
      .innerJoin('registry', 'registry.resource_key', 'resource.key')
      .select([...ofRegistry, ...resourceColumns])
      .where('resource.type', '=', p.type)
      .where('resource.key', '>', p.last)
      .where('registry.state', '=', live())
      .orderBy('resource.key')
      .limit(p.limit),
);

/** Registries of a group after a key. */
export const registryResourcesOfGroup = statement<
  { type: string; group: string; last: string; limit: number },
  RegistryResourceRecord
>((db, p) =>
  db
    .selectFrom('resource')
    .innerJoin('registry', 'registry.resource_key', 'resource.key')
    .select([...ofRegistry, ...resourceColumns])
    .where('resource.group_key', '=', p.group)
    .where('resource.key', '>', p.last)
    .where('resource.type', '=', p.type)
    .where('registry.state', '=', live())
    .orderBy('resource.key')
    .limit(p.limit),
);

/** A live registry, held until the transaction ends. */
export const lockRegistry = statement<{ name: string }, RegistryRecord>((db, p, dialect) =>
  db
    .selectFrom('registry')
    .select([...registryColumns])
    .where('name', '=', p.name)
    .where('state', '=', live())
    .limit(1)
    .modifyEnd(dialect.forUpdate()),
);

/** The resource manager's row of a resource, held until the transaction ends. */
export const lockResource = statement<{ key: string }, ResourceRow>((db, p, dialect) =>
  db.selectFrom('resource').selectAll().where('key', '=', p.key).limit(1).modifyEnd(dialect.forUpdate()),
);

/** Names of the regions, the first one first. */
export const regionNames = statement<Record<string, never>, { name: string }>((db) =>
  db.selectFrom('region').select('name').orderBy('ordinal').limit(100),
);

/** Writes every switch of a registry. */
export const setRegistry = statement<{
  id: number;
  sku: RegistryRecord['sku'];
  adminEnabled: number;
  anonymousPull: number;
  armTokens: number;
  exportAllowed: number;
  roleMode: RegistryRecord['role_mode'];
  stamp: string;
}>((db, p) =>
  db
    .updateTable('registry')
    .set({
      sku: p.sku,
      admin_enabled: p.adminEnabled,
      anonymous_pull: p.anonymousPull,
      arm_tokens: p.armTokens,
      export_allowed: p.exportAllowed,
      role_mode: p.roleMode,
      stamp: p.stamp,
    })
    .where('id', '=', p.id),
);

/** Makes one registry the one behind the plain listener. */
export const setDefaultRegistry = statement<{ id: number; stamp: string }>((db, p) =>
  db
    .updateTable('registry')
    .set({ is_default: sql<number>`case when id = ${p.id} then 1 else 0 end`, stamp: p.stamp })
    .where('state', '=', live())
    .where((eb) => eb.or([eb('is_default', '=', 1), eb('id', '=', p.id)])),
);
