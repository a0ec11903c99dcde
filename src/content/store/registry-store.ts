import { type RawBuilder, sql } from 'kysely';
import { type RegistryRow, statement } from '../../data/index.ts';

/** A registry as the data plane needs it on every request. */
export type RegistryRecord = Pick<RegistryRow, Exclude<(typeof registryColumns)[number], 'id'>> & { id: number };

export const registryColumns = [
  'id',
  'name',
  'resource_group',
  'resource_key',
  'sku',
  'admin_enabled',
  'anonymous_pull',
  'is_default',
  'arm_tokens',
  'export_allowed',
  'role_mode',
  'created_ms',
] as const;

/** As text of the statement, not bound: an index of living rows only is then known to do when it is planned. */
export function live(): RawBuilder<'live'> {
  return sql<'live'>`'live'`;
}

export const registryByName = statement<{ name: string }, RegistryRecord>((db, p) =>
  db
    .selectFrom('registry')
    .select([...registryColumns])
    .where('name', '=', p.name)
    .where('state', '=', live())
    .limit(1),
);

export const defaultRegistry = statement<Record<string, never>, RegistryRecord>((db) =>
  db
    .selectFrom('registry')
    .select([...registryColumns])
    .where('is_default', '=', sql.lit(1))
    .where('state', '=', live())
    .orderBy('id')
    .limit(1),
);

export const listRegistries = statement<{ last: string; limit: number }, RegistryRecord>((db, p) =>
  db
    .selectFrom('registry')
    .select([...registryColumns])
    .where('state', '=', live())
    .where('name', '>', p.last)
    .orderBy('name')
    .limit(p.limit),
);

/** A new registry; answers no row when the name is taken. */
export const insertRegistry = statement<
  {
    name: string;
    resourceGroup: string;
    resourceKey: string;
    sku: 'Basic' | 'Standard' | 'Premium';
    adminEnabled: number;
    anonymousPull: number;
    armTokens: number;
    exportAllowed: number;
    roleMode: RegistryRow['role_mode'];
    isDefault: number;
    now: number;
    stamp: string;
  },
  { id: number }
>((db, p) =>
  db
    .insertInto('registry')
    .values({
      name: p.name,
      resource_group: p.resourceGroup,
      resource_key: p.resourceKey,
      state: 'live',
      sku: p.sku,
      admin_enabled: p.adminEnabled,
      anonymous_pull: p.anonymousPull,
      is_default: p.isDefault,
      arm_tokens: p.armTokens,
      export_allowed: p.exportAllowed,
      role_mode: p.roleMode,
      created_ms: p.now,
      deleted_ms: null,
      stamp: p.stamp,
    })
    .onConflict((conflict) => conflict.doNothing())
    .returning('id'),
);

export const retireRegistry = statement<{ id: number; now: number; stamp: string }>((db, p) =>
  db
    .updateTable('registry')
    .set({ state: 'deleted', deleted_ms: p.now, stamp: p.stamp })
    .where('id', '=', p.id)
    .where('state', '=', live()),
);

/** Whose database this is, and under which ids its resources stand. */
export interface Deployment {
  id: string;
  incarnation: string;
  tenant_id: string;
  subscription_id: string;
}

export const deploymentRow = statement<Record<string, never>, Deployment>((db) =>
  db.selectFrom('deployment').select(['id', 'incarnation', 'tenant_id', 'subscription_id']).limit(1),
);

export const insertResourceGroup = statement<{
  key: string;
  name: string;
  location: string;
  now: number;
  stamp: string;
}>((db, p) =>
  db.insertInto('resource_group').values({
    key: p.key,
    name: p.name,
    location: p.location,
    tags: sql<string>`'{}'`,
    provisioning_state: sql<'Succeeded'>`'Succeeded'`,
    created_ms: p.now,
    stamp: p.stamp,
  }),
);

/** The oldest resource group, usually the one that the first start made; held against its deletion. */
export const firstResourceGroup = statement<Record<string, never>, { key: string; name: string; location: string }>(
  (db, _p, dialect) =>
    db
      .selectFrom('resource_group')
      .select(['key', 'name', 'location'])
      .where('provisioning_state', '=', 'Succeeded')
      .orderBy('created_ms')
      .orderBy('key')
      .limit(1)
      .modifyEnd(dialect.forShare()),
);

export const insertDeployment = statement<{
  id: string;
  incarnation: string;
  tenantId: string;
  subscriptionId: string;
  now: number;
}>((db, p) =>
  db.insertInto('deployment').values({
    id: p.id,
    incarnation: p.incarnation,
    tenant_id: p.tenantId,
    subscription_id: p.subscriptionId,
    created_ms: p.now,
  }),
);

/** Changes no row when the region was founded by another host. */
export const insertRegion = statement<{ ordinal: number; name: string; now: number }>((db, p) =>
  db
    .insertInto('region')
    .values({ ordinal: p.ordinal, name: p.name, state: 'active', created_ms: p.now })
    .onConflict((conflict) => conflict.column('ordinal').doNothing()),
);
