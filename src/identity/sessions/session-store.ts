import { statement } from '../../data/index.ts';

export interface CodeRecord {
  client_id: string;
  redirect_uri: string;
  scope: string;
  nonce: string | null;
  challenge: string;
  account_id: string;
  credential_id: string;
  expires_ms: number;
}

export interface DeviceRecord {
  hash: string;
  client_id: string;
  scope: string;
  state: 'pending' | 'approved' | 'declined';
  account_id: string | null;
  credential_id: string | null;
  polled_ms: number;
  expires_ms: number;
}

export interface ChainRecord {
  account_id: string;
  credential_id: string;
  client_id: string;
  generation: number;
  rotated_ms: number;
  created_ms: number;
  expires_ms: number;
  revoked_ms: number | null;
}

export const insertCode = statement<{
  hash: string;
  clientId: string;
  redirectUri: string;
  scope: string;
  nonce: string | null;
  challenge: string;
  accountId: string;
  credentialId: string;
  expiresMs: number;
}>((db, p) =>
  db.insertInto('authorization_code').values({
    hash: p.hash,
    client_id: p.clientId,
    redirect_uri: p.redirectUri,
    scope: p.scope,
    nonce: p.nonce,
    challenge: p.challenge,
    account_id: p.accountId,
    credential_id: p.credentialId,
    expires_ms: p.expiresMs,
  }),
);

/** Takes a code away; whoever gets the row is the one who may use it. */
export const takeCode = statement<{ hash: string }, CodeRecord>((db, p) =>
  db
    .deleteFrom('authorization_code')
    .where('hash', '=', p.hash)
    .returning([
      'client_id',
      'redirect_uri',
      'scope',
      'nonce',
      'challenge',
      'account_id',
      'credential_id',
      'expires_ms',
    ]),
);

export const insertDevice = statement<{
  hash: string;
  userCodeHash: string;
  clientId: string;
  scope: string;
  expiresMs: number;
}>((db, p) =>
  db
    .insertInto('device_code')
    .values({
      hash: p.hash,
      user_code_hash: p.userCodeHash,
      client_id: p.clientId,
      scope: p.scope,
      state: 'pending',
      account_id: null,
      credential_id: null,
      polled_ms: 0,
      expires_ms: p.expiresMs,
    })
    .onConflict((conflict) => conflict.doNothing()),
);

/** Finds a row when there are more than `count` devices waiting. */
export const devicesBeyond = statement<{ count: number }, { hash: string }>((db, p) =>
  db.selectFrom('device_code').select('hash').orderBy('expires_ms').limit(1).offset(p.count),
);

const deviceColumns = [
  'hash',
  'client_id',
  'scope',
  'state',
  'account_id',
  'credential_id',
  'polled_ms',
  'expires_ms',
] as const;

/** A device by the code that it was told; held until the transaction ends. */
export const deviceByCode = statement<{ hash: string }, DeviceRecord>((db, p, dialect) =>
  db
    .selectFrom('device_code')
    .select([...deviceColumns])
    .where('hash', '=', p.hash)
    .limit(1)
    .modifyEnd(dialect.forUpdate()),
);

/** A device by the code that its user types. */
export const deviceByUserCode = statement<{ userCodeHash: string }, DeviceRecord>((db, p) =>
  db
    .selectFrom('device_code')
    .select([...deviceColumns])
    .where('user_code_hash', '=', p.userCodeHash)
    .limit(1),
);

export const markPolled = statement<{ hash: string; now: number }>((db, p) =>
  db.updateTable('device_code').set({ polled_ms: p.now }).where('hash', '=', p.hash),
);

/** Says what the user said; only once, and in time. */
export const settleDevice = statement<{
  userCodeHash: string;
  state: 'approved' | 'declined';
  accountId: string | null;
  credentialId: string | null;
  now: number;
}>((db, p) =>
  db
    .updateTable('device_code')
    .set({ state: p.state, account_id: p.accountId, credential_id: p.credentialId })
    .where('user_code_hash', '=', p.userCodeHash)
    .where('state', '=', 'pending')
    .where('expires_ms', '>', p.now),
);

export const deleteDevice = statement<{ hash: string }>((db, p) =>
  db.deleteFrom('device_code').where('hash', '=', p.hash),
);

export const insertChain = statement<{
  id: string;
  accountId: string;
  credentialId: string;
  clientId: string;
  originHash: string | null;
  generation: number;
  now: number;
  expiresMs: number;
}>((db, p) =>
  db.insertInto('refresh_grant').values({
    id: p.id,
    account_id: p.accountId,
    credential_id: p.credentialId,
    client_id: p.clientId,
    generation: p.generation,
    origin_hash: p.originHash,
    rotated_ms: p.now,
    created_ms: p.now,
    expires_ms: p.expiresMs,
    revoked_ms: null,
  }),
);

/** A chain; held until the transaction ends, so that of two who use a token one makes the next. */
export const chainById = statement<{ id: string }, ChainRecord>((db, p, dialect) =>
  db
    .selectFrom('refresh_grant')
    .select([
      'account_id',
      'credential_id',
      'client_id',
      'generation',
      'rotated_ms',
      'created_ms',
      'expires_ms',
      'revoked_ms',
    ])
    .where('id', '=', p.id)
    .limit(1)
    .modifyEnd(dialect.forUpdate()),
);

export const rotateChain = statement<{ id: string; generation: number; now: number; expiresMs: number }>((db, p) =>
  db
    .updateTable('refresh_grant')
    .set({ generation: p.generation, rotated_ms: p.now, expires_ms: p.expiresMs })
    .where('id', '=', p.id),
);

export const revokeChain = statement<{ id: string; now: number }>((db, p) =>
  db.updateTable('refresh_grant').set({ revoked_ms: p.now }).where('id', '=', p.id).where('revoked_ms', 'is', null),
);

/** Ends what a code that is used a second time had been used for. */
export const revokeChainsOfOrigin = statement<{ originHash: string; now: number }>((db, p) =>
  db
    .updateTable('refresh_grant')
    .set({ revoked_ms: p.now })
    .where('origin_hash', '=', p.originHash)
    .where('revoked_ms', 'is', null),
);

/** Forgets the chains of an account beyond its `count` last used ones. */
export const forgetChainsBeyond = statement<{ accountId: string; count: number }>((db, p) =>
  db
    .deleteFrom('refresh_grant')
    .where('account_id', '=', p.accountId)
    .where('id', 'in', (eb) =>
      // SQLite knows an offset only after a limit.
      eb
        .selectFrom('refresh_grant')
        .select('id')
        .where('account_id', '=', p.accountId)
        .orderBy('rotated_ms', 'desc')
        .orderBy('id')
        .limit(1_000)
        .offset(p.count),
    ),
);

export const forgetCodesBefore = statement<{ before: number }>((db, p) =>
  db.deleteFrom('authorization_code').where('expires_ms', '<', p.before),
);

export const forgetDevicesBefore = statement<{ before: number }>((db, p) =>
  db.deleteFrom('device_code').where('expires_ms', '<', p.before),
);

export const forgetChainsBefore = statement<{ before: number }>((db, p) =>
  db.deleteFrom('refresh_grant').where('expires_ms', '<', p.before),
);
