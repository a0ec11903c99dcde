import { inspect } from 'node:util';

/**
 * Rules that refuse, where the code of a fault is not exact enough. A fault without a rule of its own has its code as the
 * rule. The union is closed: tests and documents name every member.
 */
export type SpecificRule =
  | 'credential-missing' // nobody signed in, and the route needs somebody
  | 'credential-unusable' // an Authorization header that is neither Basic nor Bearer
  | 'user-unknown'
  | 'password-wrong'
  | 'password-expired'
  | 'admin-disabled'
  | 'token-disabled'
  | 'bearer-at-token-endpoint'
  | 'bearer-unreadable' // no token of this server: form, algorithm, claims
  | 'bearer-key-unknown' // signed by a key that is not there (any more)
  | 'bearer-signature'
  | 'bearer-other-registry'
  | 'bearer-expired'
  | 'bearer-revoked' // the password or token that it was made from is gone
  | 'bearer-wrong-use' // a refresh token where an access token belongs, or the other way round
  | 'anonymous-may-only-pull'
  | 'account-disabled' // of the directory: the account or the service principal
  | 'directory-token-unusable' // no living access token of the identity provider for a registry
  | 'directory-token-for-management' // where a registry takes only those for registries
  | 'other-tenant'
  | 'role-missing'
  | 'other-registry'
  | 'not-in-scope-map'
  | 'not-in-bearer' // the token was asked for less than it is used for
  | 'repository-locked'
  | 'tag-locked'
  | 'manifest-locked'
  | 'content-locked' // something inside of what was to be deleted
  | 'held'
  | 'quarantined'
  | 'rate-registry'
  | 'rate-identity'
  | 'too-many-uploads';

/** Why a rule refused, in whole sentences for the operator. Holds names, never a secret or what could be one. */
export interface Explanation {
  readonly rule: SpecificRule;
  /** What stood against the request. */
  readonly because: string;
  /** What would allow it: a command of Berth where there is one. */
  readonly cure: string;
  /** Whom the credential named, where that is known to exist and the request did not come as far as being somebody. */
  readonly actor?: string;
}

/**
 * Something that only operators may read. It turns to nothing wherever text is made of it (templates, JSON, `inspect`), and a
 * wire that wants to send it would have to say `forOperator()`.
 */
export interface OperatorOnly<T> {
  forOperator(): T;
  toJSON(): undefined;
  toString(): string;
}

/** Wraps a value for operators. */
export function operatorOnly<T>(value: T): OperatorOnly<T> {
  const hidden: OperatorOnly<T> & { [inspect.custom](): string } = {
    forOperator: () => value,
    toJSON: () => undefined,
    toString: () => '[for the operator]',
    [inspect.custom]: () => '[for the operator]',
  };
  return Object.freeze(hidden);
}
