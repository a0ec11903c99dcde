import { randomBytes, scrypt } from 'node:crypto';
import { sameSecret } from '../../kernel/index.ts';

/** What a hash costs (RFC 7914 §2): memory is 128 · 2^log2N · r bytes. It is stored with each hash. */
export interface PasswordCost {
  readonly log2N: number;
  readonly r: number;
  readonly p: number;
}

/** Hashes passwords and compares them. Few at a time, because each takes a processor and 32 MiB for some time. */
export interface PasswordHasher {
  hash(password: string): Promise<string>;
  /**
   * Whether the password is the one of a stored hash; without one (there is no such user) the same work is done in vain.
   * `favoured` goes before all who are not. Throws `TooManyWaiting` when the line is long.
   */
  matches(password: string, stored: string | null, options?: { favoured?: boolean }): Promise<boolean>;
}

/** Nothing was compared, because too many wait. */
export class TooManyWaiting extends Error {
  override name = 'TooManyWaiting';
}

/** OWASP's Password Storage Cheat Sheet gives this as an equal of N=2^17, r=8, p=1, with a quarter of the memory. */
const usualCost: PasswordCost = { log2N: 15, r: 8, p: 3 };
const hashBytes = 32;
const saltBytes = 16;
const encoded = /^scrypt\$([0-9]{1,2})\$([0-9]{1,2})\$([0-9]{1,2})\$([\w-]+)\$([\w-]+)$/;

/** Makes a hasher that works at one password at a time and lets at most `maxWaiting` of each lane wait. */
export function passwordHasher(options: { cost?: PasswordCost; maxWaiting?: number } = {}): PasswordHasher {
  const cost = options.cost ?? usualCost;
  const maxWaiting = options.maxWaiting ?? 64;
  const lanes = { favoured: [] as (() => void)[], others: [] as (() => void)[] };
  let busy = false;

  const turn = async (favoured: boolean): Promise<void> => {
    if (!busy) {
      busy = true;
      return;
    }
    const lane = favoured ? lanes.favoured : lanes.others;
    if (lane.length >= maxWaiting) throw new TooManyWaiting();
    await new Promise<void>((resolve) => lane.push(resolve));
  };
  const next = (): void => {
    const waiting = lanes.favoured.shift() ?? lanes.others.shift();
    if (waiting) waiting();
    else busy = false;
  };
  const inTurn = async <T>(favoured: boolean, work: () => Promise<T>): Promise<T> => {
    await turn(favoured);
    try {
      return await work();
    } finally {
      next();
    }
  };

  return {
    hash: (password) =>
      inTurn(true, async () => {
        const salt = randomBytes(saltBytes);
        const derived = await derive(password, salt, cost);
        const { log2N, r, p } = cost;
        return `scrypt$${log2N}$${r}$${p}$${salt.toString('base64url')}$${derived.toString('base64url')}`;
      }),
    matches: (password, stored, { favoured = false } = {}) =>
      inTurn(favoured, async () => {
        const parts = encoded.exec(stored ?? '');
        if (!parts) {
          await derive(password, Buffer.alloc(saltBytes), cost);
          return false;
        }
        const [, log2N, r, p, salt = '', hash = ''] = parts;
        const itsCost = { log2N: Number(log2N), r: Number(r), p: Number(p) };
        const derived = await derive(password, Buffer.from(salt, 'base64url'), itsCost);
        return sameSecret(derived.toString('base64url'), hash);
      }),
  };
}

function derive(password: string, salt: Uint8Array, { log2N, r, p }: PasswordCost): Promise<Buffer> {
  const N = 2 ** log2N;
  return new Promise((resolve, reject) => {
    // The same text may be typed in more than one way of Unicode (RFC 8265 §4.2.2).
    scrypt(
      password.normalize('NFC'),
      salt,
      hashBytes,
      { N, r, p, maxmem: 256 * N * r + (1 << 20) },
      (error, derived) => (error ? reject(error) : resolve(derived)),
    );
  });
}
