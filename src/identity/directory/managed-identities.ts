import type { SqlTransaction } from '../../ports/index.ts';
import { forgetAssignmentsOf } from '../roles/assignment-transactions.ts';
import {
  deleteAssignmentsWithin,
  deleteServicePrincipal,
  identityOfResource,
  insertServicePrincipal,
} from './managed-identity-store.ts';

/** A managed identity that is to be made for a resource and ends with it. Both ids are new GUIDs. */
export interface NewManagedIdentity {
  readonly objectId: string;
  readonly appId: string;
  readonly displayName: string;
  /** Key of the resource. */
  readonly resourceKey: string;
}

/** Makes the identity of a resource inside the transaction that makes or changes the resource. */
export async function createManagedIdentity(
  tx: SqlTransaction,
  identity: NewManagedIdentity,
  stamp: string,
): Promise<void> {
  await tx.run(insertServicePrincipal, { ...identity, now: tx.now, stamp });
}

/**
 * Takes the identity of a resource away, with every role that it had. Nothing happens when there is none. Throws
 * `not-permitted` for the last owner of the subscription. Holds the deployment, which callers hold before anything else.
 */
export async function removeManagedIdentity(tx: SqlTransaction, resourceKey: string): Promise<void> {
  const identity = await tx.first(identityOfResource, { resourceKey });
  if (!identity) return;
  await forgetAssignmentsOf(tx, identity.object_id);
  await tx.run(deleteServicePrincipal, { objectId: identity.object_id });
}

/**
 * Takes away every role assignment at a scope (a key) and below, when what stood there is deleted: who makes something
 * again under the same id does not hand it to those who had the old one.
 */
export async function forgetAssignmentsWithin(tx: SqlTransaction, scopeKey: string): Promise<void> {
  // `0` is the character after the slash.
  await tx.run(deleteAssignmentsWithin, { scopeKey, from: `${scopeKey}/`, to: `${scopeKey}0` });
}
