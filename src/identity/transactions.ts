import { lockDeployment, type RequestContext, recordChange } from '../data/index.ts';
import { Fault } from '../kernel/index.ts';
import type { TransactionDefinition } from '../ports/index.ts';
import { accountTransactions } from './accounts/account-transactions.ts';
import { applicationTransactions } from './applications/application-transactions.ts';
import { assignmentTransactions } from './roles/assignment-transactions.ts';
import { sessionTransactions } from './sessions/session-transactions.ts';
import { signInTransactions } from './sessions/sign-in-transactions.ts';
import {
  addAdminCredential,
  deleteScopeMap,
  deleteToken,
  deleteTokenPasswords,
  findToken,
  insertScopeMap,
  insertSigningKey,
  insertToken,
  putAdminCredential,
  putTokenPassword,
  retireSigningKey,
  type SigningPurpose,
  signingKeys,
} from './store.ts';
import { checkTokenCaps } from './token-caps.ts';

/** One admin password as it is stored: sealed to be shown again, hashed to be compared. */
export interface NewAdminCredential {
  readonly name: 'password' | 'password2';
  readonly credentialId: string;
  readonly sealed: string;
  readonly hash: string;
}

/** Stores admin passwords of a registry, replacing those of the same name; tokens made by a replaced one die. */
export const putAdminCredentials: TransactionDefinition<
  { context: RequestContext; registryId: number; credentials: readonly NewAdminCredential[]; onlyIfAbsent: boolean },
  boolean
> = {
  name: 'identity/put-admin-credentials',
  async run(tx, input) {
    const store = input.onlyIfAbsent ? addAdminCredential : putAdminCredential;
    let stored = 0;
    for (const credential of input.credentials) {
      stored += await tx.run(store, { registryId: input.registryId, now: tx.now, ...credential });
    }
    if (stored === 0) return false;
    const names = input.credentials.map((credential) => credential.name);
    await recordChange(tx, input.context, {
      registryId: input.registryId,
      kind: 'credential.renewed',
      stamp: tx.stamp(),
      details: { names },
    });
    return true;
  },
};

/** What `create-token` needs. Secrets come hashed. */
export interface NewToken {
  readonly context: RequestContext;
  readonly registryId: number;
  readonly name: string;
  readonly scopeMapName: string;
  readonly actions: readonly string[];
  readonly passwords: readonly {
    readonly name: 'password1' | 'password2';
    readonly credentialId: string;
    readonly hash: string;
    readonly expiresMs: number | null;
  }[];
}

/**
 * Creates a token with a scope map of its own. Throws `conflict` when either name is taken or the registry has as many as
 * its tier allows.
 */
export const createToken: TransactionDefinition<NewToken, { id: number }> = {
  name: 'identity/create-token',
  async run(tx, input) {
    await checkTokenCaps(tx, input.registryId);
    const stamp = tx.stamp();
    const scopeMap = await tx.first(insertScopeMap, {
      registryId: input.registryId,
      name: input.scopeMapName,
      description: `made with token ${input.name}`,
      actions: JSON.stringify(input.actions),
      now: tx.now,
      stamp,
    });
    if (!scopeMap) throw new Fault('conflict', `a scope map named "${input.scopeMapName}" exists already`);
    const token = await tx.first(insertToken, {
      registryId: input.registryId,
      name: input.name,
      scopeMapId: scopeMap.id,
      now: tx.now,
      stamp,
    });
    if (!token) throw new Fault('conflict', `a token named "${input.name}" exists already; delete it first`);
    for (const password of input.passwords) {
      await tx.run(putTokenPassword, { tokenId: token.id, now: tx.now, ...password });
    }
    await recordChange(tx, input.context, {
      registryId: input.registryId,
      kind: 'token.created',
      stamp,
      details: { token: input.name, scopeMap: input.scopeMapName },
    });
    return { id: token.id };
  },
};

/** Deletes a token, its passwords, and its scope map when no other token uses it. Throws `not-found`. */
export const removeToken: TransactionDefinition<{ context: RequestContext; registryId: number; name: string }, void> = {
  name: 'identity/remove-token',
  async run(tx, input) {
    const token = await tx.first(findToken, { registryId: input.registryId, name: input.name });
    if (!token) throw new Fault('not-found', `there is no token named "${input.name}"`);
    await tx.run(deleteTokenPasswords, { tokenId: token.id });
    await tx.run(deleteToken, { tokenId: token.id });
    await tx.run(deleteScopeMap, { id: token.scope_map_id });
    await recordChange(tx, input.context, {
      registryId: input.registryId,
      kind: 'token.deleted',
      stamp: tx.stamp(),
      details: { token: input.name },
    });
  },
};

/** A new signing key, and when it would be due. */
export interface NewSigningKey {
  readonly kid: string;
  readonly purpose: SigningPurpose;
  readonly algorithm: string;
  readonly publicJwk: string;
  readonly sealedPrivate: string;
  readonly rotateAfterMs: number;
  readonly publishedBeforeMs: number;
}

/** Stores a signing key, the first one or the next; answers false when another process was first. */
export const addSigningKey: TransactionDefinition<NewSigningKey, boolean> = {
  name: 'identity/add-signing-key',
  async run(tx, { rotateAfterMs, publishedBeforeMs, ...key }) {
    await tx.first(lockDeployment, {});
    const newest = await tx.first(signingKeys, { purpose: key.purpose });
    if (newest && newest.created_ms + rotateAfterMs > tx.now) return false;
    await tx.run(insertSigningKey, { now: tx.now, signsFrom: newest ? tx.now + publishedBeforeMs : tx.now, ...key });
    return true;
  },
};

/** Retires keys whose tokens have all ended. */
export const retireSigningKeys: TransactionDefinition<{ kids: readonly string[] }, void> = {
  name: 'identity/retire-signing-keys',
  async run(tx, { kids }) {
    for (const kid of kids) await tx.run(retireSigningKey, { kid, now: tx.now });
  },
};

/** The transactions of this room, for the writer thread. */
export const transactions: readonly TransactionDefinition<never, unknown>[] = [
  putAdminCredentials,
  createToken,
  removeToken,
  addSigningKey,
  retireSigningKeys,
  ...accountTransactions,
  ...sessionTransactions,
  ...signInTransactions,
  ...applicationTransactions,
  ...assignmentTransactions,
];
export const transactionsUrl: string = import.meta.url;
