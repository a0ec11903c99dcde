import type { Explanation, OperatorOnly } from './explanation.ts';

/**
 * Every refusal Berth can utter, as one closed union. Each wire (OCI, OAuth, later ARM) owns a total
 * `Record<FaultCode, …>`, so that a new code does not compile until every wire knows how to say it.
 */
export type FaultCode =
  | 'unauthenticated' // no or unusable credential; the wire adds its challenge
  | 'denied' // authenticated, but the right is missing; the data plane answers as for `unauthenticated`
  | 'name-invalid'
  | 'name-unknown'
  | 'tag-invalid'
  | 'tag-unknown'
  | 'manifest-invalid'
  | 'manifest-unknown'
  | 'manifest-too-large'
  | 'manifest-blob-unknown'
  | 'digest-invalid'
  | 'digest-unsupported'
  | 'blob-unknown'
  | 'blob-too-large'
  | 'upload-unknown'
  | 'upload-invalid' // Content-Length or body contradict each other
  | 'upload-range' // chunk out of order: 416 with the range held
  | 'range-not-satisfiable'
  | 'page-invalid'
  | 'locked' // a lock attribute forbids it
  | 'not-permitted' // forbidden by state: deleted, quarantined
  | 'unsupported' // verb or feature that does not exist here
  | 'too-many-requests'
  | 'request-invalid'
  | 'not-found' // outside the registry's own nouns
  | 'conflict'
  | 'precondition-failed' // If-Match or If-None-Match does not hold
  | 'unavailable' // draining, or a dependency is away
  | 'storage-full'
  | 'timeout'; // the client was too slow

/** Extra, wire-visible facts about a refusal. Never secrets, never text from inside. */
export interface FaultDetail {
  readonly [key: string]: unknown;
}

/**
 * An expected refusal. Anything else that is thrown is a bug and becomes a 500 with a correlation id only.
 * `message` is for the caller: what was asked, what was found, what to do.
 */
export class Fault extends Error {
  override name = 'Fault';
  readonly code: FaultCode;
  readonly detail: FaultDetail | undefined;
  /** Which rule refused and what would allow it: for logs and `berth why`, never for the caller. */
  readonly operator: OperatorOnly<Explanation> | undefined;

  constructor(
    code: FaultCode,
    message: string,
    options: { detail?: FaultDetail; cause?: unknown; operator?: OperatorOnly<Explanation> } = {},
  ) {
    super(message, options.cause === undefined ? {} : { cause: options.cause });
    this.code = code;
    this.detail = options.detail;
    this.operator = options.operator;
  }
}

/** What a wire may say of a fault. Wires take this type, so that what is for the operator is out of their reach. */
export type SpokenFault = Pick<Fault, 'code' | 'message' | 'detail'>;

/** True when `error` is a Fault with one of `codes` (any code when none is given). */
export function isFault(error: unknown, ...codes: FaultCode[]): error is Fault {
  return error instanceof Fault && (codes.length === 0 || codes.includes(error.code));
}
