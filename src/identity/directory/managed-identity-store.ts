import { statement } from '../../data/index.ts';

export const insertServicePrincipal = statement<{
  objectId: string;
  appId: string;
  displayName: string;
  resourceKey: string;
  now: number;
  stamp: string;
}>((db, p) =>
  db.insertInto('service_principal').values({
    object_id: p.objectId,
    app_id: p.appId,
    kind: 'ManagedIdentity',
    display_name: p.displayName,
    enabled: 1,
    resource_key: p.resourceKey,
    created_ms: p.now,
    stamp: p.stamp,
  }),
);

/** The identity of a resource, held until the transaction ends, so that nobody gives it a role while it goes. */
export const identityOfResource = statement<{ resourceKey: string }, { object_id: string; app_id: string }>(
  (db, p, dialect) =>
    db
      .selectFrom('service_principal')
      .select(['object_id', 'app_id'])
      .where('resource_key', '=', p.resourceKey)
      .where('kind', '=', 'ManagedIdentity')
      .limit(1)
      .modifyEnd(dialect.forUpdate()),
);

export const deleteServicePrincipal = statement<{ objectId: string }>((db, p) =>
  db.deleteFrom('service_principal').where('object_id', '=', p.objectId),
);

export const deleteAssignmentsWithin = statement<{ scopeKey: string; from: string; to: string }>((db, p) =>
  db
    .deleteFrom('role_assignment')
    .where((eb) =>
      eb.or([eb('scope_key', '=', p.scopeKey), eb.and([eb('scope_key', '>=', p.from), eb('scope_key', '<', p.to)])]),
    ),
);
