import { BlobStoreError, DatabaseError } from '../ports/index.ts';
import { StartRefusal } from './start-refusal.ts';

/** What a disk refused while `folder` was written to, in words for a person; any other error as it is. */
export function diskRefusal(error: unknown, folder: string): unknown {
  if (isFull(error)) return new StartRefusal(`no space is left in ${folder}`, { cause: error });
  const isForeign =
    error instanceof BlobStoreError || error instanceof DatabaseError || (error instanceof Error && 'syscall' in error);
  return isForeign ? new StartRefusal(`cannot write into ${folder}: ${error.message}`, { cause: error }) : error;
}

function isFull(error: unknown): boolean {
  if (error instanceof BlobStoreError || error instanceof DatabaseError) return error.kind === 'full';
  return error instanceof Error && 'code' in error && ['ENOSPC', 'EDQUOT'].includes(String(error.code));
}
