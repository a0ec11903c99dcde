import { Fault, type FaultCode, type SpokenFault } from '../../kernel/index.ts';
import { ArmError } from './provider.ts';

/** How a fault looks at the resource manager. */
interface ArmWireError {
  readonly status: number;
  readonly code: string;
}

/** Every refusal of the lower rooms, in the words of the resource manager. */
export const armErrors: Readonly<Record<FaultCode, ArmWireError>> = {
  unauthenticated: { status: 401, code: 'InvalidAuthenticationToken' },
  denied: { status: 403, code: 'AuthorizationFailed' },
  'name-invalid': { status: 400, code: 'InvalidResourceName' },
  'name-unknown': { status: 404, code: 'ResourceNotFound' },
  'tag-invalid': { status: 400, code: 'InvalidParameter' },
  'tag-unknown': { status: 404, code: 'ResourceNotFound' },
  'manifest-invalid': { status: 400, code: 'InvalidParameter' },
  'manifest-unknown': { status: 404, code: 'ResourceNotFound' },
  'manifest-too-large': { status: 413, code: 'RequestEntityTooLarge' },
  'manifest-blob-unknown': { status: 404, code: 'ResourceNotFound' },
  'digest-invalid': { status: 400, code: 'InvalidParameter' },
  'digest-unsupported': { status: 400, code: 'InvalidParameter' },
  'blob-unknown': { status: 404, code: 'ResourceNotFound' },
  'blob-too-large': { status: 413, code: 'RequestEntityTooLarge' },
  'upload-unknown': { status: 404, code: 'ResourceNotFound' },
  'upload-invalid': { status: 400, code: 'InvalidParameter' },
  'upload-range': { status: 416, code: 'InvalidParameter' },
  'range-not-satisfiable': { status: 416, code: 'InvalidParameter' },
  'page-invalid': { status: 400, code: 'InvalidParameter' },
  locked: { status: 409, code: 'ScopeLocked' },
  'not-permitted': { status: 409, code: 'OperationNotAllowed' },
  unsupported: { status: 400, code: 'FeatureNotSupported' },
  'too-many-requests': { status: 429, code: 'TooManyRequests' },
  'request-invalid': { status: 400, code: 'InvalidRequestContent' },
  'not-found': { status: 404, code: 'ResourceNotFound' },
  conflict: { status: 409, code: 'Conflict' },
  'precondition-failed': { status: 412, code: 'PreconditionFailed' },
  unavailable: { status: 503, code: 'ServiceUnavailable' },
  'storage-full': { status: 507, code: 'InsufficientStorage' },
  timeout: { status: 408, code: 'RequestTimeout' },
};

/** A fault as the resource manager says it. */
export function armErrorOf(fault: SpokenFault): ArmError {
  const { status, code } = armErrors[fault.code];
  return new ArmError(status, code, fault.message);
}

/** The refusal for every subscription that the caller cannot see, there or not. */
export function subscriptionNotFound(id: string): ArmError {
  return new ArmError(404, 'SubscriptionNotFound', `The subscription '${id}' could not be found.`);
}

/** The error envelope: `{"error":{"code","message","target","details"}}`. */
export function errorBody(error: Pick<ArmError, 'code' | 'message' | 'target' | 'details'>): Record<string, unknown> {
  return {
    error: {
      code: error.code,
      message: error.message,
      ...(error.target === undefined ? {} : { target: error.target }),
      ...(error.details.length === 0 ? {} : { details: error.details }),
    },
  };
}

const byStatus: Readonly<Record<number, FaultCode>> = {
  401: 'unauthenticated',
  403: 'denied',
  404: 'not-found',
  405: 'unsupported',
  409: 'conflict',
  412: 'precondition-failed',
  429: 'too-many-requests',
  503: 'unavailable',
};

/** The fault that an error of the resource manager amounts to, for logs and operators. Its message stays with the caller. */
export function faultOf(error: ArmError): Fault {
  const code = error.code === 'FeatureNotSupported' ? 'unsupported' : (byStatus[error.status] ?? 'request-invalid');
  return new Fault(code, `the resource manager answered ${error.code}`);
}
