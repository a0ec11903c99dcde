import { type RawBuilder, sql } from 'kysely';
import { statement } from '../../data/index.ts';

/** An application. */
export interface ApplicationRecord {
  object_id: string;
  app_id: string;
  display_name: string;
  created_ms: number;
}

/** A service principal. */
export interface ServicePrincipalRecord {
  object_id: string;
  app_id: string;
  kind: 'Application' | 'ManagedIdentity';
  display_name: string;
  enabled: number;
  resource_key: string | null;
  created_ms: number;
}

/** A secret without its hash. */
export interface SecretRecord {
  key_id: string;
  display_name: string;
  hint: string;
  start_ms: number;
  end_ms: number;
}

/** Whose list a secret stands in. */
export type SecretOwner = 'application' | 'servicePrincipal';

const applicationColumns = ['object_id', 'app_id', 'display_name', 'created_ms'] as const;
const principalColumns = [...applicationColumns, 'kind', 'enabled', 'resource_key'] as const;

/** Names compare without regard to the case of ASCII letters, on every engine alike. */
const nameKey: RawBuilder<string> = sql<string>`lower(display_name)`;

/**
 * A page by name: names from `from` on and before `to`, after the place (`lastName`, `lastId`). Names come in lower case.
 */
export interface NamePage {
  from: string;
  to: string;
  lastName: string;
  lastId: string;
  limit: number;
}

export const applicationById = statement<{ objectId: string }, ApplicationRecord>((db, p) =>
  db
    .selectFrom('application')
    .select([...applicationColumns])
    .where('object_id', '=', p.objectId)
    .limit(1),
);

export const applicationByAppId = statement<{ appId: string }, ApplicationRecord>((db, p) =>
  db
    .selectFrom('application')
    .select([...applicationColumns])
    .where('app_id', '=', p.appId)
    .limit(1),
);

/** The application, held until the transaction ends, so that what hangs on it is not counted or made by two at once. */
export const lockApplication = statement<{ appId: string }, ApplicationRecord>((db, p, dialect) =>
  db
    .selectFrom('application')
    .select([...applicationColumns])
    .where('app_id', '=', p.appId)
    .limit(1)
    .modifyEnd(dialect.forUpdate()),
);

export const applicationsByName = statement<NamePage, ApplicationRecord>((db, p) =>
  db
    .selectFrom('application')
    .select([...applicationColumns])
    .where(nameKey, '>=', p.from)
    .where(nameKey, '<', p.to)
    .where((eb) =>
      eb.or([eb(nameKey, '>', p.lastName), eb.and([eb(nameKey, '=', p.lastName), eb('object_id', '>', p.lastId)])]),
    )
    .orderBy(nameKey)
    .orderBy('object_id')
    .limit(p.limit),
);

export const insertApplication = statement<{
  objectId: string;
  appId: string;
  displayName: string;
  identifierUris: string;
  now: number;
  stamp: string;
}>((db, p) =>
  db.insertInto('application').values({
    object_id: p.objectId,
    app_id: p.appId,
    display_name: p.displayName,
    identifier_uris: p.identifierUris,
    created_ms: p.now,
    stamp: p.stamp,
  }),
);

export const renameApplication = statement<{ objectId: string; displayName: string; stamp: string }>((db, p) =>
  db
    .updateTable('application')
    .set({ display_name: p.displayName, stamp: p.stamp })
    .where('object_id', '=', p.objectId),
);

/** Its service principal has the name of the application. */
export const renamePrincipal = statement<{ appId: string; displayName: string; stamp: string }>((db, p) =>
  db
    .updateTable('service_principal')
    .set({ display_name: p.displayName, stamp: p.stamp })
    .where('app_id', '=', p.appId),
);

export const deleteApplication = statement<{ objectId: string }>((db, p) =>
  db.deleteFrom('application').where('object_id', '=', p.objectId),
);

export const principalById = statement<{ objectId: string }, ServicePrincipalRecord>((db, p) =>
  db
    .selectFrom('service_principal')
    .select([...principalColumns])
    .where('object_id', '=', p.objectId)
    .limit(1),
);

export const principalByAppId = statement<{ appId: string }, ServicePrincipalRecord>((db, p) =>
  db
    .selectFrom('service_principal')
    .select([...principalColumns])
    .where('app_id', '=', p.appId)
    .limit(1),
);

export const principalsByName = statement<NamePage, ServicePrincipalRecord>((db, p) =>
  db
    .selectFrom('service_principal')
    .select([...principalColumns])
    .where(nameKey, '>=', p.from)
    .where(nameKey, '<', p.to)
    .where((eb) =>
      eb.or([eb(nameKey, '>', p.lastName), eb.and([eb(nameKey, '=', p.lastName), eb('object_id', '>', p.lastId)])]),
    )
    .orderBy(nameKey)
    .orderBy('object_id')
    .limit(p.limit),
);

/** The service principal, held until the transaction ends. */
export const lockPrincipal = statement<{ objectId: string }, ServicePrincipalRecord>((db, p, dialect) =>
  db
    .selectFrom('service_principal')
    .select([...principalColumns])
    .where('object_id', '=', p.objectId)
    .limit(1)
    .modifyEnd(dialect.forUpdate()),
);

/** Changes no row when the application has one. */
export const insertPrincipal = statement<{
  objectId: string;
  appId: string;
  displayName: string;
  enabled: number;
  now: number;
  stamp: string;
}>((db, p) =>
  db
    .insertInto('service_principal')
    .values({
      object_id: p.objectId,
      app_id: p.appId,
      kind: 'Application',
      display_name: p.displayName,
      enabled: p.enabled,
      resource_key: null,
      created_ms: p.now,
      stamp: p.stamp,
    })
    .onConflict((conflict) => conflict.column('app_id').doNothing()),
);

export const enablePrincipal = statement<{ objectId: string; enabled: number; stamp: string }>((db, p) =>
  db.updateTable('service_principal').set({ enabled: p.enabled, stamp: p.stamp }).where('object_id', '=', p.objectId),
);

export const deletePrincipal = statement<{ objectId: string }>((db, p) =>
  db.deleteFrom('service_principal').where('object_id', '=', p.objectId),
);

/** Most secrets of one application, those of its service principal included. */
export const maxSecrets = 40;

export const secretsOf = statement<{ appId: string; owner: string }, SecretRecord>((db, p) =>
  db
    .selectFrom('client_secret')
    .select(['key_id', 'display_name', 'hint', 'start_ms', 'end_ms'])
    .where('app_id', '=', p.appId)
    .where('owner', '=', p.owner as SecretOwner)
    .orderBy('start_ms', 'desc')
    .orderBy('key_id')
    .limit(50),
);

export const countSecrets = statement<{ appId: string }, { count: number }>((db, p) =>
  db
    .selectFrom('client_secret')
    .select((eb) => eb.fn.countAll<number>().as('count'))
    .where('app_id', '=', p.appId),
);

export const insertSecret = statement<{
  keyId: string;
  appId: string;
  owner: string;
  displayName: string;
  hint: string;
  hash: string;
  startMs: number;
  endMs: number;
}>((db, p) =>
  db.insertInto('client_secret').values({
    key_id: p.keyId,
    app_id: p.appId,
    owner: p.owner as SecretOwner,
    display_name: p.displayName,
    hint: p.hint,
    hash: p.hash,
    start_ms: p.startMs,
    end_ms: p.endMs,
  }),
);

export const deleteSecret = statement<{ keyId: string; appId: string; owner: string }>((db, p) =>
  db
    .deleteFrom('client_secret')
    .where('key_id', '=', p.keyId)
    .where('app_id', '=', p.appId)
    .where('owner', '=', p.owner as SecretOwner),
);

export const deleteSecretsOf = statement<{ appId: string; owner: string }>((db, p) =>
  db
    .deleteFrom('client_secret')
    .where('app_id', '=', p.appId)
    .where('owner', '=', p.owner as SecretOwner),
);
