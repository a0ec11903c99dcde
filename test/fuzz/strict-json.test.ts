import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isObject, parseStrictJson, StrictJsonError } from '../../src/kernel/index.ts';
import { expectLinear, fuzz, outcomeOf } from './_fuzz.ts';

const encode = (text: string) => Buffer.from(text);
const read = (bytes: Uint8Array) => outcomeOf(() => parseStrictJson(bytes));

function depthOf(value: unknown): number {
  if (typeof value !== 'object' || value === null) return 0;
  return 1 + Math.max(0, ...Object.values(value).map(depthOf));
}

const blank = fc.constantFrom('', ' ', '\n', '\t', '\r\n  ');
const value = fc.jsonValue({ maxDepth: 6 });

describe('strict JSON', () => {
  it('reads what JSON.stringify writes, with blanks or without, as JSON.parse does', () => {
    fuzz(fc.tuple(value, fc.nat(4), blank, blank), ([given, indent, before, after]) => {
      const text = `${before}${JSON.stringify(given, null, indent)}${after}`;
      if (text.includes('"__proto__"') || /\\ud[89a-f]/i.test(text)) return;
      expect(depthOf(given)).toBeLessThanOrEqual(64);
      expect(read(encode(text)).value).toEqual(JSON.parse(text));
    });
  });

  it('takes nothing that JSON.parse refuses or reads otherwise, in text with some bytes changed', () => {
    const change = fc.tuple(fc.nat(), fc.constantFrom(...'{}[]",:0-e.\\u tfn\u0000\ufeff'.split('')));
    fuzz(
      fc.tuple(value, fc.array(change, { minLength: 1, maxLength: 4 })),
      ([given, changes]) => {
        let text = JSON.stringify(given);
        for (const [at, c] of changes) {
          const place = at % (text.length + 1);
          text = text.slice(0, place) + c + text.slice(place + (at % 2));
        }
        const { value: found, error } = read(encode(text));
        if (error !== undefined) {
          expect(error).toBeInstanceOf(StrictJsonError);
          expect((error as Error).message.length).toBeLessThan(200);
        } else expect(found).toEqual(JSON.parse(text));
      },
      3000,
    );
  });

  it('answers any bytes with a value or its own error', () => {
    fuzz(fc.uint8Array({ maxLength: 64 }), (bytes) => {
      const { error } = read(bytes);
      if (error !== undefined) expect(error).toBeInstanceOf(StrictJsonError);
    });
  });

  it('takes an object exactly when no key of it comes twice, however the keys are written', () => {
    const key = fc.constantFrom('a', 'b', 'layers', 'é', '');
    const escaped = (text: string) =>
      text.replaceAll(/[^]/g, (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`);
    fuzz(fc.tuple(fc.array(fc.tuple(key, fc.boolean()), { maxLength: 5 }), fc.nat(3)), ([keys, depth]) => {
      const members = keys.map(([name, isEscaped]) => `"${isEscaped ? escaped(name) : name}":0`).join(',');
      const text = `${'[{"x":'.repeat(depth)}{${members}}${'}]'.repeat(depth)}`;
      const isTwice = new Set(keys.map(([name]) => name)).size < keys.length;
      expect(read(encode(text)).error instanceof StrictJsonError, text).toBe(isTwice);
    });
  });

  it('never lets a key change what objects are', () => {
    const key = fc.constantFrom(
      '__proto__',
      'constructor',
      'prototype',
      'toString',
      'hasOwnProperty',
      '\\u005f_proto__',
    );
    fuzz(fc.tuple(key, key, fc.boolean()), ([outer, inner, deep]) => {
      const text = deep ? `{"${outer}":{"${inner}":{"polluted":1}}}` : `{"${outer}":1}`;
      const { value: found } = read(encode(text));
      expect(({} as Record<string, unknown>)['polluted']).toBeUndefined();
      if (found === undefined) return;
      expect(isObject(found)).toBe(true);
      expect(Object.getPrototypeOf(found)).toBe(Object.prototype);
    });
  });

  it.each([
    ['brackets', '['],
    ['braces', '{"a":'],
    ['quotes', '"'],
    ['backslashes', '"\\\\'],
    ['keys', '{"a":1,'],
    ['digits', '1'],
    ['blanks', ' '],
    ['broken UTF-8', '\u00ff'],
  ])('takes linear time on %s', (_, unit) => {
    expectLinear((size) => Buffer.from(unit.repeat(size / unit.length), 'latin1'), read);
    const inArray = (size: number) => encode(`[${Array.from({ length: size / 4 }, () => '1').join(',')}]`);
    expectLinear(inArray, read);
  });
});
