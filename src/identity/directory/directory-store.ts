import { statement } from '../../data/index.ts';

/** Somebody of the directory who may have roles, as far as a request must know them. */
export interface SubjectRecord {
  object_id: string;
  /** User principal name, or application id. */
  name: string;
  display_name: string;
  enabled: number;
}

/** A user, while the password that proved it is still theirs. */
export const accountByCredential = statement<{ objectId: string; credentialId: string }, SubjectRecord>((db, p) =>
  db
    .selectFrom('account')
    .select(['object_id', 'name', 'display_name', 'enabled'])
    .where('object_id', '=', p.objectId)
    .where('credential_id', '=', p.credentialId)
    .limit(1),
);

/** A service principal, while the secret that proved it is still there. `end_ms` is when the secret ends. */
export const principalBySecret = statement<
  { objectId: string; keyId: string },
  SubjectRecord & { app_id: string; end_ms: number }
>((db, p) =>
  db
    .selectFrom('service_principal')
    .innerJoin('client_secret', 'client_secret.app_id', 'service_principal.app_id')
    .select([
      'service_principal.object_id as object_id',
      'service_principal.app_id as name',
      'service_principal.app_id as app_id',
      'service_principal.display_name as display_name',
      'service_principal.enabled as enabled',
      'client_secret.end_ms as end_ms',
    ])
    .where('service_principal.object_id', '=', p.objectId)
    .where('client_secret.key_id', '=', p.keyId)
    .limit(1),
);

/** The service principal of an application, with each of its secrets; one row without secret where there is none. */
export const secretsOfApplication = statement<
  { appId: string },
  SubjectRecord & { key_id: string | null; hash: string | null; start_ms: number | null; end_ms: number | null }
>((db, p) =>
  db
    .selectFrom('service_principal')
    .leftJoin('client_secret', 'client_secret.app_id', 'service_principal.app_id')
    .select([
      'service_principal.object_id as object_id',
      'service_principal.app_id as name',
      'service_principal.display_name as display_name',
      'service_principal.enabled as enabled',
      'client_secret.key_id as key_id',
      'client_secret.hash as hash',
      'client_secret.start_ms as start_ms',
      'client_secret.end_ms as end_ms',
    ])
    .where('service_principal.app_id', '=', p.appId)
    .orderBy('client_secret.key_id')
    .limit(50),
);

/** Roles of somebody at up to eight scopes. */
export const rolesAt = statement<
  {
    principalId: string;
    s0: string;
    s1: string;
    s2: string;
    s3: string;
    s4: string;
    s5: string;
    s6: string;
    s7: string;
  },
  { scope_key: string; role_id: string }
>((db, p) =>
  db
    .selectFrom('role_assignment')
    .select(['scope_key', 'role_id'])
    .where('principal_id', '=', p.principalId)
    .where('scope_key', 'in', [p.s0, p.s1, p.s2, p.s3, p.s4, p.s5, p.s6, p.s7])
    .limit(500),
);

/**
 * Roles of somebody below a scope, by scope and role, after `lastScope` and `lastRole`. `from` is the scope with a slash or,
 * once there is one, `lastScope`: of two lower bounds an engine takes the lesser one. `end` is the first text behind all that
 * begin with the scope.
 */
export const rolesBelow = statement<
  { principalId: string; from: string; end: string; lastScope: string; lastRole: string; limit: number },
  { scope_key: string; role_id: string }
>((db, p) =>
  db
    .selectFrom('role_assignment')
    .select(['scope_key', 'role_id'])
    .where('principal_id', '=', p.principalId)
    .where('scope_key', '>=', p.from)
    .where('scope_key', '<', p.end)
    .where((eb) =>
      eb.or([
        eb('scope_key', '>', p.lastScope),
        eb.and([eb('scope_key', '=', p.lastScope), eb('role_id', '>', p.lastRole)]),
      ]),
    )
    .orderBy('scope_key')
    .orderBy('role_id')
    .limit(p.limit),
);
