import { statement } from '../../data/index.ts';

/** A user as it is stored. */
export interface AccountRecord {
  object_id: string;
  name: string;
  display_name: string;
  password_hash: string;
  credential_id: string;
  enabled: number;
  created_ms: number;
}

const columns = [
  'object_id',
  'name',
  'display_name',
  'password_hash',
  'credential_id',
  'enabled',
  'created_ms',
] as const;

/** A user by name in lower case. */
export const accountByName = statement<{ nameKey: string }, AccountRecord>((db, p) =>
  db
    .selectFrom('account')
    .select([...columns])
    .where('name_key', '=', p.nameKey)
    .limit(1),
);

/** Users by name, a page at a time. */
export const listAccounts = statement<{ last: string; limit: number }, AccountRecord>((db, p) =>
  db
    .selectFrom('account')
    .select([...columns])
    .where('name_key', '>', p.last)
    .orderBy('name_key')
    .limit(p.limit),
);

export const insertAccount = statement<{
  objectId: string;
  name: string;
  nameKey: string;
  displayName: string;
  passwordHash: string;
  credentialId: string;
  enabled: number;
  now: number;
  stamp: string;
}>((db, p) =>
  db
    .insertInto('account')
    .values({
      object_id: p.objectId,
      name: p.name,
      name_key: p.nameKey,
      display_name: p.displayName,
      password_hash: p.passwordHash,
      credential_id: p.credentialId,
      enabled: p.enabled,
      created_ms: p.now,
      stamp: p.stamp,
    })
    .onConflict((conflict) => conflict.column('name_key').doNothing()),
);

export const updateAccount = statement<{
  objectId: string;
  passwordHash: string;
  credentialId: string;
  enabled: number;
  stamp: string;
}>((db, p) =>
  db
    .updateTable('account')
    .set({ password_hash: p.passwordHash, credential_id: p.credentialId, enabled: p.enabled, stamp: p.stamp })
    .where('object_id', '=', p.objectId),
);

export const deleteAccount = statement<{ objectId: string }>((db, p) =>
  db.deleteFrom('account').where('object_id', '=', p.objectId),
);

export const deleteChainsOf = statement<{ accountId: string }>((db, p) =>
  db.deleteFrom('refresh_grant').where('account_id', '=', p.accountId),
);

export const deleteCodesOf = statement<{ accountId: string }>((db, p) =>
  db.deleteFrom('authorization_code').where('account_id', '=', p.accountId),
);

export const deleteDeviceCodesOf = statement<{ accountId: string }>((db, p) =>
  db.deleteFrom('device_code').where('account_id', '=', p.accountId),
);
