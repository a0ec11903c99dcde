/**
 * Every refusal of the identity provider: status, OAuth error, and the number by which Azure's clients know it
 * (AZ-WIRE §2.2). The words are ours.
 */
const kinds = {
  'tenant-unknown': { status: 400, error: 'invalid_tenant', number: 90002 },
  'request-malformed': { status: 400, error: 'invalid_request', number: 90014 },
  'parameter-missing': { status: 400, error: 'invalid_request', number: 900144 },
  'grant-unsupported': { status: 400, error: 'unsupported_grant_type', number: 70003 },
  'response-unsupported': { status: 400, error: 'unsupported_response_type', number: 700051 },
  'resource-unknown': { status: 400, error: 'invalid_resource', number: 500011 },
  'scope-invalid': { status: 400, error: 'invalid_scope', number: 70011 },
  'client-unknown': { status: 400, error: 'unauthorized_client', number: 700016 },
  'client-public': { status: 401, error: 'invalid_client', number: 700025 },
  'secret-missing': { status: 401, error: 'invalid_client', number: 7000218 },
  'secret-wrong': { status: 401, error: 'invalid_client', number: 7000215 },
  'assertion-unsupported': { status: 401, error: 'invalid_client', number: 700027 },
  'password-wrong': { status: 400, error: 'invalid_grant', number: 50126 },
  'account-disabled': { status: 400, error: 'invalid_grant', number: 50057 },
  'account-gone': { status: 400, error: 'invalid_grant', number: 50173 },
  'token-unusable': { status: 400, error: 'invalid_grant', number: 9002313 },
  'token-expired': { status: 400, error: 'invalid_grant', number: 700082 },
  'token-reused': { status: 400, error: 'invalid_grant', number: 54005 },
  'token-revoked': { status: 400, error: 'invalid_grant', number: 50173 },
  'verifier-wrong': { status: 400, error: 'invalid_grant', number: 501481 },
  'challenge-missing': { status: 400, error: 'invalid_request', number: 9002325 },
  'redirect-unknown': { status: 400, error: 'invalid_request', number: 50011 },
  'sign-in-needed': { status: 400, error: 'login_required', number: 50058 },
  'user-declined': { status: 400, error: 'access_denied', number: 65004 },
  'device-pending': { status: 400, error: 'authorization_pending', number: 70016 },
  'device-slow': { status: 400, error: 'slow_down', number: 70016 },
  'device-expired': { status: 400, error: 'expired_token', number: 70020 },
  'device-declined': { status: 400, error: 'authorization_declined', number: 70018 },
  'form-stale': { status: 400, error: 'invalid_request', number: 165000 },
  'too-many-tries': { status: 429, error: 'temporarily_unavailable', number: 50053 },
  'instance-unknown': { status: 400, error: 'invalid_instance', number: 50049 },
} as const;

export type RefusalKind = keyof typeof kinds;

/** An expected refusal. The message is for the person in front of the client, which shows it as it is. */
export class OAuthRefusal extends Error {
  override name = 'OAuthRefusal';
  readonly kind: RefusalKind;
  readonly status: number;
  readonly error: string;
  readonly number: number;
  /** For tries that come too fast. */
  readonly retryAfterSeconds: number | null;

  constructor(kind: RefusalKind, message: string, options: { cause?: unknown; retryAfterSeconds?: number } = {}) {
    super(message, options.cause === undefined ? {} : { cause: options.cause });
    this.kind = kind;
    this.status = kinds[kind].status;
    this.error = kinds[kind].error;
    this.number = kinds[kind].number;
    this.retryAfterSeconds = options.retryAfterSeconds ?? null;
  }
}

/** The refusal of a try that comes too soon after others that failed. */
export function tooManyTries(retryAfterSeconds: number): OAuthRefusal {
  return new OAuthRefusal(
    'too-many-tries',
    `too many tries have failed; wait ${retryAfterSeconds} ${retryAfterSeconds === 1 ? 'second' : 'seconds'} and try again`,
    { retryAfterSeconds },
  );
}
