import { createResource, statement } from '../data/index.ts';
import type { TransactionDefinition } from '../ports/index.ts';

const insertPrincipal = statement<{ objectId: string; appId: string; name: string; now: number; stamp: string }>(
  (db, p) =>
    db.insertInto('service_principal').values({
      object_id: p.objectId,
      app_id: p.appId,
      kind: 'Application',
      display_name: p.name,
      enabled: 1,
      resource_key: null,
      created_ms: p.now,
      stamp: p.stamp,
    }),
);

const insertSecret = statement<{ keyId: string; appId: string; now: number; end: number }>((db, p) =>
  db.insertInto('client_secret').values({
    key_id: p.keyId,
    app_id: p.appId,
    owner: 'application',
    display_name: '',
    hint: '',
    hash: '',
    start_ms: p.now,
    end_ms: p.end,
  }),
);

const insertAssignment = statement<{
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

/** Makes a service principal whose secret is `credentialId`, with roles. */
export const putPerson: TransactionDefinition<
  { objectId: string; appId: string; credentialId: string; roles: readonly { role: string; scope: string }[] },
  void
> = {
  name: 'test/put-person',
  async run(tx, { objectId, appId, credentialId, roles }) {
    await tx.run(insertPrincipal, { objectId, appId, name: appId, now: tx.now, stamp: tx.stamp() });
    await tx.run(insertSecret, { keyId: credentialId, appId, now: tx.now, end: tx.now + 86_400_000 });
    for (const [index, { role, scope }] of roles.entries()) {
      await tx.run(insertAssignment, {
        name: `${objectId} ${index}`,
        scope,
        scopeKey: scope.toLowerCase(),
        roleId: role,
        principalId: objectId,
        now: tx.now,
        stamp: tx.stamp(),
      });
    }
  },
};

/** Puts resources of one type into a group, as a provider would. */
export const putResources: TransactionDefinition<
  {
    subscriptionId: string;
    group: string;
    type: string;
    names: readonly string[];
    tags?: Readonly<Record<string, string>>;
    location?: string;
  },
  void
> = {
  name: 'test/put-resources',
  async run(tx, { subscriptionId, group, type, names, tags, location }) {
    for (const name of names) {
      await createResource(
        tx,
        {
          id: `/subscriptions/${subscriptionId}/resourceGroups/${group}/providers/${type}/${name}`,
          type,
          groupKey: group.toLowerCase(),
          name,
          location: location ?? 'test',
          tags: tags ?? {},
          sku: 'Premium',
          identity: null,
          properties: {},
          provisioningState: 'Succeeded',
          by: { name: 'test', type: 'User' },
        },
        tx.stamp(),
      );
    }
  },
};

const roleCount = statement<{ scopeKey: string }, { name: string }>((db, p) =>
  db.selectFrom('role_assignment').select('name').where('scope_key', '=', p.scopeKey).limit(100),
);

/** How many roles stand at a scope. */
export const countRoles: TransactionDefinition<{ scopeKey: string }, number> = {
  name: 'test/count-roles',
  run: async (tx, input) => (await tx.all(roleCount, input)).length,
};

const dropResource = statement<{ key: string }>((db, p) => db.deleteFrom('resource').where('key', '=', p.key));

/** Deletes a resource of `putResources`; nothing when it is gone. */
export const dropResourceRow: TransactionDefinition<{ key: string }, void> = {
  name: 'test/drop-resource',
  async run(tx, input) {
    await tx.run(dropResource, input);
  },
};

export const transactions: readonly TransactionDefinition<never, unknown>[] = [
  putPerson,
  putResources,
  countRoles,
  dropResourceRow,
];
export const transactionsUrl: string = import.meta.url;
