import type { MessagePort } from 'node:worker_threads';
import { type Explanation, Fault, type FaultCode, type FaultDetail, operatorOnly } from '../../kernel/index.ts';
import { DatabaseError, type SqlValue } from '../../ports/index.ts';

/**
 * What crosses between a client's thread and the writer. The thread that started the writer is its first client; others
 * come by a port that the first one hands over:
 *
 *   caller ──[position, now, input, …]──▶ writer      many transactions in one message
 *   caller ◀──{ results, failures }────── writer      answers in the order of the questions, many in one message
 *   caller ──'close'──▶ writer, caller ◀──{ closed }── writer      the first client's ends the writer, another's its port
 *   first client ──{ attach: port }──▶ writer         a further client
 *
 * Order replaces identifiers: every port is first in, first out, and the writer answers each client strictly in turn.
 * Before any answer it raises a number in shared memory, the generation: who kept something from before sees that first.
 */
export type Batch = unknown[];

/** Values that one transaction takes in a `Batch`: its position among all transactions, `now`, input. */
export const batchStride = 3;

/** What the writer needs to begin, as data. */
export interface WriterStart {
  readonly file: string;
  readonly migrations: readonly {
    readonly version: number;
    readonly name: string;
    readonly statements: readonly string[];
  }[];
  readonly transactionUrls: readonly string[];
  readonly transactionNames: readonly string[];
  readonly regionOrdinal: number;
  readonly lastStamp: { readonly sql: string; readonly values: readonly SqlValue[] };
  /** One Int32: another value after each commit. */
  readonly generation: SharedArrayBuffer;
  readonly pageCacheBytes: number;
}

/** Makes the writer take another client. The port is transferred. */
export interface Attach {
  readonly attach: MessagePort;
}

/** First message of the writer: it is ready, or why it is not. */
export type WriterGreeting = { readonly ready: true } | { readonly ready: false; readonly error: PackedError };

/** Outcomes of consecutive transactions. A failed one has `undefined` in `results` and an entry in `failures`. */
export interface Answers {
  readonly results: readonly unknown[];
  readonly failures: readonly { readonly index: number; readonly error: PackedError }[];
}

/** Last message of the writer to a client that asked to close. */
export interface Closed {
  readonly closed: true;
  readonly error?: PackedError;
}

/** A Fault or DatabaseError as plain data, because structured cloning knows neither class. */
export type PackedError =
  | {
      readonly fault: FaultCode;
      readonly message: string;
      readonly detail: FaultDetail | undefined;
      readonly explanation: Explanation | undefined;
    }
  | { readonly kind: DatabaseError['kind']; readonly message: string; readonly cause: string | undefined };

export function packError(error: Fault | DatabaseError): PackedError {
  if (error instanceof Fault) {
    const explanation = error.operator?.forOperator();
    return { fault: error.code, message: error.message, detail: error.detail, explanation };
  }
  const cause = error.cause instanceof Error ? (error.cause.stack ?? error.cause.message) : undefined;
  return { kind: error.kind, message: error.message, cause };
}

export function unpackError(packed: PackedError): Fault | DatabaseError {
  if ('fault' in packed) {
    const { detail, explanation } = packed;
    return new Fault(packed.fault, packed.message, {
      ...(detail === undefined ? {} : { detail }),
      ...(explanation === undefined ? {} : { operator: operatorOnly(explanation) }),
    });
  }
  if (packed.cause === undefined) return new DatabaseError(packed.kind, packed.message);
  const cause = new Error(packed.message);
  cause.stack = packed.cause;
  return new DatabaseError(packed.kind, packed.message, { cause });
}
