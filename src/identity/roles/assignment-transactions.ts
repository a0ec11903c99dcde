import { Fault, parseResourceId } from '../../kernel/index.ts';
import type { SqlTransaction, TransactionDefinition } from '../../ports/index.ts';
import {
  type AssignmentRecord,
  accountForShare,
  assignmentByName,
  assignmentOf,
  deleteAssignment,
  deleteAssignmentsOfPrincipal,
  describeAssignment,
  groupForShare,
  insertAssignment,
  lockSubscription,
  otherHolder,
  principalForShare,
  resourceForShare,
  subscriptionRow,
} from './assignment-store.ts';

/** Who is its own judge: without one at the subscription nobody could give roles any more. */
const ownerRoleId = '8e3af657-a8ff-443c-a75c-2fe8c4bcb635';

/** A role to be given. `scope` keeps its spelling; what it names, and the principal, must be there. */
export interface NewAssignment {
  readonly name: string;
  readonly scope: string;
  readonly roleId: string;
  readonly principalId: string;
  /** What the caller takes the principal for; null when it does not say. */
  readonly principalType: string | null;
  readonly description: string | null;
  /** Object id of who gives it. */
  readonly by: string;
}

/** What became of it. Where nothing was given, why. */
export type AssignOutcome =
  | { readonly kind: 'created' | 'described'; readonly row: AssignmentRecord }
  | { readonly kind: 'principal-unknown' | 'scope-unknown' | 'exists' | 'name-taken' }
  | { readonly kind: 'other-type'; readonly type: PrincipalType };

export type PrincipalType = 'User' | 'ServicePrincipal';

/** Gives a role. The same again under the same name changes its description. */
export const assignRole: TransactionDefinition<NewAssignment, AssignOutcome> = {
  name: 'identity/assign-role',
  async run(tx, input) {
    const { name, scope, roleId, principalId, description, by } = input;
    const scopeKey = scope.toLowerCase();
    const type = await typeOf(tx, principalId);
    if (type === undefined) return { kind: 'principal-unknown' };
    if (input.principalType !== null && input.principalType !== type) return { kind: 'other-type', type };
    if (!(await isThere(tx, scopeKey))) return { kind: 'scope-unknown' };
    const stamp = tx.stamp();
    const inserted = await tx.run(insertAssignment, {
      name,
      scope,
      scopeKey,
      roleId,
      principalId,
      principalType: type,
      description,
      by,
      now: tx.now,
      stamp,
    });
    if (inserted > 0) return { kind: 'created', row: await written(tx, name) };
    const named = await tx.first(assignmentByName, { name });
    const same = await tx.first(assignmentOf, { principalId, scopeKey, roleId });
    if (same === undefined || named?.name !== same.name) return { kind: same ? 'exists' : 'name-taken' };
    await tx.run(describeAssignment, { name, description, by, now: tx.now, stamp });
    return { kind: 'described', row: await written(tx, name) };
  },
};

/** Takes a role away and answers what it was; null when there was none. Throws `not-permitted` for the last owner. */
export const unassignRole: TransactionDefinition<{ name: string; scopeKey: string }, AssignmentRecord | null> = {
  name: 'identity/unassign-role',
  async run(tx, { name, scopeKey }) {
    const subscription = await tx.first(lockSubscription, {});
    const row = await tx.first(assignmentByName, { name });
    if (row?.scope_key !== scopeKey) return null;
    if (row.role_id === ownerRoleId) await keepAnOwner(tx, row.scope_key, row.principal_id, subscription);
    await tx.run(deleteAssignment, { name });
    return row;
  },
};

/** Takes every role of somebody who is deleted away. Throws `not-permitted` for the last owner of the subscription. */
export async function forgetAssignmentsOf(tx: SqlTransaction, principalId: string): Promise<void> {
  const subscription = await tx.first(lockSubscription, {});
  const scopeKey = keyOf(subscription);
  if (await tx.first(assignmentOf, { principalId, scopeKey, roleId: ownerRoleId })) {
    await keepAnOwner(tx, scopeKey, principalId, subscription);
  }
  await tx.run(deleteAssignmentsOfPrincipal, { principalId });
}

async function keepAnOwner(
  tx: SqlTransaction,
  scopeKey: string,
  principalId: string,
  subscription: { subscription_id: string } | undefined,
): Promise<void> {
  if (scopeKey !== keyOf(subscription)) return;
  if (await tx.first(otherHolder, { scopeKey, roleId: ownerRoleId, principalId })) return;
  throw new Fault(
    'not-permitted',
    'this is the last Owner of the subscription; nobody could give roles any more. Make somebody else Owner first',
  );
}

function keyOf(subscription: { subscription_id: string } | undefined): string {
  return `/subscriptions/${subscription?.subscription_id.toLowerCase() ?? ''}`;
}

async function written(tx: SqlTransaction, name: string): Promise<AssignmentRecord> {
  const row = await tx.first(assignmentByName, { name });
  if (!row) throw new Error('an assignment that was just written is gone');
  return row;
}

async function typeOf(tx: SqlTransaction, objectId: string): Promise<PrincipalType | undefined> {
  if (await tx.first(accountForShare, { objectId })) return 'User';
  return (await tx.first(principalForShare, { objectId })) ? 'ServicePrincipal' : undefined;
}

/** Whether there is something at a scope to have a role on. */
async function isThere(tx: SqlTransaction, scopeKey: string): Promise<boolean> {
  const id = parseResourceId(scopeKey);
  const subscription = await tx.first(subscriptionRow, {});
  if (!id || id.subscriptionId !== subscription?.subscription_id.toLowerCase()) return false;
  if (id.provider !== null) return (await tx.first(resourceForShare, { key: scopeKey })) !== undefined;
  if (id.resourceGroup === null) return true;
  return (await tx.first(groupForShare, { key: id.resourceGroup })) !== undefined;
}

/** The transactions of role assignments, for the list of the room. */
export const assignmentTransactions = [assignRole, unassignRole];
