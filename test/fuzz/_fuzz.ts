import * as fc from 'fast-check';
import { expect } from 'vitest';

/** BERTH_TEST_FULL=1 runs every property this many times as often, and grows inputs to 1 MiB. */
const isFull = process.env['BERTH_TEST_FULL'] === '1';
const fullFactor = 100;

/** Holds a property against random inputs. A failure prints the seed and path that bring it back. */
export function fuzz<T>(input: fc.Arbitrary<T>, holds: (input: T) => void, runs = 300): void {
  fc.assert(fc.property(input, holds), { numRuns: isFull ? runs * fullFactor : runs });
}

/** As `fuzz`, for properties that must be awaited. */
export async function fuzzAsync<T>(
  input: fc.Arbitrary<T>,
  holds: (input: T) => Promise<void>,
  runs = 100,
): Promise<void> {
  await fc.assert(fc.asyncProperty(input, holds), { numRuns: isFull ? runs * fullFactor : runs });
}

/** What a parser did: its value, or the error that it threw. */
export type Outcome<T> =
  | { readonly value: T; readonly error?: never }
  | { readonly error: unknown; readonly value?: never };

export function outcomeOf<T>(parse: () => T): Outcome<T> {
  try {
    return { value: parse() };
  } catch (error) {
    return { error };
  }
}

/** Text that gives parsers trouble: the words of their grammars, encodings, controls and anything else. */
export function hostileText(...words: readonly string[]): fc.Arbitrary<string> {
  const part = fc.oneof(
    { arbitrary: fc.constantFrom('', ...words, ...tricks), weight: 4 },
    { arbitrary: fc.string({ unit: 'binary', maxLength: 12 }), weight: 1 },
    { arbitrary: fc.string({ unit: 'grapheme-ascii', maxLength: 12 }), weight: 2 },
    { arbitrary: fc.nat().map(String), weight: 1 },
  );
  return fc.array(part, { maxLength: 8 }).map((parts) => parts.join(''));
}

const tricks = ['\0', '\n', '\r\n', '\u001b[31m', '\u0085', '\u202e', '..', '/', '\\', '%2f', '%', '"', "'", ';', ',']
  .concat([
    '-',
    '-1',
    '+1',
    '1e400',
    '0x10',
    'NaN',
    '__proto__',
    'constructor',
    '\ud800',
    '\ufeff',
    ' ',
    '\t',
    ':',
    '=',
  ])
  .concat([
    '9007199254740993',
    '18446744073709551616',
    '*',
    '?',
    '#',
    '@',
    '{',
    '}',
    '[',
    ']',
    '~',
    '.',
    '_',
    'a',
    'A',
  ]);

const smallest = 64 * 1024;
const doublings = isFull ? 4 : 2;
/** Below this a measurement is noise. */
const floorMs = 8;

/**
 * Expects that time grows no faster than size: a fourfold input may take up to ten times as long (a square would take
 * sixteen), best of three. `make` builds an input of about `size` characters, `use` must not throw.
 */
export function expectLinear<T>(make: (size: number) => T, use: (input: T) => unknown): void {
  const small = make(smallest);
  const large = make(smallest * 2 ** doublings);
  const before = bestOf(() => use(small));
  const after = bestOf(() => use(large));
  const allowed = Math.max(before, floorMs) * 10 * 3 ** (doublings - 2);
  expect(after, `${before.toFixed(1)} ms grew to ${after.toFixed(1)} ms`).toBeLessThan(allowed);
}

function bestOf(run: () => unknown): number {
  let best = Number.POSITIVE_INFINITY;
  for (let attempt = 0; attempt < 3; attempt++) {
    // Time of the processor, not of the clock: other programs on the machine do not count.
    const started = process.cpuUsage();
    run();
    const { user, system } = process.cpuUsage(started);
    best = Math.min(best, (user + system) / 1000);
  }
  return best;
}
