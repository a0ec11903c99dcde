import { createHash } from 'node:crypto';
import { sameSecret } from '../kernel/index.ts';

/**
 * Hash of a secret that we made ourselves from 256 random bits: nothing can be guessed, so one SHA-256 salted with the
 * credential's id is enough, and quick enough to check Basic authentication on every request.
 */
export function hashSecret(secret: string, credentialId: string): string {
  return createHash('sha256').update(`${credentialId}:${secret}`).digest('hex');
}

/** Constant-time comparison of a presented secret with a stored hash. */
export function secretMatches(secret: string, credentialId: string, storedHash: string): boolean {
  return sameSecret(hashSecret(secret, credentialId), storedHash);
}
