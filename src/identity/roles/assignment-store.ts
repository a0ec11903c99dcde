import { sql } from 'kysely';
import { statement } from '../../data/index.ts';

/** A role that somebody has at a scope. */
export interface AssignmentRecord {
  name: string;
  scope: string;
  scope_key: string;
  role_id: string;
  principal_id: string;
  principal_type: string;
  description: string | null;
  created_ms: number;
  created_by: string;
  updated_ms: number;
  updated_by: string;
}

const columns = [
  'name',
  'scope',
  'scope_key',
  'role_id',
  'principal_id',
  'principal_type',
  'description',
  'created_ms',
  'created_by',
  'updated_ms',
  'updated_by',
] as const;

export const assignmentByName = statement<{ name: string }, AssignmentRecord>((db, p) =>
  db
    .selectFrom('role_assignment')
    .select([...columns])
    .where('name', '=', p.name)
    .limit(1),
);

export const assignmentOf = statement<{ principalId: string; scopeKey: string; roleId: string }, AssignmentRecord>(
  (db, p) =>
    db
      .selectFrom('role_assignment')
      .select([...columns])
      .where('principal_id', '=', p.principalId)
      .where('scope_key', '=', p.scopeKey)
      .where('role_id', '=', p.roleId)
      .limit(1),
);

/**
 * A page of keys from `from` on and before `to`, after the place (`lastKey`, `lastName`), where `from` is not before
 * `lastKey`: of two lower bounds an engine takes the lesser one, and reads all that lies between.
 */
export interface AssignmentPage {
  from: string;
  to: string;
  lastKey: string;
  lastName: string;
  limit: number;
}

export const assignmentsWithin = statement<AssignmentPage, AssignmentRecord>((db, p) =>
  db
    .selectFrom('role_assignment')
    .select([...columns])
    .where('scope_key', '>=', p.from)
    .where('scope_key', '<', p.to)
    .where((eb) => eb.or([eb('scope_key', '>', p.lastKey), eb('name', '>', p.lastName)]))
    .orderBy('scope_key')
    .orderBy('name')
    .limit(p.limit),
);

export const assignmentsOfWithin = statement<AssignmentPage & { principalId: string }, AssignmentRecord>((db, p) =>
  db
    .selectFrom('role_assignment')
    .select([...columns])
    .where('principal_id', '=', p.principalId)
    .where('scope_key', '>=', p.from)
    .where('scope_key', '<', p.to)
    .where((eb) => eb.or([eb('scope_key', '>', p.lastKey), eb('name', '>', p.lastName)]))
    .orderBy('scope_key')
    .orderBy('name')
    .limit(p.limit),
);

export const insertAssignment = statement<{
  name: string;
  scope: string;
  scopeKey: string;
  roleId: string;
  principalId: string;
  principalType: string;
  description: string | null;
  by: string;
  now: number;
  stamp: string;
}>((db, p) =>
  db
    .insertInto('role_assignment')
    .values({
      name: p.name,
      scope: p.scope,
      scope_key: p.scopeKey,
      role_id: p.roleId,
      principal_id: p.principalId,
      principal_type: p.principalType,
      description: p.description,
      created_ms: p.now,
      created_by: p.by,
      updated_ms: p.now,
      updated_by: p.by,
      stamp: p.stamp,
    })
    .onConflict((conflict) => conflict.doNothing()),
);

export const describeAssignment = statement<{
  name: string;
  description: string | null;
  by: string;
  now: number;
  stamp: string;
}>((db, p) =>
  db
    .updateTable('role_assignment')
    .set({ description: p.description, updated_ms: p.now, updated_by: p.by, stamp: p.stamp })
    .where('name', '=', p.name),
);

export const deleteAssignment = statement<{ name: string }>((db, p) =>
  db.deleteFrom('role_assignment').where('name', '=', p.name),
);

export const deleteAssignmentsOfPrincipal = statement<{ principalId: string }>((db, p) =>
  db.deleteFrom('role_assignment').where('principal_id', '=', p.principalId),
);

/** The one subscription, which never changes. */
export const subscriptionRow = statement<Record<string, never>, { subscription_id: string }>((db) =>
  db.selectFrom('deployment').select('subscription_id').limit(1),
);

/** The subscription's own scope, held until the transaction ends: whoever may take the last owner away waits here. */
export const lockSubscription = statement<Record<string, never>, { subscription_id: string }>((db, _p, dialect) =>
  db.selectFrom('deployment').select('subscription_id').limit(1).modifyEnd(dialect.forUpdate()),
);

/** Somebody else who has the role at the scope. */
export const otherHolder = statement<{ scopeKey: string; roleId: string; principalId: string }, { name: string }>(
  (db, p) =>
    db
      .selectFrom('role_assignment')
      .select('name')
      .where('scope_key', '=', p.scopeKey)
      .where('role_id', '=', p.roleId)
      .where('principal_id', '!=', p.principalId)
      .limit(1),
);

export const accountForShare = statement<{ objectId: string }, { object_id: string }>((db, p, dialect) =>
  db
    .selectFrom('account')
    .select('object_id')
    .where('object_id', '=', p.objectId)
    .limit(1)
    .modifyEnd(dialect.forShare()),
);

export const principalForShare = statement<{ objectId: string }, { object_id: string }>((db, p, dialect) =>
  db
    .selectFrom('service_principal')
    .select('object_id')
    .where('object_id', '=', p.objectId)
    .limit(1)
    .modifyEnd(dialect.forShare()),
);

/** A group that is not deleted: its row stays behind. */
export const groupForShare = statement<{ key: string }, { key: string }>((db, p, dialect) =>
  db
    .selectFrom('resource_group')
    .select('key')
    .where('key', '=', p.key)
    .where('provisioning_state', '!=', sql.lit('Deleted'))
    .limit(1)
    .modifyEnd(dialect.forShare()),
);

export const resourceForShare = statement<{ key: string }, { key: string }>((db, p, dialect) =>
  db.selectFrom('resource').select('key').where('key', '=', p.key).limit(1).modifyEnd(dialect.forShare()),
);
