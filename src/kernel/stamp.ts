/**
 * Hybrid logical clock. A stamp orders facts across regions without trusting wall clocks alone:
 * 12 hex digits of milliseconds, 4 of counter, a dash, the region ordinal in 4 hex digits. Stamps compare bytewise.
 * The counter carries into the milliseconds, so that a burst never runs out of stamps.
 */
declare const stampBrand: unique symbol;
export type Stamp = string & { readonly [stampBrand]: true };

/** Issues strictly increasing stamps. */
export interface StampClock {
  /** A stamp greater than every one issued or observed before; `after` is observed first when given. */
  next(after?: Stamp | null): Stamp;
  /** Learns of a stamp made elsewhere, so that later stamps follow it. */
  observe(stamp: Stamp): void;
}

const grammar = /^[0-9a-f]{16}-[0-9a-f]{4}$/;
const largest = (1n << 64n) - 1n;

/** Makes a clock for one region. `last` is the greatest stamp known to the database, so that a restart never goes back. */
export function stampClock(options: { now: () => number; regionOrdinal: number; last?: Stamp | null }): StampClock {
  const suffix = `-${options.regionOrdinal.toString(16).padStart(4, '0')}`;
  let current = options.last ? valueOf(options.last) : 0n;
  return {
    next(after) {
      if (after) current = max(current, valueOf(after));
      const physical = BigInt(options.now()) << 16n;
      current = physical > current ? physical : current + 1n;
      if (current > largest) throw new RangeError('stamp clock exhausted');
      return (current.toString(16).padStart(16, '0') + suffix) as Stamp;
    },
    observe(stamp) {
      current = max(current, valueOf(stamp));
    },
  };
}

/** Parses a stamp read from outside the process; throws a TypeError for anything else. */
export function parseStamp(text: string): Stamp {
  if (!grammar.test(text)) throw new TypeError('not a stamp');
  return text as Stamp;
}

function valueOf(stamp: Stamp): bigint {
  return BigInt(`0x${stamp.slice(0, 16)}`);
}

function max(left: bigint, right: bigint): bigint {
  return left > right ? left : right;
}
