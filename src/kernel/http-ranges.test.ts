import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { cpuTime } from './_cpu-time.ts';
import { isFault } from './fault.ts';
import { parseContentRange, parseRange } from './http-ranges.ts';

describe('parseRange', () => {
  it.each([
    ['bytes=0-0', 10, { start: 0, end: 0 }],
    ['bytes=2-5', 10, { start: 2, end: 5 }],
    ['bytes=2-', 10, { start: 2, end: 9 }],
    ['bytes=-3', 10, { start: 7, end: 9 }],
    ['BYTES=2-5', 10, { start: 2, end: 5 }],
    ['bytes=0-9', 10, { start: 0, end: 9 }],
    ['bytes=5-99', 10, { start: 5, end: 9 }],
    ['bytes=-99', 10, { start: 0, end: 9 }],
    ['bytes=002-0005', 10, { start: 2, end: 5 }],
    ['bytes=1-99999999999999999999999999', 10, { start: 1, end: 9 }],
    ['bytes=-99999999999999999999999999', 10, { start: 0, end: 9 }],
  ])('cuts %s of %i bytes', (header, size, range) => expect(parseRange(header, size)).toEqual(range));

  it.each([
    ['a start at the end', 'bytes=10-', 10],
    ['a start past the end', 'bytes=11-12', 10],
    ['a start beyond 2^53', 'bytes=99999999999999999999999999-', 10],
    ['both ends beyond 2^53', 'bytes=9007199254740993-9007199254740994', 10],
    ['a suffix of no bytes', 'bytes=-0', 10],
  ])('cannot satisfy %s', (_, header, size) => expect(parseRange(header, size)).toBe('unsatisfiable'));

  it.each([
    ['no header', undefined, 10],
    ['an empty header', '', 10],
    ['several ranges', 'bytes=0-1,4-5', 10],
    ['another unit', 'items=0-1', 10],
    ['no unit', '0-1', 10],
    ['no numbers', 'bytes=-', 10],
    ['an end before the start', 'bytes=5-2', 10],
    ['an end before the start beyond 2^53', 'bytes=9007199254740993-9007199254740992', 10],
    ['a negative start', 'bytes=--1', 10],
    ['a sign', 'bytes=+1-2', 10],
    ['hex', 'bytes=0x1-0x2', 10],
    ['a fraction', 'bytes=1.5-2', 10],
    ['blanks', 'bytes= 1 - 2', 10],
    ['a line feed', 'bytes=1-2\n', 10],
    ['an empty body and a start', 'bytes=0-', 0],
    ['an empty body and a suffix', 'bytes=-5', 0],
  ])('answers the whole for %s', (_, header, size) => expect(parseRange(header, size)).toBe('whole'));

  it('never leaves the body, whatever the header', () => {
    const number = fc.oneof(fc.nat().map(String), fc.bigInt({ min: 0n, max: 1n << 70n }).map(String), fc.constant(''));
    const header = fc.oneof(
      fc.tuple(number, number).map(([first, last]) => `bytes=${first}-${last}`),
      fc.string({ unit: 'binary' }),
    );
    fc.assert(
      fc.property(header, fc.maxSafeNat(), (text, size) => {
        const range = parseRange(text, size);
        if (typeof range === 'string') return;
        expect(range.start).toBeGreaterThanOrEqual(0);
        expect(range.end).toBeGreaterThanOrEqual(range.start);
        expect(range.end).toBeLessThan(size);
      }),
    );
  });

  it.each(['0', '1', '-', ' ', ',0-1'])('takes linear time on a megabyte of "%s"', (text) => {
    const took = cpuTime(() => {
      parseRange(`bytes=${text.repeat(1 << 20)}`, 10);
      parseRange(`bytes=1-${text.repeat(1 << 20)}`, 10);
    });
    expect(took).toBeLessThan(5000);
  });
});

function isOrderedOrFault(header: string): boolean {
  try {
    const { start, end } = parseContentRange(header);
    return start <= end && Number.isSafeInteger(end + 1);
  } catch (error) {
    return isFault(error, 'upload-invalid');
  }
}

describe('parseContentRange', () => {
  it.each([
    ['0-0', { start: 0, end: 0 }],
    ['100-1023', { start: 100, end: 1023 }],
    ['bytes 0-4/5', { start: 0, end: 4 }],
    ['bytes 0-4/*', { start: 0, end: 4 }],
    ['Bytes 7-9/100', { start: 7, end: 9 }],
    ['0-9007199254740990', { start: 0, end: 9007199254740990 }],
  ])('reads %s', (header, range) => expect(parseContentRange(header)).toEqual(range));

  it.each([
    ['nothing', ''],
    ['an end before the start', '5-4'],
    ['an end at the total', 'bytes 0-5/5'],
    ['an open end', '5-'],
    ['a suffix', '-5'],
    ['the form of a Range header', 'bytes=0-5'],
    ['the RFC form without a total', 'bytes 0-5'],
    ['the short form with a total', '0-5/6'],
    ['an unsatisfied range', 'bytes */5'],
    ['another unit', 'items 0-4/5'],
    ['an end at 2^53 - 1, after which nothing could follow', '0-9007199254740991'],
    ['an end of seventeen digits', '0-90071992547409910'],
    ['a total beyond 2^53', 'bytes 0-5/9999999999999999'],
    ['a sign', '+0-5'],
    ['a line feed', '0-5\n'],
    ['other digits', '٠-٥'],
  ])('refuses %s', (_, header) => {
    expect(() => parseContentRange(header)).toThrow(expect.objectContaining({ code: 'upload-invalid' }));
  });

  it('answers hostile text with a range in order or a fault', () => {
    const piece = fc.constantFrom('bytes', ' ', '0', '7', '9007199254740991', '-', '/', '*', '=', '\u0000');
    const header = fc.oneof(
      fc.array(piece, { maxLength: 8 }).map((pieces) => pieces.join('')),
      fc.string({ unit: 'binary' }),
    );
    fc.assert(
      fc.property(header, (text) => {
        expect(isOrderedOrFault(text)).toBe(true);
      }),
      { numRuns: 2000 },
    );
  });

  it('takes linear time on a megabyte of blanks', () => {
    const took = cpuTime(() => {
      expect(() => parseContentRange(`bytes${' '.repeat(1 << 20)}`)).toThrow(
        expect.objectContaining({ code: 'upload-invalid' }),
      );
    });
    expect(took).toBeLessThan(5000);
  });
});
