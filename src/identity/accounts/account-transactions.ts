import { lockDeployment } from '../../data/index.ts';
import { Fault } from '../../kernel/index.ts';
import type { SqlTransaction, TransactionDefinition } from '../../ports/index.ts';
import { insertAssignment } from '../roles/assignment-store.ts';
import { forgetAssignmentsOf } from '../roles/assignment-transactions.ts';
import {
  type AccountRecord,
  accountByName,
  deleteAccount,
  deleteChainsOf,
  deleteCodesOf,
  deleteDeviceCodesOf,
  insertAccount,
  listAccounts,
  updateAccount,
} from './account-store.ts';

/** A user to be made. The password comes hashed. */
export interface NewAccount {
  readonly objectId: string;
  readonly name: string;
  readonly displayName: string;
  readonly passwordHash: string;
  readonly credentialId: string;
}

/** What is to change of a user; a new `credentialId` ends every session. */
export interface AccountChange {
  readonly enabled?: boolean;
  readonly passwordHash?: string;
  readonly credentialId?: string;
}

/** Makes a user. Throws `conflict` when the name is taken. */
export const createAccount: TransactionDefinition<NewAccount, { createdMs: number }> = {
  name: 'identity/create-account',
  async run(tx, account) {
    await store(tx, account);
    return { createdMs: tx.now };
  },
};

/**
 * Makes the first user, with a role at a scope. Answers false, and makes nothing, when there are users already.
 */
export const createFirstAccount: TransactionDefinition<
  NewAccount & { readonly assignment: { readonly name: string; readonly scope: string; readonly roleId: string } },
  boolean
> = {
  name: 'identity/create-first-account',
  async run(tx, { assignment, ...account }) {
    await tx.first(lockDeployment, {});
    if (await tx.first(listAccounts, { last: '', limit: 1 })) return false;
    const stamp = await store(tx, account);
    await tx.run(insertAssignment, {
      name: assignment.name,
      scope: assignment.scope,
      scopeKey: assignment.scope.toLowerCase(),
      roleId: assignment.roleId,
      principalId: account.objectId,
      principalType: 'User',
      description: '',
      by: account.objectId,
      now: tx.now,
      stamp,
    });
    return true;
  },
};

/** Changes a user. Throws `not-found`. */
export const changeAccount: TransactionDefinition<{ nameKey: string; change: AccountChange }, AccountRecord> = {
  name: 'identity/change-account',
  async run(tx, { nameKey, change }) {
    const before = await found(tx, nameKey);
    const after = {
      ...before,
      password_hash: change.passwordHash ?? before.password_hash,
      credential_id: change.credentialId ?? before.credential_id,
      enabled: change.enabled === undefined ? before.enabled : Number(change.enabled),
    };
    await tx.run(updateAccount, {
      objectId: before.object_id,
      passwordHash: after.password_hash,
      credentialId: after.credential_id,
      enabled: after.enabled,
      stamp: tx.stamp(),
    });
    if (after.credential_id !== before.credential_id) await endSessions(tx, before.object_id);
    return after;
  },
};

/**
 * Deletes a user with roles, sessions and codes. Throws `not-found`, and `not-permitted` for the last Owner of the
 * subscription.
 */
export const removeAccount: TransactionDefinition<{ nameKey: string }, void> = {
  name: 'identity/remove-account',
  async run(tx, { nameKey }) {
    const { object_id: objectId } = await found(tx, nameKey);
    await endSessions(tx, objectId);
    // The row first, so that nobody gives the user a role meanwhile.
    await tx.run(deleteAccount, { objectId });
    await forgetAssignmentsOf(tx, objectId);
  },
};

async function store(tx: SqlTransaction, account: NewAccount): Promise<string> {
  const stamp = tx.stamp();
  const made = await tx.run(insertAccount, {
    ...account,
    nameKey: account.name.toLowerCase(),
    enabled: 1,
    now: tx.now,
    stamp,
  });
  if (made === 0) throw new Fault('conflict', `a user named "${account.name}" exists already`);
  return stamp;
}

async function found(tx: SqlTransaction, nameKey: string): Promise<AccountRecord> {
  const account = await tx.first(accountByName, { nameKey });
  if (!account) throw new Fault('not-found', `there is no user named "${nameKey}"`);
  return account;
}

async function endSessions(tx: SqlTransaction, accountId: string): Promise<void> {
  await tx.run(deleteChainsOf, { accountId });
  await tx.run(deleteCodesOf, { accountId });
  await tx.run(deleteDeviceCodesOf, { accountId });
}

export const accountTransactions: readonly TransactionDefinition<never, unknown>[] = [
  createAccount,
  createFirstAccount,
  changeAccount,
  removeAccount,
];
