import { Fault } from '../../kernel/index.ts';
import type { SqlTransaction, TransactionDefinition } from '../../ports/index.ts';
import { forgetAssignmentsOf } from '../roles/assignment-transactions.ts';
import {
  applicationById,
  countSecrets,
  deleteApplication,
  deletePrincipal,
  deleteSecret,
  deleteSecretsOf,
  enablePrincipal,
  insertApplication,
  insertPrincipal,
  insertSecret,
  lockApplication,
  lockPrincipal,
  maxSecrets,
  principalByAppId,
  renameApplication,
  renamePrincipal,
  type SecretOwner,
  type ServicePrincipalRecord,
} from './application-store.ts';

/** Makes an application. */
export const addApplication: TransactionDefinition<{ objectId: string; appId: string; displayName: string }, void> = {
  name: 'identity/add-application',
  async run(tx, input) {
    await tx.run(insertApplication, { ...input, identifierUris: '[]', now: tx.now, stamp: tx.stamp() });
  },
};

/** Gives an application, and its service principal, another name. Throws `not-found`. */
export const changeApplication: TransactionDefinition<{ objectId: string; displayName: string }, void> = {
  name: 'identity/change-application',
  async run(tx, { objectId, displayName }) {
    const { app_id: appId } = await existing(tx, objectId);
    const stamp = tx.stamp();
    await tx.run(renameApplication, { objectId, displayName, stamp });
    await tx.run(renamePrincipal, { appId, displayName, stamp });
  },
};

/**
 * Deletes an application with its secrets, its service principal and the roles of that. Throws `not-found`, and
 * `not-permitted` where the last owner of the subscription would go.
 */
export const removeApplication: TransactionDefinition<{ objectId: string }, void> = {
  name: 'identity/remove-application',
  async run(tx, { objectId }) {
    const { app_id: appId } = await existing(tx, objectId);
    const principal = await tx.first(principalByAppId, { appId });
    if (principal) await forget(tx, principal);
    await tx.run(deleteSecretsOf, { appId, owner: 'application' });
    await tx.run(deleteApplication, { objectId });
  },
};

/** Makes the service principal of an application. Throws `not-found` without the application, `conflict` for a second. */
export const addServicePrincipal: TransactionDefinition<{ objectId: string; appId: string; enabled: boolean }, void> = {
  name: 'identity/add-service-principal',
  async run(tx, { objectId, appId, enabled }) {
    const application = await tx.first(lockApplication, { appId });
    if (!application) throw new Fault('not-found', `there is no application with the id "${appId}"`);
    const made = await tx.run(insertPrincipal, {
      objectId,
      appId,
      displayName: application.display_name,
      enabled: Number(enabled),
      now: tx.now,
      stamp: tx.stamp(),
    });
    if (made === 0) throw new Fault('conflict', `the application "${appId}" has a service principal already`);
  },
};

/** Lets a service principal sign in, or not any more. Throws `not-found`. */
export const changeServicePrincipal: TransactionDefinition<{ objectId: string; enabled: boolean }, void> = {
  name: 'identity/change-service-principal',
  async run(tx, { objectId, enabled }) {
    const changed = await tx.run(enablePrincipal, { objectId, enabled: Number(enabled), stamp: tx.stamp() });
    if (changed === 0) throw noPrincipal(objectId);
  },
};

/**
 * Deletes a service principal with its roles and its own secrets; the application stays. Throws `not-found`;
 * `not-permitted` for the identity of a resource, and where the last owner of the subscription would go.
 */
export const removeServicePrincipal: TransactionDefinition<{ objectId: string }, void> = {
  name: 'identity/remove-service-principal',
  async run(tx, { objectId }) {
    const principal = await tx.first(lockPrincipal, { objectId });
    if (!principal) throw noPrincipal(objectId);
    if (principal.kind === 'ManagedIdentity') {
      throw new Fault('not-permitted', 'a managed identity goes with its resource; remove it there');
    }
    await forget(tx, principal);
  },
};

/** A secret to be stored. It comes hashed. */
export interface NewSecret {
  readonly appId: string;
  readonly owner: SecretOwner;
  readonly keyId: string;
  readonly displayName: string;
  readonly hint: string;
  readonly hash: string;
  readonly startMs: number;
  readonly endMs: number;
}

/** Adds a secret. Throws `not-found`, and `conflict` above `maxSecrets`. */
export const addSecret: TransactionDefinition<NewSecret, void> = {
  name: 'identity/add-secret',
  async run(tx, secret) {
    const application = await tx.first(lockApplication, { appId: secret.appId });
    if (!application) throw new Fault('not-found', `there is no application with the id "${secret.appId}"`);
    if (secret.owner === 'servicePrincipal') {
      const found = await tx.first(principalByAppId, { appId: secret.appId });
      // Held, so that it does not go before its secret is there, which would then be the next one's.
      const principal = found && (await tx.first(lockPrincipal, { objectId: found.object_id }));
      if (!principal) throw new Fault('not-found', `the application "${secret.appId}" has no service principal`);
    }
    const { count } = (await tx.first(countSecrets, { appId: secret.appId })) ?? { count: 0 };
    if (count >= maxSecrets) {
      throw new Fault(
        'conflict',
        `the application has ${count} passwords, the most that there may be; remove one first`,
      );
    }
    await tx.run(insertSecret, { ...secret });
  },
};

/** Removes a secret: what was made with it is dead with the next request. Throws `not-found`. */
export const removeSecret: TransactionDefinition<{ appId: string; owner: SecretOwner; keyId: string }, void> = {
  name: 'identity/remove-secret',
  async run(tx, { appId, owner, keyId }) {
    const removed = await tx.run(deleteSecret, { appId, owner, keyId });
    if (removed === 0) throw new Fault('not-found', `there is no password with the key id "${keyId}" here`);
  },
};

async function existing(tx: SqlTransaction, objectId: string): Promise<{ app_id: string }> {
  const found = await tx.first(applicationById, { objectId });
  const application = found && (await tx.first(lockApplication, { appId: found.app_id }));
  if (!application) throw new Fault('not-found', `there is no application "${objectId}"`);
  return application;
}

/** Deletes a service principal with what is its own. */
async function forget(tx: SqlTransaction, { object_id: objectId }: ServicePrincipalRecord): Promise<void> {
  // Held first, so that nobody gives it a role meanwhile.
  const principal = await tx.first(lockPrincipal, { objectId });
  if (!principal) return;
  await forgetAssignmentsOf(tx, principal.object_id);
  await tx.run(deleteSecretsOf, { appId: principal.app_id, owner: 'servicePrincipal' });
  await tx.run(deletePrincipal, { objectId: principal.object_id });
}

function noPrincipal(objectId: string): Fault {
  return new Fault('not-found', `there is no service principal "${objectId}"`);
}

/** The transactions of applications, for the list of the room. */
export const applicationTransactions = [
  addApplication,
  changeApplication,
  removeApplication,
  addServicePrincipal,
  changeServicePrincipal,
  removeServicePrincipal,
  addSecret,
  removeSecret,
];
