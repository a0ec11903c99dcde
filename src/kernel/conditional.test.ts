import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { cpuTime } from './_cpu-time.ts';
import { etagMatches, ifRangeMatches } from './conditional.ts';

const etag = '"sha256:abc"';

describe('etagMatches', () => {
  it.each([
    ['the tag itself', '"sha256:abc"'],
    ['the weak form of the tag', 'W/"sha256:abc"'],
    ['the star', '*'],
    ['the star between blanks', ' * '],
    ['a list that holds it', '"x", "sha256:abc"'],
    ['a list without blanks', 'W/"x","sha256:abc","y"'],
    ['a list with empty elements', ', ,"x",, "sha256:abc" ,'],
    ['a list with a comma inside another tag', '"x,y", "sha256:abc"'],
  ])('holds for %s', (_, header) => expect(etagMatches(header, etag)).toBe(true));

  it.each([
    ['no header', undefined],
    ['an empty header', ''],
    ['only commas', ',,,'],
    ['another tag', '"sha256:abd"'],
    ['the tag without quotes', 'sha256:abc'],
    ['the tag inside another', '"x,\\"sha256:abc"'],
    ['an open quote', '"sha256:abc'],
    ['a lower-case weak mark', 'w/"sha256:abc"'],
    ['a star in a list', '*, "x"'],
    ['tags without a comma between them', '"x" "sha256:abc"'],
    ['tags that touch', '"x""sha256:abc"'],
    ['a tag after a syntax error', 'x, "sha256:abc"'],
    ['other letter case', '"SHA256:ABC"'],
  ])('does not hold for %s', (_, header) => expect(etagMatches(header, etag)).toBe(false));

  it('compares weakly from both sides', () => expect(etagMatches('"a"', 'W/"a"')).toBe(true));

  it('finds the tag in any list of tags', () => {
    const tag = fc
      .tuple(fc.constantFrom('', 'W/'), fc.stringMatching(/^[!#-~]{0,12}$/))
      .map(([weak, text]) => `${weak}"${text}"`);
    fc.assert(
      fc.property(fc.array(tag), fc.array(tag), fc.constantFrom(',', ', ', ' ,\t'), (before, after, comma) => {
        expect(etagMatches([...before, etag, ...after].join(comma), etag)).toBe(true);
      }),
    );
  });

  it('answers hostile text with a boolean', () => {
    const piece = fc.constantFrom('"', 'W/', ',', ' ', '*', 'x', '\u0000', '\u{1F600}', etag);
    fc.assert(
      fc.property(fc.array(piece), (pieces) => {
        expect(typeof etagMatches(pieces.join(''), etag)).toBe('boolean');
        expect(typeof ifRangeMatches(pieces.join(''), etag)).toBe('boolean');
      }),
    );
  });

  it.each(['"', ',', ' ', ', ', '"a",', 'W/', '"a" '])('takes linear time on a megabyte of %j', (text) => {
    const took = cpuTime(() => {
      etagMatches(`${text.repeat((1 << 20) / text.length)}x`, etag);
    });
    expect(took).toBeLessThan(5000);
  });
});

describe('ifRangeMatches', () => {
  it.each([
    ['no header', undefined, etag, true],
    ['the same strong tag', '"sha256:abc"', etag, true],
    ['another tag', '"x"', etag, false],
    ['a weak tag', 'W/"sha256:abc"', etag, false],
    ['two weak tags', 'W/"a"', 'W/"a"', false],
    ['a date', 'Wed, 21 Oct 2015 07:28:00 GMT', etag, false],
    ['a list', '"sha256:abc", "x"', etag, false],
    ['the star', '*', etag, false],
    ['nothing', '', etag, false],
  ])('answers %s', (_, header, tag, holds) => expect(ifRangeMatches(header, tag)).toBe(holds));
});
