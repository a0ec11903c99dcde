import { Fault, type FaultCode, type SpokenFault } from '../../kernel/index.ts';

/** A refusal in the words of Microsoft Graph: `{"error":{"code","message","innerError"}}`. */
export class GraphError extends Error {
  override name = 'GraphError';
  readonly status: number;
  readonly code: string;

  constructor(status: number, code: string, message: string) {
    super(message);
    this.status = status;
    this.code = code;
  }
}

/** Something that the directory of this version does not have; `what` begins the sentence. */
export function notThereYet(what: string): GraphError {
  return new GraphError(400, 'Request_BadRequest', `${what} is not there yet in this version of Berth`);
}

/** Nothing of that id: the code that clients look for (AZ-WIRE §8.2). */
export function notFound(id: string): GraphError {
  return new GraphError(
    404,
    'Request_ResourceNotFound',
    `Resource '${id.slice(0, 120)}' does not exist in the directory`,
  );
}

interface Spoken {
  readonly status: number;
  readonly code: string;
}

const badRequest: Spoken = { status: 400, code: 'Request_BadRequest' };
const missing: Spoken = { status: 404, code: 'Request_ResourceNotFound' };
const forbidden: Spoken = { status: 403, code: 'Authorization_RequestDenied' };
const away: Spoken = { status: 503, code: 'serviceNotAvailable' };

/** Every refusal in the words of Graph. The codes of registries' content do not occur here. */
const spoken: Readonly<Record<FaultCode, Spoken>> = {
  unauthenticated: { status: 401, code: 'InvalidAuthenticationToken' },
  denied: forbidden,
  'not-permitted': forbidden,
  'not-found': missing,
  conflict: { status: 409, code: 'Request_MultipleObjectsWithSameKeyValue' },
  'request-invalid': badRequest,
  unsupported: { status: 405, code: 'Request_BadRequest' },
  'too-many-requests': { status: 429, code: 'TooManyRequests' },
  unavailable: away,
  'storage-full': { status: 507, code: 'insufficientStorage' },
  timeout: { status: 408, code: 'Request_BadRequest' },
  'name-invalid': badRequest,
  'name-unknown': missing,
  'tag-invalid': badRequest,
  'tag-unknown': missing,
  'manifest-invalid': badRequest,
  'manifest-unknown': missing,
  'manifest-too-large': badRequest,
  'manifest-blob-unknown': missing,
  'digest-invalid': badRequest,
  'digest-unsupported': badRequest,
  'blob-unknown': missing,
  'blob-too-large': badRequest,
  'upload-unknown': missing,
  'upload-invalid': badRequest,
  'upload-range': badRequest,
  'range-not-satisfiable': badRequest,
  'page-invalid': badRequest,
  'precondition-failed': { status: 412, code: 'preconditionFailed' },
  locked: forbidden,
};

/** A fault in the words of Graph. */
export function graphErrorOf(fault: SpokenFault): GraphError {
  const { status, code } = spoken[fault.code];
  return new GraphError(status, code, fault.message);
}

const byStatus: Readonly<Record<number, FaultCode>> = { 403: 'denied', 404: 'not-found', 405: 'unsupported' };

/** The fault that an error of Graph amounts to, for operators. Its message stays with the caller. */
export function faultOf(error: GraphError): Fault {
  return new Fault(byStatus[error.status] ?? 'request-invalid', `the directory answered ${error.code}`);
}

/** The body of a refusal. */
export function errorBody(error: GraphError, known: { requestId: string; at: number }): Record<string, unknown> {
  const { requestId } = known;
  return {
    error: {
      code: error.code,
      message: error.message,
      innerError: { date: new Date(known.at).toISOString().slice(0, 19), 'request-id': requestId },
    },
  };
}
