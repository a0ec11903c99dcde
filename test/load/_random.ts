import { createCipheriv, createHash } from 'node:crypto';
import { randomNumbers } from '../../src/content/_random-numbers.ts';

/** Choices that follow from a seed, in the order in which they are asked for. */
export interface Random {
  /** A whole number from 0 to below `bound`. */
  below(bound: number): number;
  /** True in about this share (0 to 1) of the calls. */
  chance(share: number): boolean;
  pick<T>(list: readonly T[]): T;
}

export function random(seed: number): Random {
  const below = randomNumbers(seed);
  return {
    below,
    chance: (share) => below(1_000_000) < share * 1_000_000,
    pick<T>(list: readonly T[]): T {
      if (list.length === 0) throw new Error('nothing to pick from');
      return list[below(list.length)] as T;
    },
  };
}

/** Bytes that look random and are the same for the same name: nothing has to be kept to know what was sent. */
export function bytesNamed(name: string, size: number): Buffer {
  const key = createHash('sha256').update(name).digest();
  return createCipheriv('aes-128-ctr', key.subarray(0, 16), key.subarray(16)).update(Buffer.alloc(size));
}
