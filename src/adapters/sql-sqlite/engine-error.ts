import { DatabaseError } from '../../ports/index.ts';

/** Primary result codes of SQLite (sqlite.org/rescode.html) that mean more than "internal". */
const kinds: Readonly<Record<number, DatabaseError['kind']>> = {
  5: 'busy', // SQLITE_BUSY: another process writes
  6: 'busy', // SQLITE_LOCKED
  8: 'unavailable', // SQLITE_READONLY
  10: 'unavailable', // SQLITE_IOERR
  11: 'unavailable', // SQLITE_CORRUPT
  13: 'full', // SQLITE_FULL
  14: 'unavailable', // SQLITE_CANTOPEN
  26: 'unavailable', // SQLITE_NOTADB
};

/** An error of the engine, or any other, in words of the port. `doing` begins the message, the cause's text ends it. */
export function databaseError(error: unknown, doing: string): DatabaseError {
  if (error instanceof DatabaseError) return error;
  const text = error instanceof Error ? error.message : String(error);
  return new DatabaseError(kindOf(error), `${doing}: ${text}`, { cause: error });
}

function kindOf(error: unknown): DatabaseError['kind'] {
  // The low byte of an extended result code is the primary one.
  const code = error instanceof Error && 'errcode' in error ? Number(error.errcode) & 0xff : 0;
  return kinds[code] ?? 'internal';
}
