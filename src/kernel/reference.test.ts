import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { digestOf } from './digest.ts';
import { isFault } from './fault.ts';
import { isRepositoryName, parseReference, parseRepositoryName, parseTag } from './reference.ts';

describe('repository names', () => {
  test.each(['a', 'team/app', 'a.b', 'a_b', 'a__b', 'a-b', 'a---b', '0/1/2', 'a'.repeat(255)])('may be %j', (text) => {
    expect(parseRepositoryName(text)).toBe(text);
  });

  test.each([
    '',
    '/',
    'a/',
    '/a',
    'a//b',
    'A',
    'a..b',
    'a___b',
    'a._b',
    '-a',
    'a-',
    'a b',
    'a\n',
    'ä',
    '..',
    'a/../b',
    'a'.repeat(256),
  ])('may not be %j', (text) => {
    expect(() => parseRepositoryName(text)).toThrow(expect.objectContaining({ code: 'name-invalid' }));
  });

  test('are recognised exactly when they parse', () => {
    const text = fc.string({ unit: fc.constantFrom('a', '0', '-', '_', '.', '/', 'A'), maxLength: 12 });
    fc.assert(
      fc.property(text, (name) => {
        let refusal: unknown;
        try {
          parseRepositoryName(name);
        } catch (error) {
          refusal = error;
        }
        expect(isRepositoryName(name)).toBe(!isFault(refusal, 'name-invalid'));
      }),
    );
  });

  test('are refused in time that grows with their length only', () => {
    expect(isRepositoryName(`${'a-'.repeat(127)}!`)).toBe(false);
  });
});

describe('references', () => {
  test.each(['latest', 'v1.0', '_a', 'A-b_c.d', '1', 'x'.repeat(128)])('may be the tag %j', (text) => {
    expect(parseTag(text)).toBe(text);
    expect(parseReference(text)).toEqual({ tag: text });
  });

  test.each(['', '.a', '-a', 'a b', 'a/b', 'a\n', 'x'.repeat(129), 'ä'])('may not be the tag %j', (text) => {
    expect(() => parseReference(text)).toThrow(expect.objectContaining({ code: 'tag-invalid' }));
  });

  test('with a colon are digests', () => {
    const digest = digestOf(Buffer.from('a'));
    expect(parseReference(digest)).toEqual({ digest });
    expect(() => parseReference('a:b')).toThrow(expect.objectContaining({ code: 'digest-unsupported' }));
    expect(() => parseReference(':')).toThrow(expect.objectContaining({ code: 'digest-invalid' }));
  });
});
