import type { Clock } from '../kernel/index.ts';

/** What is kept of a verified token. `expiresAt` is when it ends, Unix milliseconds. */
export interface Verified {
  readonly expiresAt: number;
}

/** Tokens whose signature was found good, so that it is computed once. Whether one has ended is the caller's to look at. */
export interface VerifiedTokens<Known extends Verified> {
  get(token: string): Known | undefined;
  /** Remembers a token that is not there yet. */
  add(token: string, known: Known): void;
  /** How many are held, ended ones among them. */
  size(): number;
}

/** Each new token pays for a look at so many; more than one, or the hand would never come round a growing map. */
const looksPerToken = 4;

/**
 * Makes a memory of at most `mostTokens` tokens; the oldest goes when there are more. Each new token has a few others looked
 * at, the oldest first and then round and round, and those that have ended are dropped: so those that ended hold no memory
 * for long, also where long-lived ones stand before them.
 */
export function verifiedTokens<Known extends Verified>(options: {
  readonly clock: Clock;
  readonly mostTokens: number;
}): VerifiedTokens<Known> {
  const { clock, mostTokens } = options;
  const tokens = new Map<string, Known>();
  // An iterator of a map stays right while the map changes.
  let hand = tokens.entries();

  const dropEnded = (): void => {
    const now = clock.now();
    for (let look = 0; look < looksPerToken; look++) {
      const { value, done } = hand.next();
      if (done) {
        hand = tokens.entries();
        return;
      }
      const [token, { expiresAt }] = value;
      if (expiresAt <= now) tokens.delete(token);
    }
  };

  return {
    get: (token) => tokens.get(token),
    add(token, known) {
      dropEnded();
      if (tokens.size >= mostTokens) tokens.delete(tokens.keys().next().value as string);
      tokens.set(token, known);
    },
    size: () => tokens.size,
  };
}
