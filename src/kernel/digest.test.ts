import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { algorithmOf, digestOf, looksLikeDigest, parseDigest, parseDigestAlgorithm, startDigest } from './digest.ts';

const emptySha256 = 'sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855';

describe('digests', () => {
  test('of nothing is the known one', () => {
    expect(digestOf(new Uint8Array(0))).toBe(emptySha256);
  });

  test('of pieces are those of the whole, and are read back', () => {
    fc.assert(
      fc.property(
        fc.array(fc.uint8Array({ maxLength: 50 })),
        fc.constantFrom('sha256', 'sha512'),
        (parts, algorithm) => {
          const running = startDigest(algorithm);
          for (const part of parts) running.update(part);
          const digest = digestOf(Buffer.concat(parts), algorithm);
          expect(running.digest()).toBe(digest);
          expect(running.algorithm).toBe(algorithm);
          expect(parseDigest(digest)).toBe(digest);
          expect(algorithmOf(digest)).toBe(algorithm);
          expect(looksLikeDigest(digest)).toBe(true);
        },
      ),
    );
  });

  test.each([
    '',
    'sha256',
    'sha256:',
    emptySha256.toUpperCase(),
    emptySha256.replace('e3', 'E3'),
    emptySha256.slice(0, -1),
    `${emptySha256}0`,
    `${emptySha256}\n`,
    ` ${emptySha256}`,
    emptySha256.replace('e3', 'g3'),
    emptySha256.replace('sha256', 'sha512'),
    `sha256:../${'a'.repeat(61)}`,
    'x'.repeat(500),
  ])('are not made of %j', (text) => {
    expect(() => parseDigest(text)).toThrow(expect.objectContaining({ code: 'digest-invalid' }));
  });

  test.each(['md5:d41d8cd98f00b204e9800998ecf8427e', 'sha256+b64u:LCa0a2j_xo_5m0U8HTBBNBNCLXBkg7-g-YpeiGJm564'])(
    'of other algorithms are told apart: %s',
    (text) => {
      expect(() => parseDigest(text)).toThrow(expect.objectContaining({ code: 'digest-unsupported' }));
    },
  );

  test('are made by two algorithms', () => {
    expect(parseDigestAlgorithm('sha512')).toBe('sha512');
    expect(() => parseDigestAlgorithm('SHA256')).toThrow(expect.objectContaining({ code: 'digest-unsupported' }));
  });
});
