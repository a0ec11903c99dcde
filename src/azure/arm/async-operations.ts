import type { OperationRow } from '../../data/index.ts';
import type { Subject } from '../../identity/index.ts';
import type { Database, SqlTransaction, TransactionDefinition } from '../../ports/index.ts';
import { endOperations, forgetOperationsBefore, insertOperation, operationOf } from './operation-store.ts';
import { type ArmAnswer, type ArmCall, ArmError } from './provider.ts';

/**
 * What the resource manager was asked for and goes on after the answer:
 *
 *   begin ──▶ Running ──end──▶ Succeeded | Failed | Canceled ──a day──▶ forgotten
 *
 * Both are called in the provider's own transactions, so that operation and effect are there together or not at all.
 */
export async function beginOperation(
  tx: SqlTransaction,
  operation: { readonly id: string; readonly kind: string; readonly resourceKey: string; readonly principalId: string },
): Promise<void> {
  await tx.run(insertOperation, { ...operation, now: tx.now });
}

/** Ends every running operation of a kind at a resource. `error` is what its status says of a failure. */
export async function endOperation(
  tx: SqlTransaction,
  operation: { readonly resourceKey: string; readonly kind: string },
  outcome: { status: 'Succeeded' | 'Canceled' } | { status: 'Failed'; error: { code: string; message: string } },
): Promise<void> {
  const error = outcome.status === 'Failed' ? JSON.stringify(outcome.error) : null;
  await tx.run(endOperations, { ...operation, status: outcome.status, error, now: tx.now });
}

/** How long an operation that has ended can still be asked about, in milliseconds. */
const keptMs = 86_400_000;

/** Removes operations that ended long ago. */
export const forgetOperations: TransactionDefinition<Record<string, never>, number> = {
  name: 'azure/forget-operations',
  run: (tx) => tx.run(forgetOperationsBefore, { before: tx.now - keptMs }),
};

/** Seconds until a client asks again. Without it, or with 0, az waits half a minute each time (AZ-WIRE T-ARM-4). */
const retryAfter = '1';

/**
 * Headers of the first answer to what goes on, with absolute addresses at the host that was asked (T-ARM-13). `location` is
 * for what ends without a resource, `status` for what has a body of its own meanwhile.
 */
export function operationHeaders(
  call: Pick<ArmCall, 'urls' | 'scope' | 'apiVersion'>,
  id: string,
  kind: 'location' | 'status',
): Record<string, string> {
  const base = `${call.urls.management}/subscriptions/${call.scope.subscriptionId}`;
  const url = (place: string): string => `${base}/${place}/${id}?api-version=${call.apiVersion}`;
  return kind === 'location'
    ? { location: url('operationresults'), 'retry-after': retryAfter }
    : { 'azure-asyncoperation': url('operationStatuses'), 'retry-after': retryAfter };
}

const path = /^\/subscriptions\/([0-9a-f-]{36})\/operation(results|statuses)\/([0-9a-f]{32})\/?$/i;

/** A request for how an operation stands. */
export interface OperationQuestion {
  readonly form: 'results' | 'statuses';
  readonly subscriptionId: string;
  readonly id: string;
}

/** Reads the path of such a request; undefined for every other path. */
export function operationQuestion(requestPath: string): OperationQuestion | undefined {
  const [, subscriptionId, form, id] = path.exec(requestPath.replaceAll(/\/{2,}/g, '/')) ?? [];
  if (subscriptionId === undefined || form === undefined || id === undefined) return undefined;
  const isResults = form.toLowerCase() === 'results';
  return { form: isResults ? 'results' : 'statuses', subscriptionId, id: id.toLowerCase() };
}

/** Tells how an operation stands, to the one who started it; to everybody else there is none (404). */
export async function answerOperation(
  database: Database,
  question: OperationQuestion,
  asked: { readonly subject: Subject; readonly self: string },
): Promise<ArmAnswer> {
  const row = await database.first(operationOf, { id: question.id, principalId: asked.subject.objectId });
  if (!row) throw new ArmError(404, 'OperationNotFound', `There is no operation '${question.id}' of yours.`);
  return question.form === 'statuses' ? statusOf(row, question) : resultOf(row, asked.self);
}

function statusOf(row: OperationRow, question: OperationQuestion): ArmAnswer {
  return {
    status: 200,
    headers: row.status === 'Running' ? { 'retry-after': retryAfter } : {},
    body: {
      id: `/subscriptions/${question.subscriptionId}/operationStatuses/${row.id}`,
      name: row.id,
      status: row.status,
      startTime: new Date(row.created_ms).toISOString(),
      ...(row.ended_ms === null ? {} : { endTime: new Date(row.ended_ms).toISOString() }),
      ...(row.error === null ? {} : { error: JSON.parse(row.error) as unknown }),
    },
  };
}

function resultOf(row: OperationRow, self: string): ArmAnswer {
  switch (row.status) {
    case 'Running':
      return { status: 202, headers: { location: self, 'retry-after': retryAfter } };
    case 'Succeeded':
      return { status: 200 };
    case 'Canceled':
      return { status: 409, body: { error: { code: 'Canceled', message: 'The operation was canceled.' } } };
    case 'Failed':
      return { status: 409, body: { error: JSON.parse(row.error ?? '{}') as unknown } };
    default:
      return row.status satisfies never;
  }
}
