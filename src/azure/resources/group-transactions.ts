import type { ResourceGroupRow } from '../../data/index.ts';
import { forgetAssignmentsWithin } from '../../identity/index.ts';
import { type Conditions, Fault, requireConditions } from '../../kernel/index.ts';
import type { SqlTransaction, TransactionDefinition } from '../../ports/index.ts';
import { beginOperation, endOperation } from '../arm/async-operations.ts';
import { addGroup, lockGroup, resourcesOfGroup, reviveGroup, setGroupState, setGroupTags } from './group-store.ts';

/** What a group is told. `name` and `location` count when it is made; a group that is there keeps its own. */
export interface GroupChange {
  readonly key: string;
  readonly conditions: Conditions;
  readonly tags: Readonly<Record<string, string>> | null;
}

/** The kind of the operation that deletes a group. */
export const groupDeletionKind = 'Microsoft.Resources/subscriptions/resourceGroups/delete';

/** Why a group is not as it is asked for; `detail.why` of the faults of this file. */
export type GroupProblem = 'absent' | 'deleting' | 'other-location' | 'no-such-region';

/** The entity tag of a group: its stamp is another after each change. */
export function etagOfGroup(row: Pick<ResourceGroupRow, 'stamp'>): string {
  return `"${row.stamp}"`;
}

function problem(why: GroupProblem, name: string, found = ''): Fault {
  const code = why === 'absent' ? 'not-found' : 'conflict';
  return new Fault(code, `the resource group "${name}" is not as the request needs it`, {
    detail: { why, name, found },
  });
}

/** A group that is there, held. Throws `absent`. */
async function existing(tx: SqlTransaction, key: string): Promise<ResourceGroupRow> {
  const row = await tx.first(lockGroup, { key });
  if (!row || row.provisioning_state === 'Deleted') throw problem('absent', key);
  return row;
}

/**
 * Makes a group, or changes the tags of one that is there; what stands in it stays (AZ-WIRE T-ARM-14). Throws `deleting`,
 * `other-location`, `no-such-region`, `precondition-failed`.
 */
export const putGroup: TransactionDefinition<
  GroupChange & { name: string; location: string; region: string },
  { created: boolean; row: ResourceGroupRow }
> = {
  name: 'azure/put-group',
  async run(tx, input) {
    const { key, name, location } = input;
    const tags = JSON.stringify(input.tags ?? {});
    const before = await tx.first(lockGroup, { key });
    const isThere = before !== undefined && before.provisioning_state !== 'Deleted';
    requireConditions(input.conditions, isThere ? etagOfGroup(before) : null);
    if (!isThere && location !== input.region) throw problem('no-such-region', location, input.region);
    const stamp = tx.stamp();
    if (!before) {
      const made = await tx.first(addGroup, { key, name, location, tags, now: tx.now, stamp });
      // Somebody else made it in the same moment: now it is there.
      if (!made) return putGroup.run(tx, input);
    } else if (!isThere) await tx.run(reviveGroup, { key, name, location, tags, now: tx.now, stamp });
    else {
      if (before.provisioning_state === 'Deleting') throw problem('deleting', before.name);
      if (before.location !== location) throw problem('other-location', before.name, before.location);
      await tx.run(setGroupTags, { key, tags, stamp });
    }
    return { created: !isThere, row: await existing(tx, key) };
  },
};

/** Changes the tags of a group; null leaves them. Throws `absent`, `deleting`, `precondition-failed`. */
export const changeGroup: TransactionDefinition<GroupChange, ResourceGroupRow> = {
  name: 'azure/change-group',
  async run(tx, input) {
    const before = await existing(tx, input.key);
    requireConditions(input.conditions, etagOfGroup(before));
    if (before.provisioning_state === 'Deleting') throw problem('deleting', before.name);
    if (input.tags !== null) {
      await tx.run(setGroupTags, { key: input.key, tags: JSON.stringify(input.tags), stamp: tx.stamp() });
    }
    return existing(tx, input.key);
  },
};

/**
 * Begins the deletion of a group: from now on nothing new comes into it. Asked again while it goes on, it is another
 * operation that waits for the same end. Throws `absent`, `precondition-failed`.
 */
export const beginGroupDeletion: TransactionDefinition<
  { key: string; scopeKey: string; conditions: Conditions; operationId: string; principalId: string },
  void
> = {
  name: 'azure/begin-group-deletion',
  async run(tx, input) {
    const row = await existing(tx, input.key);
    requireConditions(input.conditions, etagOfGroup(row));
    if (row.provisioning_state === 'Succeeded') {
      await tx.run(setGroupState, { key: input.key, state: 'Deleting', stamp: tx.stamp() });
    }
    await beginOperation(tx, {
      id: input.operationId,
      kind: groupDeletionKind,
      resourceKey: input.scopeKey,
      principalId: input.principalId,
    });
  },
};

/** Ends the deletion of a group that is empty, and the roles at it with it. Answers false while something is in it. */
export const endGroupDeletion: TransactionDefinition<{ key: string; scopeKey: string }, boolean> = {
  name: 'azure/end-group-deletion',
  async run(tx, { key, scopeKey }) {
    const row = await tx.first(lockGroup, { key });
    if (row?.provisioning_state !== 'Deleting') return true;
    if (await tx.first(resourcesOfGroup, { group: key, before: lastKey, limit: 1 })) return false;
    await tx.run(setGroupState, { key, state: 'Deleted', stamp: tx.stamp() });
    // A group made again under the name starts without the rights that were given on this one.
    await forgetAssignmentsWithin(tx, scopeKey);
    await endOperation(tx, { resourceKey: scopeKey, kind: groupDeletionKind }, { status: 'Succeeded' });
    return true;
  },
};

/** Gives the deletion of a group up; what is still in it stays, and the group with it. */
export const failGroupDeletion: TransactionDefinition<
  { key: string; scopeKey: string; error: { code: string; message: string } },
  void
> = {
  name: 'azure/fail-group-deletion',
  async run(tx, { key, scopeKey, error }) {
    const row = await tx.first(lockGroup, { key });
    if (row?.provisioning_state !== 'Deleting') return;
    await tx.run(setGroupState, { key, state: 'Succeeded', stamp: tx.stamp() });
    await endOperation(tx, { resourceKey: scopeKey, kind: groupDeletionKind }, { status: 'Failed', error });
  },
};

/** Sorts behind every key. */
export const lastKey = '~';
