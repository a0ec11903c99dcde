import { sql } from 'kysely';
import { type OperationRow, statement } from '../../data/index.ts';

export const insertOperation = statement<{
  id: string;
  kind: string;
  resourceKey: string;
  principalId: string;
  now: number;
}>((db, p) =>
  db.insertInto('operation').values({
    id: p.id,
    kind: p.kind,
    resource_key: p.resourceKey,
    principal_id: p.principalId,
    status: 'Running',
    error: null,
    created_ms: p.now,
    ended_ms: null,
  }),
);

/** An operation as the one who started it may see it. */
export const operationOf = statement<{ id: string; principalId: string }, OperationRow>((db, p) =>
  db.selectFrom('operation').selectAll().where('id', '=', p.id).where('principal_id', '=', p.principalId).limit(1),
);

/** Ends what runs at a resource: every request for the same end waits for the same work. */
export const endOperations = statement<{
  resourceKey: string;
  kind: string;
  status: 'Succeeded' | 'Failed' | 'Canceled';
  error: string | null;
  now: number;
}>((db, p) =>
  db
    .updateTable('operation')
    .set({ status: p.status, error: p.error, ended_ms: p.now })
    .where('resource_key', '=', p.resourceKey)
    .where('kind', '=', p.kind)
    .where('status', '=', sql.lit('Running')),
);

export const forgetOperationsBefore = statement<{ before: number }>((db, p) =>
  db.deleteFrom('operation').where('ended_ms', '<', p.before),
);
