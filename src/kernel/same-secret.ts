import { createHash, timingSafeEqual } from 'node:crypto';

/**
 * Whether two secrets are the same text, in a time that tells nothing of where they differ: their digests are compared,
 * which are of one length.
 */
export function sameSecret(one: string, other: string): boolean {
  const digest = (text: string): Buffer => createHash('sha256').update(text).digest();
  return timingSafeEqual(digest(one), digest(other));
}
