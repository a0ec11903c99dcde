import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { cpuTime } from './_cpu-time.ts';
import { isObject, member, parseStrictJson, StrictJsonError } from './strict-json.ts';

const encode = (text: string) => new TextEncoder().encode(text);
const parse = (text: string, maxDepth?: number) =>
  parseStrictJson(encode(text), maxDepth === undefined ? {} : { maxDepth });

/** The message of the refusal, or undefined when there was none; any error but a StrictJsonError is thrown on. */
function refusal(run: () => unknown): string | undefined {
  try {
    run();
    return undefined;
  } catch (error) {
    if (error instanceof StrictJsonError) return error.message;
    throw error;
  }
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

describe('parseStrictJson', () => {
  it.each([
    'null',
    ' true ',
    'false',
    '0',
    '-0',
    '1.5e+3',
    '""',
    '"a\\u00e9\\n"',
    '[]',
    '[1,[2]]',
    '{}',
    '{"a":{"a":1}}',
  ])('reads %s as JSON.parse does', (text) => expect(parse(text)).toEqual(JSON.parse(text)));

  it.each([
    ['a key twice', '{"a":1,"b":2,"a":3}', 'duplicate key "a" at character 13'],
    ['a key twice further down', '[{"x":{"a":1,"a":1}}]', 'duplicate key "a" at character 13'],
    ['a key twice, once in escapes', '{"layers":1,"\\u006cayers":2}', 'duplicate key "layers" at character 12'],
    ['the key __proto__', '{"__proto__":{"x":1}}', 'the key "__proto__" is not taken at character 1'],
    ['the key __proto__ in escapes', '{"\\u005f_proto__":1}', 'the key "__proto__" is not taken at character 1'],
    ['a byte order mark', '\uFEFF{}', 'a value expected, found a byte order mark at character 0'],
    ['nothing', '', 'a value expected, found the end of the text at character 0'],
    ['two values', '{} {}', 'the end expected, found "{" at character 3'],
    ['a trailing comma in an array', '[1,]', 'a value expected, found "]" at character 3'],
    ['a trailing comma in an object', '{"a":1,}', 'a key expected, found "}" at character 7'],
    ['a missing comma', '[1 2]', '"," or "]" expected, found "2" at character 3'],
    ['a missing colon', '{"a" 1}', '":" expected, found "1" at character 5'],
    ['an open object', '{"a":1', '"," or "}" expected, found the end of the text at character 6'],
    ['an open string', '"abc', 'the rest of a string expected, found the end of the text at character 4'],
    ['a raw line feed in a string', '"a\nb"', 'the rest of a string expected, found "\\n" at character 2'],
    ['an unknown escape', '"\\x41"', 'an escape expected, found "x" at character 2'],
    ['a short unicode escape', '"\\u12"', 'four hex digits expected at character 3'],
    ['a lone high surrogate', '"\\ud800"', 'lone surrogate at character 2'],
    ['a lone low surrogate', '"\\udc00"', 'lone surrogate at character 2'],
    ['two high surrogates', '"\\ud800\\ud800"', 'lone surrogate at character 2'],
    ['a leading zero', '01', 'the end expected, found "1" at character 1'],
    ['a bare minus', '-', 'a digit expected, found the end of the text at character 1'],
    ['an empty fraction', '1.', 'a digit expected, found the end of the text at character 2'],
    ['an empty exponent', '1e', 'a digit expected, found the end of the text at character 2'],
    ['NaN', 'NaN', 'a value expected, found "N" at character 0'],
    ['a comment', '/**/1', 'a value expected, found "/" at character 0'],
    ['single quotes', "{'a':1}", 'a key expected, found "\'" at character 1'],
    ['a no-break space', '\u00a01', 'a value expected, found "\u00a0" at character 0'],
  ])('refuses %s', (_, text, message) => expect(refusal(() => parse(text))).toBe(message));

  it.each([
    ['a stray continuation byte', [0x22, 0x80, 0x22], 1],
    ['an overlong slash', [0x22, 0xc0, 0xaf, 0x22], 1],
    ['an encoded surrogate', [0x22, 0xed, 0xa0, 0x80, 0x22], 1],
    ['a cut-off sequence after a real U+FFFD', [0x22, 0xef, 0xbf, 0xbd, 0xe2, 0x82], 4],
    ['UTF-16', [0xff, 0xfe, 0x7b, 0x00], 0],
  ])('refuses %s', (_, bytes, position) => {
    expect(refusal(() => parseStrictJson(Uint8Array.from(bytes)))).toBe(`invalid UTF-8 at byte ${position}`);
  });

  it('takes nesting up to the limit and refuses one more', () => {
    const nested = (depth: number) => '['.repeat(depth) + ']'.repeat(depth);
    expect(parse(nested(64))).toBeInstanceOf(Array);
    expect(refusal(() => parse(nested(65)))).toBe('nested deeper than 64 at character 64');
    expect(parse('{"a":[1]}', 2)).toEqual({ a: [1] });
    expect(refusal(() => parse('{"a":[{}]}', 2))).toBe('nested deeper than 2 at character 6');
  });

  it('echoes at most 40 characters of the text', () => {
    const key = 'k'.repeat(5000);
    const message = refusal(() => parse(`{"${key}":1,"${key}":2}`));
    expect(message).toBe(`duplicate key "${'k'.repeat(39)}…" at character 5006`);
  });

  it('keeps keys that name inherited members as data, and pollutes nothing', () => {
    const value = parse('{"constructor":{"prototype":{"polluted":1}},"toString":2}');
    expect(Object.getOwnPropertyNames(value)).toEqual(['constructor', 'toString']);
    expect(({} as Record<string, unknown>)['polluted']).toBeUndefined();
  });

  it('accepts any text that JSON.stringify makes', () => {
    const isStrict = (text: string) => !text.includes('__proto__') && !/\\ud[89a-f]/i.test(text);
    fc.assert(
      fc.property(fc.json({ maxDepth: 8, stringUnit: 'binary' }).filter(isStrict), (text) => {
        expect(parse(text)).toEqual(JSON.parse(text));
      }),
    );
  });

  it('refuses what JSON.parse refuses, and beyond that only keys', () => {
    const token = fc.constantFrom(
      '{',
      '}',
      '[',
      ']',
      ':',
      ',',
      '"',
      '"a"',
      '"b"',
      '\\',
      '\\u0061',
      '1',
      '-',
      '.',
      'e',
      ' ',
      'true',
      'null',
      '"__proto__"',
    );
    fc.assert(
      fc.property(fc.array(token, { maxLength: 14 }), (tokens) => {
        const text = tokens.join('');
        const refused = refusal(() => expect(parse(text)).toEqual(JSON.parse(text)));
        const isStricter = /^duplicate key|^the key "__proto__"/.test(refused ?? '');
        expect(refused === undefined || isStricter).toBe(isJson(text) || isStricter);
      }),
      { numRuns: 3000 },
    );
  });

  it('answers random bytes with a value or a StrictJsonError', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        expect(['string', 'undefined']).toContain(typeof refusal(() => parseStrictJson(bytes)));
      }),
    );
  });

  // Work that grew with the square of the length would need hours here.
  const size = 4 << 20;
  it.each([
    ['open brackets', '['.repeat(size)],
    ['open objects', '{"a":'.repeat(size / 5)],
    ['open quotes', '"'.repeat(size)],
    ['backslashes', `"${'\\'.repeat(size)}`],
    ['digits', '1'.repeat(size)],
    ['blanks', ' '.repeat(size)],
    ['distinct keys', `{${Array.from({ length: size / 16 }, (_, n) => `"k${n}":1`).join(',')}}`],
    ['number-like keys', `{${Array.from({ length: size / 16 }, (_, n) => `"${n * 4096}":1`).join(',')}}`],
    ['small objects', `[${'{"a":1},'.repeat(size / 8)}1]`],
    ['escapes in a key', `{"${'\\u0061'.repeat(size / 6)}":1}`],
  ])('takes linear time on 4 MiB of %s', (_, text) => {
    const took = cpuTime(() => {
      refusal(() => parse(text));
    });
    expect(took).toBeLessThan(5000);
  });

  it('finds invalid UTF-8 in linear time behind many replacement characters', () => {
    const bytes = Buffer.concat([Buffer.from('\uFFFD'.repeat(size / 3)), Buffer.from([0x80])]);
    const took = cpuTime(() => {
      expect(refusal(() => parseStrictJson(bytes))).toBe(`invalid UTF-8 at byte ${bytes.length - 1}`);
    });
    expect(took).toBeLessThan(5000);
  });
});

describe('readers', () => {
  it('knows objects from everything else', () => {
    expect(isObject({})).toBe(true);
    for (const value of [null, [], 'a', 1, true, undefined]) expect(isObject(value)).toBe(false);
  });

  it('reads own members only', () => {
    const value = parse('{"a":1}');
    if (!isObject(value)) throw new Error('an object was written');
    expect(member(value, 'a')).toBe(1);
    expect(member(value, 'constructor')).toBeUndefined();
    expect(member(value, 'b')).toBeUndefined();
  });
});
