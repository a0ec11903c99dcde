import { statement } from '../data/index.ts';
import type { SqlReader, TransactionDefinition } from '../ports/index.ts';

const identityRow = statement<{ key: string }, { object_id: string }>((db, p) =>
  db.selectFrom('service_principal').select('object_id').where('resource_key', '=', p.key).limit(2),
);

/** Object id of the identity that stands in the directory for a registry; null for none. */
export async function identityOfRegistry(
  reader: SqlReader,
  registry: { readonly resourceKey: string },
): Promise<string | null> {
  const rows = await reader.all(identityRow, { key: registry.resourceKey });
  if (rows.length > 1) throw new Error('a registry with two identities');
  return rows[0]?.object_id ?? null;
}

const addRole = statement<{
  name: string;
  scope: string;
  scopeKey: string;
  roleId: string;
  principalId: string;
  now: number;
  stamp: string;
}>((db, p) =>
  db.insertInto('role_assignment').values({
    name: p.name,
    scope: p.scope,
    scope_key: p.scopeKey,
    role_id: p.roleId,
    principal_id: p.principalId,
    principal_type: 'ServicePrincipal',
    description: null,
    created_ms: p.now,
    created_by: 'test',
    updated_ms: p.now,
    updated_by: 'test',
    stamp: p.stamp,
  }),
);

/** Gives somebody a role at a scope. */
export const giveRole: TransactionDefinition<
  { name: string; scope: string; roleId: string; principalId: string },
  number
> = {
  name: 'test/give-role',
  run: (tx, input) =>
    tx.run(addRole, { ...input, scopeKey: input.scope.toLowerCase(), now: tx.now, stamp: tx.stamp() }),
};

const addGroup = statement<{ name: string; key: string; now: number; stamp: string }>((db, p) =>
  db.insertInto('resource_group').values({
    key: p.key,
    name: p.name,
    location: 'test',
    tags: '{}',
    provisioning_state: 'Succeeded',
    created_ms: p.now,
    stamp: p.stamp,
  }),
);

/** Makes a resource group. */
export const makeGroup: TransactionDefinition<{ name: string }, number> = {
  name: 'test/make-group',
  run: (tx, input) => tx.run(addGroup, { ...input, key: input.name.toLowerCase(), now: tx.now, stamp: tx.stamp() }),
};

export const transactions: readonly TransactionDefinition<never, unknown>[] = [giveRole, makeGroup];
export const transactionsUrl: string = import.meta.url;
