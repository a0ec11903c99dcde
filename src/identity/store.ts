import { statement } from '../data/index.ts';
import type { RegistryTier } from '../kernel/index.ts';

/** Whose tokens a key signs. Neither accepts those of the other. */
export type SigningPurpose = 'registry' | 'directory';

/** A token with the password that was asked for and the actions of its scope map. */
export interface TokenCredential {
  token_id: number;
  token_name: string;
  status: string;
  scope_map: string;
  scope_map_stamp: string;
  actions: string;
  credential_id: string;
  hash: string;
  expires_ms: number | null;
}

const tokenColumns = [
  'token.id as token_id',
  'token.name as token_name',
  'token.status as status',
  'scope_map.name as scope_map',
  'scope_map.stamp as scope_map_stamp',
  'scope_map.actions as actions',
  'token_password.credential_id as credential_id',
  'token_password.hash as hash',
  'token_password.expires_ms as expires_ms',
] as const;

/** The passwords (at most two) of a token, by name. */
export const tokenByName = statement<{ registryId: number; name: string }, TokenCredential>((db, p) =>
  db
    .selectFrom('token')
    .innerJoin('scope_map', 'scope_map.id', 'token.scope_map_id')
    .innerJoin('token_password', 'token_password.token_id', 'token.id')
    .select([...tokenColumns])
    .where('token.registry_id', '=', p.registryId)
    .where('token.name', '=', p.name)
    .limit(2),
);

/** The token that a bearer token was made from, while the password that made it still exists. */
export const tokenByCredential = statement<
  { registryId: number; tokenId: number; credentialId: string },
  TokenCredential
>((db, p) =>
  db
    .selectFrom('token')
    .innerJoin('scope_map', 'scope_map.id', 'token.scope_map_id')
    .innerJoin('token_password', 'token_password.token_id', 'token.id')
    .select([...tokenColumns])
    .where('token.id', '=', p.tokenId)
    .where('token.registry_id', '=', p.registryId)
    .where('token_password.credential_id', '=', p.credentialId)
    .limit(1),
);

/** The two admin passwords of a registry, as hashes and sealed. */
export const adminCredentials = statement<
  { registryId: number },
  { name: 'password' | 'password2'; credential_id: string; hash: string; sealed: string }
>((db, p) =>
  db
    .selectFrom('admin_credential')
    .select(['name', 'credential_id', 'hash', 'sealed'])
    .where('registry_id', '=', p.registryId)
    .orderBy('name')
    .limit(2),
);

/** Stores one admin password; changes no row when there is one of that name. */
export const addAdminCredential = statement<{
  registryId: number;
  name: 'password' | 'password2';
  credentialId: string;
  sealed: string;
  hash: string;
  now: number;
}>((db, p) =>
  db
    .insertInto('admin_credential')
    .values({
      registry_id: p.registryId,
      name: p.name,
      credential_id: p.credentialId,
      sealed: p.sealed,
      hash: p.hash,
      created_ms: p.now,
    })
    .onConflict((conflict) => conflict.columns(['registry_id', 'name']).doNothing()),
);

/** Stores or replaces one admin password. */
export const putAdminCredential = statement<{
  registryId: number;
  name: 'password' | 'password2';
  credentialId: string;
  sealed: string;
  hash: string;
  now: number;
}>((db, p) =>
  db
    .insertInto('admin_credential')
    .values({
      registry_id: p.registryId,
      name: p.name,
      credential_id: p.credentialId,
      sealed: p.sealed,
      hash: p.hash,
      created_ms: p.now,
    })
    .onConflict((conflict) =>
      conflict.columns(['registry_id', 'name']).doUpdateSet({
        credential_id: p.credentialId,
        sealed: p.sealed,
        hash: p.hash,
        created_ms: p.now,
      }),
    ),
);

/** Every token of a registry, by name, a page at a time. */
export const listTokens = statement<
  { registryId: number; last: string; limit: number },
  { name: string; status: string; created_ms: number; scope_map: string; actions: string }
>((db, p) =>
  db
    .selectFrom('token')
    .innerJoin('scope_map', 'scope_map.id', 'token.scope_map_id')
    .select([
      'token.name as name',
      'token.status as status',
      'token.created_ms as created_ms',
      'scope_map.name as scope_map',
      'scope_map.actions as actions',
    ])
    .where('token.registry_id', '=', p.registryId)
    .where('token.name', '>', p.last)
    .orderBy('token.name')
    .limit(p.limit),
);

/** Tier of a registry, whose row is held so that nobody else counts its tokens meanwhile. */
export const tierForUpdate = statement<{ registryId: number }, { sku: RegistryTier }>((db, p, dialect) =>
  db.selectFrom('registry').select('sku').where('id', '=', p.registryId).limit(1).modifyEnd(dialect.forUpdate()),
);

export const tokenCounts = statement<{ registryId: number }, { tokens: number; scope_maps: number }>((db, p) =>
  db
    .selectNoFrom((eb) => [
      eb
        .selectFrom('token')
        .select((one) => one.fn.countAll<number>().as('count'))
        .where('registry_id', '=', p.registryId)
        .as('tokens'),
      eb
        .selectFrom('scope_map')
        .select((one) => one.fn.countAll<number>().as('count'))
        .where('registry_id', '=', p.registryId)
        .as('scope_maps'),
    ])
    .$narrowType<{ tokens: number; scope_maps: number }>(),
);

export const findToken = statement<{ registryId: number; name: string }, { id: number; scope_map_id: number }>(
  (db, p) =>
    db
      .selectFrom('token')
      .select(['id', 'scope_map_id'])
      .where('registry_id', '=', p.registryId)
      .where('name', '=', p.name)
      .limit(1),
);

export const insertScopeMap = statement<
  { registryId: number; name: string; description: string; actions: string; now: number; stamp: string },
  { id: number }
>((db, p) =>
  db
    .insertInto('scope_map')
    .values({
      registry_id: p.registryId,
      name: p.name,
      description: p.description,
      actions: p.actions,
      created_ms: p.now,
      stamp: p.stamp,
    })
    .onConflict((conflict) => conflict.columns(['registry_id', 'name']).doNothing())
    .returning('id'),
);

export const insertToken = statement<
  { registryId: number; name: string; scopeMapId: number; now: number; stamp: string },
  { id: number }
>((db, p) =>
  db
    .insertInto('token')
    .values({
      registry_id: p.registryId,
      name: p.name,
      scope_map_id: p.scopeMapId,
      status: 'enabled',
      created_ms: p.now,
      stamp: p.stamp,
    })
    .onConflict((conflict) => conflict.columns(['registry_id', 'name']).doNothing())
    .returning('id'),
);

export const putTokenPassword = statement<{
  tokenId: number;
  name: 'password1' | 'password2';
  credentialId: string;
  hash: string;
  now: number;
  expiresMs: number | null;
}>((db, p) =>
  db
    .insertInto('token_password')
    .values({
      token_id: p.tokenId,
      name: p.name,
      credential_id: p.credentialId,
      hash: p.hash,
      created_ms: p.now,
      expires_ms: p.expiresMs,
    })
    .onConflict((conflict) =>
      conflict.columns(['token_id', 'name']).doUpdateSet({
        credential_id: p.credentialId,
        hash: p.hash,
        created_ms: p.now,
        expires_ms: p.expiresMs,
      }),
    ),
);

export const deleteTokenPasswords = statement<{ tokenId: number }>((db, p) =>
  db.deleteFrom('token_password').where('token_id', '=', p.tokenId),
);
export const deleteToken = statement<{ tokenId: number }>((db, p) =>
  db.deleteFrom('token').where('id', '=', p.tokenId),
);
export const deleteScopeMap = statement<{ id: number }>((db, p) =>
  db
    .deleteFrom('scope_map')
    .where('id', '=', p.id)
    .where((eb) =>
      eb.not(eb.exists(eb.selectFrom('token').select('id').whereRef('token.scope_map_id', '=', 'scope_map.id'))),
    ),
);

/** A signing key that is not retired. */
export interface SigningKeyRecord {
  kid: string;
  algorithm: string;
  public_jwk: string;
  sealed_private: string;
  created_ms: number;
  signs_from_ms: number;
}

/** The keys of a purpose that are not retired, newest first. */
export const signingKeys = statement<{ purpose: SigningPurpose }, SigningKeyRecord>((db, p) =>
  db
    .selectFrom('signing_key')
    .select(['kid', 'algorithm', 'public_jwk', 'sealed_private', 'created_ms', 'signs_from_ms'])
    .where('purpose', '=', p.purpose)
    .where('retired_ms', 'is', null)
    .orderBy('created_ms', 'desc')
    .orderBy('kid')
    .limit(20),
);

export const insertSigningKey = statement<{
  kid: string;
  purpose: SigningPurpose;
  algorithm: string;
  publicJwk: string;
  sealedPrivate: string;
  now: number;
  signsFrom: number;
}>((db, p) =>
  db.insertInto('signing_key').values({
    kid: p.kid,
    purpose: p.purpose,
    algorithm: p.algorithm,
    public_jwk: p.publicJwk,
    sealed_private: p.sealedPrivate,
    created_ms: p.now,
    signs_from_ms: p.signsFrom,
    retired_ms: null,
  }),
);

/** Retires a key: it verifies nothing any more, and its private part is gone. */
export const retireSigningKey = statement<{ kid: string; now: number }>((db, p) =>
  db.updateTable('signing_key').set({ retired_ms: p.now, sealed_private: '' }).where('kid', '=', p.kid),
);
