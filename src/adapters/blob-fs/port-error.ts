import { BlobStoreError } from '../../ports/index.ts';

/**
 * Translates an error of the operating system; `what` says what was tried, without a path. Anything else (a port error,
 * a bug) comes back as it is.
 */
export function portError(error: unknown, what: string): unknown {
  if (!isSystemError(error)) return error;
  return new BlobStoreError(kindOf(error.code), `${what}: ${error.code}`, { cause: error });
}

/** True for an error of the operating system with this symbolic name, for instance `ENOENT`. */
export function isSystemError(error: unknown, code?: string): error is Error & { readonly code: string } {
  if (!(error instanceof Error) || !('syscall' in error) || !('code' in error)) return false;
  return code === undefined ? typeof error.code === 'string' : error.code === code;
}

function kindOf(code: string): BlobStoreError['kind'] {
  switch (code) {
    case 'ENOENT':
      return 'absent';
    case 'ENOSPC':
    case 'EDQUOT':
      return 'full';
    default:
      return 'io';
  }
}
