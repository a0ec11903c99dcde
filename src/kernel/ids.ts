import { randomBytes } from 'node:crypto';

/** Source of unguessable identifiers and secrets; injected, so that tests can be deterministic. */
export interface Ids {
  /** An identifier of 128 random bits, lower-case hex. */
  id(): string;
  /** A secret of 256 random bits in base64url (43 characters). */
  secret(): string;
}

export const randomIds: Ids = {
  id: () => randomBytes(16).toString('hex'),
  secret: () => randomBytes(32).toString('base64url'),
};
