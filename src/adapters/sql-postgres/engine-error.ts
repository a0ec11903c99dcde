import { DatabaseError } from '../../ports/index.ts';

/** SQLSTATEs, or their classes, that mean more than "internal" (PostgreSQL manual, appendix A). */
const kinds: readonly (readonly [prefix: string, kind: DatabaseError['kind']])[] = [
  ['53100', 'full'], // disk_full
  ['40001', 'busy'], // serialization_failure
  ['40P01', 'busy'], // deadlock_detected
  ['55P03', 'busy'], // lock_not_available
  ['08', 'unavailable'], // connection exceptions
  ['28', 'unavailable'], // the login is refused
  ['3D000', 'unavailable'], // the database does not exist
  ['53', 'unavailable'], // too many connections, out of memory
  ['57P', 'unavailable'], // the server shuts down or starts
  ['58', 'unavailable'], // errors of its operating system
];

const sqlState = /^[0-9A-Z]{5}$/;
/** How the driver words a connection that was lost or never came; these errors carry no code. */
const connectionLost =
  /connection terminated|connection error|not queryable|timeout expired|timeout exceeded|client was closed/i;

/** An error of the server or the driver, or any other, in words of the port. `doing` begins the message. */
export function databaseError(error: unknown, doing: string): DatabaseError {
  if (error instanceof DatabaseError) return error;
  const text = error instanceof Error ? error.message : String(error);
  return new DatabaseError(kindOf(error), `${doing}: ${text || codeOf(error)}`, { cause: error });
}

/** True for the two failures that PostgreSQL asks to meet by running the transaction again. */
export function isWorthRetrying(error: DatabaseError | undefined): boolean {
  const code = codeOf(error?.cause);
  return code === '40001' || code === '40P01';
}

function kindOf(error: unknown): DatabaseError['kind'] {
  const code = codeOf(error);
  if (sqlState.test(code)) return kinds.find(([prefix]) => code.startsWith(prefix))?.[1] ?? 'internal';
  // What is left comes from the socket (ECONNREFUSED, ENOTFOUND …) or from the driver.
  if (error instanceof Error && ('syscall' in error || connectionLost.test(error.message))) return 'unavailable';
  // A host with several addresses fails with one error for each.
  if (error instanceof AggregateError) return 'unavailable';
  return 'internal';
}

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : '';
}
