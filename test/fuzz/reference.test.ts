import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  digestOf,
  isFault,
  isRepositoryName,
  parseDigest,
  parseReference,
  parseRepositoryName,
  parseTag,
} from '../../src/kernel/index.ts';
import { expectLinear, fuzz, hostileText, outcomeOf } from './_fuzz.ts';

const isLower = (c: string) => c >= 'a' && c <= 'z';
const isDigit = (c: string) => c >= '0' && c <= '9';
const isWord = (c: string) => isLower(c) || isDigit(c);

/** The grammar of a name as the specification writes it, read character by character. */
function isNameByModel(text: string): boolean {
  return text.length > 0 && text.length <= 255 && text.split('/').every(isComponentByModel);
}

function isComponentByModel(part: string): boolean {
  const characters = part.split('');
  if (characters.length === 0 || !isWord(characters[0] ?? '') || !isWord(characters.at(-1) ?? '')) return false;
  let separator = '';
  for (const c of characters) {
    if (isWord(c)) {
      if (!['', '.', '_', '__'].includes(separator) && !/^-+$/.test(separator)) return false;
      separator = '';
    } else separator += c;
  }
  return true;
}

function isTagByModel(text: string): boolean {
  const isFirst = (c: string) => isWord(c.toLowerCase()) && c.charCodeAt(0) < 128;
  const [first = '', ...rest] = text;
  if (text.length === 0 || text.length > 128) return false;
  return (isFirst(first) || first === '_') && rest.every((c) => isFirst(c) || ['_', '.', '-'].includes(c));
}

/** Text that is a name but for a separator or a length, and text that is nothing of the kind. */
const word = fc.oneof(fc.stringMatching(/^[a-z0-9]{1,6}$/), fc.constantFrom('', 'A', 'a'.repeat(120), 'é'));
const separator = fc.constantFrom('.', '_', '__', '___', '-', '--', '-----', '/', '//', '..', '_-', '._', '');
const names = fc.oneof(
  fc
    .array(fc.tuple(word, separator), { maxLength: 5 })
    .chain((parts) => word.map((last) => `${parts.map((part) => part.join('')).join('')}${last}`)),
  hostileText('team', 'app', '__', '-', '.', '/', 'library/alpine', 'A'),
);

/** A digest with a few characters put in for others, or taken out. */
const slip = fc.tuple(fc.nat(140), fc.constantFrom('a', 'A', 'F', 'f', 'g', '0', ':', '=', '', ' ', '\n'), fc.nat(1));
const digests = fc.oneof(
  fc
    .tuple(
      fc.constantFrom('sha256', 'sha512', 'SHA256', 'sha-256', 'md5'),
      fc.uint8Array(),
      fc.array(slip, { maxLength: 2 }),
    )
    .map(([algorithm, bytes, slips]) => {
      const hex = digestOf(bytes, algorithm === 'sha512' ? 'sha512' : 'sha256').slice(7);
      return slips.reduce((text, [at, c, cut]) => text.slice(0, at) + c + text.slice(at + cut), `${algorithm}:${hex}`);
    }),
  hostileText('sha256:', 'sha512:', 'a'.repeat(64), 'F'),
);

const tagUnit = fc.constantFrom('a', 'Z', '0', '_', '.', '-');
const tags = fc.oneof(
  fc.string({ unit: tagUnit, maxLength: 5 }),
  fc.string({ unit: tagUnit, minLength: 126, maxLength: 131 }),
  hostileText('v1', 'latest', '_', '.', '-', 'x'.repeat(64), 'ſ', 'K'),
);

describe('a repository name', () => {
  it('is taken exactly when the model takes it, and is then the text itself', () => {
    fuzz(
      names,
      (text) => {
        const { value, error } = outcomeOf(() => parseRepositoryName(text));
        expect(value !== undefined, JSON.stringify(text)).toBe(isNameByModel(text));
        expect(isRepositoryName(text)).toBe(isNameByModel(text));
        if (value !== undefined) expect(value).toBe(text);
        else expect(isFault(error, 'name-invalid')).toBe(true);
      },
      2000,
    );
  });

  it.each([
    ['words', 'a'],
    ['hyphens', '-'],
    ['slashes', 'a/'],
    ['separators', 'a-'],
    ['underscores', '_'],
  ])('takes linear time on %s', (_, unit) => {
    const make = (size: number) => unit.repeat(size / unit.length);
    expectLinear(make, (text) => outcomeOf(() => parseRepositoryName(text)));
    expectLinear(make, isRepositoryName);
  });
});

describe('a tag', () => {
  it('is taken exactly when the model takes it', () => {
    fuzz(
      tags,
      (text) => {
        const { value, error } = outcomeOf(() => parseTag(text));
        expect(value !== undefined, JSON.stringify(text)).toBe(isTagByModel(text));
        if (value === undefined) expect(isFault(error, 'tag-invalid') && error.message.length < 400).toBe(true);
      },
      2000,
    );
  });
});

describe('a digest', () => {
  it('is an algorithm that we compute and its lower-case hex, nothing else', () => {
    fuzz(
      digests,
      (text) => {
        const isDigest =
          (text.startsWith('sha256:') && text.length === 71) || (text.startsWith('sha512:') && text.length === 135);
        const isHex = text
          .slice(7)
          .split('')
          .every((c) => isDigit(c) || (c >= 'a' && c <= 'f'));
        const { value, error } = outcomeOf(() => parseDigest(text));
        expect(value !== undefined, text).toBe(isDigest && isHex);
        if (value === undefined) expect(isFault(error, 'digest-invalid', 'digest-unsupported')).toBe(true);
      },
      2000,
    );
  });

  it('of any bytes reads back as itself', () => {
    fuzz(fc.tuple(fc.uint8Array(), fc.constantFrom('sha256' as const, 'sha512' as const)), ([bytes, algorithm]) => {
      const digest = digestOf(bytes, algorithm);
      expect(parseDigest(digest)).toBe(digest);
      expect(parseReference(digest)).toEqual({ digest });
    });
  });

  it('takes linear time', () => {
    for (const unit of ['a', 'a+', 'sha256:', ':', '-'])
      expectLinear(
        (size) => unit.repeat(size / unit.length),
        (text) => outcomeOf(() => parseReference(text)),
      );
  });
});

describe('a reference', () => {
  it('is a tag or a digest, or a refusal of one of them', () => {
    fuzz(fc.oneof(names, digests), (text) => {
      const { value, error } = outcomeOf(() => parseReference(text));
      if (value) expect([value.tag, value.digest].filter((part) => part !== undefined)).toEqual([text]);
      else expect(isFault(error, 'tag-invalid', 'digest-invalid', 'digest-unsupported')).toBe(true);
    });
  });
});
