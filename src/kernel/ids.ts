import { randomBytes, randomUUID } from 'node:crypto';

/** Source of unguessable identifiers and secrets; injected, so that tests can be deterministic. */
export interface Ids {
  /** An identifier of 128 random bits, lower-case hex. */
  id(): string;
  /** A GUID of version 4, as Azure names tenants and subscriptions. */
  guid(): string;
  /** A secret of 256 random bits in base64url (43 characters). */
  secret(): string;
}

export const randomIds: Ids = {
  id: () => randomBytes(16).toString('hex'),
  guid: () => randomUUID(),
  secret: () => randomBytes(32).toString('base64url'),
};
