import { createHash } from 'node:crypto';
import { addressGroup } from './address-group.ts';

/** Slows down who guesses passwords, and never locks out who knows one. Times are those of `monotonic`, milliseconds. */
export interface BackOff {
  /**
   * Takes one try for an account (as it was named, there or not) from an address. `isKnown` is asked only when the whole
   * account has had too many tries: whoever has signed in from this address lately is let through.
   */
  begin(of: { account: string; address: string }, isKnown: () => Promise<boolean>): Promise<BackOffTry>;
  /** Takes one of the tries of an address that names no account: codes that are typed, devices that are begun. */
  count(kind: string, address: string): BackOffTry;
}

/** A try that may go on, or how long to wait before the next one. */
export type BackOffTry =
  | {
      readonly allowed: true;
      /** It was right: the account's tries from here are given back. */
      succeeded(): void;
    }
  | { readonly allowed: false; readonly retryAfterSeconds: number };

/** How many tries in a row, and how long until one more is given. */
export interface BucketRate {
  readonly tries: number;
  readonly everyMs: number;
}

export interface BackOffRates {
  /** One account from one address. */
  readonly pair: BucketRate;
  /** All accounts from one address. */
  readonly address: BucketRate;
  /** One account from everywhere, but for addresses that it signs in from. */
  readonly account: BucketRate;
  /** What `count` takes from. */
  readonly counted: BucketRate;
}

const usual: BackOffRates = {
  pair: { tries: 6, everyMs: 20_000 },
  address: { tries: 30, everyMs: 5_000 },
  account: { tries: 60, everyMs: 2_000 },
  counted: { tries: 30, everyMs: 10_000 },
};

/** Makes the counters of one thread; each of its kinds holds at most `maxKeys`. */
export function backOff(options: {
  monotonic: () => number;
  rates?: Partial<BackOffRates>;
  maxKeys?: number;
}): BackOff {
  const rates = { ...usual, ...options.rates };
  const { monotonic, maxKeys = 20_000 } = options;
  const pairs = buckets(rates.pair, maxKeys, monotonic);
  const addresses = buckets(rates.address, maxKeys, monotonic);
  const accounts = buckets(rates.account, maxKeys, monotonic);
  const counted = buckets(rates.counted, maxKeys, monotonic);

  return {
    async begin({ account, address }, isKnown) {
      const group = addressGroup(address);
      const name = keyOf(account.toLowerCase());
      const pair = `${name} ${group}`;
      // Taken before the password is looked at: many tries at once are as many tries.
      const ofPair = pairs.take(pair);
      if (ofPair > 0) return refused(ofPair);
      const ofAddress = addresses.take(group);
      if (ofAddress > 0) {
        pairs.give(pair);
        return refused(ofAddress);
      }
      const ofAccount = accounts.take(name);
      if (ofAccount > 0 && !(await isKnown())) {
        pairs.give(pair);
        addresses.give(group);
        return refused(ofAccount);
      }
      return {
        allowed: true,
        succeeded() {
          pairs.forget(pair);
          addresses.give(group);
          if (ofAccount === 0) accounts.give(name);
        },
      };
    },
    count(kind, address) {
      const key = `${kind} ${addressGroup(address)}`;
      const wait = counted.take(key);
      return wait > 0 ? refused(wait) : { allowed: true, succeeded: () => counted.give(key) };
    },
  };
}

function refused(waitMs: number): BackOffTry {
  return { allowed: false, retryAfterSeconds: Math.max(1, Math.ceil(waitMs / 1000)) };
}

/** Names may be passwords in the wrong place, and may be long. */
function keyOf(name: string): string {
  return createHash('sha256').update(name).digest('base64url').slice(0, 16);
}

/** Token buckets by key. A key that is full again is as good as none, and the one unused for longest goes first. */
function buckets({ tries, everyMs }: BucketRate, maxKeys: number, monotonic: () => number) {
  const levels = new Map<string, { left: number; at: number }>();
  const levelOf = (key: string): number => {
    const level = levels.get(key);
    return level ? Math.min(tries, level.left + (monotonic() - level.at) / everyMs) : tries;
  };
  const put = (key: string, left: number): void => {
    levels.delete(key);
    if (left >= tries) return;
    if (levels.size >= maxKeys) levels.delete(levels.keys().next().value as string);
    levels.set(key, { left, at: monotonic() });
  };
  return {
    /** Takes one; answers 0, or the milliseconds until there is one. */
    take(key: string): number {
      const level = levelOf(key);
      if (level < 1) return (1 - level) * everyMs;
      put(key, level - 1);
      return 0;
    },
    give: (key: string): void => put(key, Math.min(tries, levelOf(key) + 1)),
    forget: (key: string): void => void levels.delete(key),
  };
}
