import { Fault } from '../kernel/index.ts';
import { DatabaseError } from '../ports/index.ts';

/** Errors of the database become refusals where the caller can act on them; everything else stays what it is. */
export function databaseFault(error: unknown): unknown {
  if (!(error instanceof DatabaseError)) return error;
  if (error.kind === 'full') {
    return new Fault('storage-full', 'there is no space left; reading goes on', { cause: error });
  }
  if (error.kind === 'busy' || error.kind === 'unavailable' || error.kind === 'closed') {
    return new Fault('unavailable', 'the database cannot be reached; try again in a moment', { cause: error });
  }
  return error;
}
