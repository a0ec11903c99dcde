import type { FaultCode, SpokenFault } from '../../kernel/index.ts';

/** How a refusal looks in the protocol: status, code of the distribution specification, and OAuth's word for it. */
export interface WireError {
  readonly status: number;
  readonly code: string;
  readonly oauth: string;
}

/** Every refusal on the data plane (distribution-spec, "Error Codes"; ACR-FACTS §6.1; RFC 6749 §5.2). */
export const wireErrors: Readonly<Record<FaultCode, WireError>> = {
  unauthenticated: { status: 401, code: 'UNAUTHORIZED', oauth: 'invalid_grant' },
  // Missing rights look like missing sign-in: clients then ask for a token with the scope they need (ACR-FACTS §4.4).
  denied: { status: 401, code: 'UNAUTHORIZED', oauth: 'access_denied' },
  'name-invalid': { status: 400, code: 'NAME_INVALID', oauth: 'invalid_request' },
  'name-unknown': { status: 404, code: 'NAME_UNKNOWN', oauth: 'invalid_request' },
  'tag-invalid': { status: 400, code: 'TAG_INVALID', oauth: 'invalid_request' },
  'tag-unknown': { status: 404, code: 'MANIFEST_UNKNOWN', oauth: 'invalid_request' },
  'manifest-invalid': { status: 400, code: 'MANIFEST_INVALID', oauth: 'invalid_request' },
  'manifest-unknown': { status: 404, code: 'MANIFEST_UNKNOWN', oauth: 'invalid_request' },
  'manifest-too-large': { status: 413, code: 'SIZE_INVALID', oauth: 'invalid_request' },
  'manifest-blob-unknown': { status: 404, code: 'MANIFEST_BLOB_UNKNOWN', oauth: 'invalid_request' },
  'digest-invalid': { status: 400, code: 'DIGEST_INVALID', oauth: 'invalid_request' },
  'digest-unsupported': { status: 400, code: 'DIGEST_INVALID', oauth: 'invalid_request' },
  'blob-unknown': { status: 404, code: 'BLOB_UNKNOWN', oauth: 'invalid_request' },
  'blob-too-large': { status: 413, code: 'SIZE_INVALID', oauth: 'invalid_request' },
  'upload-unknown': { status: 404, code: 'BLOB_UPLOAD_UNKNOWN', oauth: 'invalid_request' },
  'upload-invalid': { status: 400, code: 'BLOB_UPLOAD_INVALID', oauth: 'invalid_request' },
  'upload-range': { status: 416, code: 'BLOB_UPLOAD_INVALID', oauth: 'invalid_request' },
  'range-not-satisfiable': { status: 416, code: 'SIZE_INVALID', oauth: 'invalid_request' },
  'page-invalid': { status: 400, code: 'PAGINATION_NUMBER_INVALID', oauth: 'invalid_request' },
  locked: { status: 405, code: 'UNSUPPORTED', oauth: 'invalid_request' },
  'not-permitted': { status: 405, code: 'UNSUPPORTED', oauth: 'invalid_request' },
  unsupported: { status: 405, code: 'UNSUPPORTED', oauth: 'unsupported_grant_type' },
  'too-many-requests': { status: 429, code: 'TOOMANYREQUESTS', oauth: 'temporarily_unavailable' },
  'request-invalid': { status: 400, code: 'UNSUPPORTED', oauth: 'invalid_request' },
  'not-found': { status: 404, code: 'NAME_UNKNOWN', oauth: 'invalid_request' },
  conflict: { status: 409, code: 'BLOB_UPLOAD_INVALID', oauth: 'invalid_request' },
  'precondition-failed': { status: 412, code: 'UNSUPPORTED', oauth: 'invalid_request' },
  unavailable: { status: 503, code: 'UNKNOWN', oauth: 'temporarily_unavailable' },
  'storage-full': { status: 507, code: 'UNKNOWN', oauth: 'server_error' },
  timeout: { status: 408, code: 'UNKNOWN', oauth: 'server_error' },
};

/** Refusals whose reason the caller is not told, or cannot change: their text says under which id the operator finds it. */
const namesItsId: ReadonlySet<FaultCode> = new Set([
  'unauthenticated',
  'denied',
  'locked',
  'not-permitted',
  'too-many-requests',
]);

/** The error envelope of the distribution specification; OAuth endpoints add RFC 6749's members. */
export function errorBody(
  fault: SpokenFault,
  options: { oauth: boolean; requestId: string; detail?: unknown },
): Record<string, unknown> {
  const wire = wireErrors[fault.code];
  // Command lines show the message and nothing else, so the id stands there as well as in its header.
  const message = namesItsId.has(fault.code)
    ? `${fault.message}; the operator finds why under ${options.requestId}`
    : fault.message;
  const errors = [{ code: wire.code, message, detail: options.detail ?? fault.detail ?? null }];
  return options.oauth ? { errors, error: wire.oauth, error_description: message } : { errors };
}
