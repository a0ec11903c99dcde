import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isFault, parseContentRange, parseRange } from '../../src/kernel/index.ts';
import { expectLinear, fuzz, hostileText, outcomeOf } from './_fuzz.ts';

const edge = fc.constantFrom(0, 1, 2, 2 ** 31 - 1, 2 ** 31, 2 ** 32, 2 ** 32 + 1, 2 ** 40, Number.MAX_SAFE_INTEGER);
const size = fc.oneof(edge, fc.nat(1000));
const digits = fc.oneof(
  fc.bigInt(0n, 2n ** 70n).map(String),
  size.map(String),
  fc.constantFrom('00', '007', '9'.repeat(40), '-1', '+1', '1e3', ' 1', '1.0', '٣', ''),
);

/** What RFC 9110 §14.2 says of one range of bytes, in whole numbers of any size. */
function rangeByModel(first: string, last: string, total: number): unknown {
  const isNumber = (text: string) => text !== '' && text.split('').every((c) => c >= '0' && c <= '9');
  const length = BigInt(total);
  if (total === 0) return 'whole';
  if (first === '') {
    if (!isNumber(last)) return 'whole';
    if (BigInt(last) === 0n) return 'unsatisfiable';
    const start = BigInt(last) >= length ? 0n : length - BigInt(last);
    return { start: Number(start), end: total - 1 };
  }
  if (!isNumber(first) || (last !== '' && !isNumber(last))) return 'whole';
  if (last !== '' && BigInt(last) < BigInt(first)) return 'whole';
  if (BigInt(first) >= length) return 'unsatisfiable';
  const end = last === '' || BigInt(last) >= length ? length - 1n : BigInt(last);
  return { start: Number(BigInt(first)), end: Number(end) };
}

describe('a Range', () => {
  it('is read as the model reads it, at every width of number', () => {
    fuzz(
      fc.tuple(digits, digits, size),
      ([first, last, total]) => {
        expect(parseRange(`bytes=${first}-${last}`, total), `bytes=${first}-${last} of ${total}`).toEqual(
          rangeByModel(first, last, total),
        );
      },
      3000,
    );
  });

  it('is otherwise ignored, and never reaches outside the body', () => {
    fuzz(fc.tuple(hostileText('bytes=', '0-0', '1-2', 'items='), size), ([header, total]) => {
      const range = parseRange(header, total);
      if (typeof range === 'string') return;
      expect(range.start >= 0 && range.start <= range.end && range.end < total).toBe(true);
    });
  });

  it('takes linear time', () => {
    for (const unit of ['9', '0', '0-1,', '-', ' '])
      expectLinear(
        (length) => `bytes=${unit.repeat(length / unit.length)}`,
        (header) => parseRange(header, 10),
      );
    expectLinear(
      (length) => `bytes=${'0'.repeat(length / 2)}1-${'0'.repeat(length / 2)}2`,
      (header) => parseRange(header, 10),
    );
  });
});

describe('a Content-Range', () => {
  it('says what was written, in both forms, when it fits', () => {
    fuzz(
      fc.tuple(size, size, fc.option(size), fc.boolean()),
      ([start, end, total, long]) => {
        const text = long ? `bytes ${start}-${end}/${total ?? '*'}` : `${start}-${end}`;
        const fits = start <= end && end < (long && total !== null ? total : Number.MAX_SAFE_INTEGER);
        const { value, error } = outcomeOf(() => parseContentRange(text));
        if (fits) expect(value, text).toEqual({ start, end });
        else expect(isFault(error, 'upload-invalid'), text).toBe(true);
      },
      2000,
    );
  });

  it('of any other form is refused in few words', () => {
    fuzz(fc.oneof(hostileText('bytes ', '0-3', '/*', '-'), digits), (text) => {
      const { value, error } = outcomeOf(() => parseContentRange(text));
      if (value) expect(Number.isSafeInteger(value.end) && value.start <= value.end).toBe(true);
      else expect(isFault(error, 'upload-invalid') && error.message.length < 300).toBe(true);
    });
  });

  it('takes linear time', () => {
    for (const unit of ['9', 'bytes ', ' ', '0-'])
      expectLinear(
        (length) => unit.repeat(length / unit.length),
        (header) => outcomeOf(() => parseContentRange(header)),
      );
  });
});
