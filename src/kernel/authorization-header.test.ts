import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { cpuTime } from './_cpu-time.ts';
import { parseAuthorization } from './authorization-header.ts';

const basic = (text: string | Uint8Array) => `Basic ${Buffer.from(text).toString('base64')}`;

describe('parseAuthorization', () => {
  it('answers none without a header', () => expect(parseAuthorization(undefined)).toEqual({ scheme: 'none' }));

  it.each([
    ['user and password', 'alice:secret', 'alice', 'secret'],
    ['a password with colons', 'alice:a:b:c', 'alice', 'a:b:c'],
    ['an empty password', 'alice:', 'alice', ''],
    ['an empty user', ':token', '', 'token'],
    ['letters beyond ASCII', 'älice:pässwörd €', 'älice', 'pässwörd €'],
    ['the longest user', `${'u'.repeat(256)}:p`, 'u'.repeat(256), 'p'],
    ['the longest password', `u:${'p'.repeat(16_384)}`, 'u', 'p'.repeat(16_384)],
    ['both at their longest', `${'u'.repeat(256)}:${'p'.repeat(16_384)}`, 'u'.repeat(256), 'p'.repeat(16_384)],
  ])('reads Basic with %s', (_, text, username, password) => {
    expect(parseAuthorization(basic(text))).toEqual({ scheme: 'basic', username, password });
  });

  it('reads a Bearer token', () => {
    expect(parseAuthorization('Bearer abc.DEF-_~+/0==')).toEqual({ scheme: 'bearer', token: 'abc.DEF-_~+/0==' });
    expect(parseAuthorization(`Bearer ${'t'.repeat(16_384)}`)).toEqual({ scheme: 'bearer', token: 't'.repeat(16_384) });
  });

  it('reads scheme names in any letter case and more than one blank', () => {
    expect(parseAuthorization('bEaReR  abc')).toEqual({ scheme: 'bearer', token: 'abc' });
    expect(parseAuthorization('BASIC YTpi')).toEqual({ scheme: 'basic', username: 'a', password: 'b' });
  });

  it.each([
    ['an empty header', ''],
    ['a scheme alone', 'Basic'],
    ['a scheme and a blank', 'Bearer '],
    ['another scheme', 'Negotiate YTpi'],
    ['Digest with parameters', 'Digest username="a", realm="b"'],
    ['base64 without its padding', 'Basic YTpiYw'],
    ['base64 with too much padding', 'Basic YTpi='],
    ['base64 with left-over bits', 'Basic YTr='],
    ['base64url letters', `Basic ${Buffer.from('a:\u00ff\u00fe\u00ff').toString('base64url')}`],
    ['blanks inside base64', 'Basic YT pi'],
    ['no colon', basic('alice')],
    ['invalid UTF-8 in the user', basic(Uint8Array.from([0xff, 0x3a, 0x61]))],
    ['invalid UTF-8 in the password', basic(Uint8Array.from([0x61, 0x3a, 0xc0, 0xaf]))],
    ['NUL in the user', basic('a\u0000b:c')],
    ['a line feed in the password', basic('a:b\nc')],
    ['DEL in the password', basic('a:b\u007f')],
    ['a C1 control in the user', basic('a\u0085:b')],
    ['a user of 257 bytes', basic(`${'u'.repeat(257)}:p`)],
    ['a password over 16 KiB', basic(`u:${'p'.repeat(16_385)}`)],
    ['a token over 16 KiB', `Bearer ${'t'.repeat(16_385)}`],
    ['a token with a blank', 'Bearer a b'],
    ['a token with a comma', 'Bearer a,b'],
    ['a token with padding inside', 'Bearer a=b'],
    ['two credentials', 'Bearer abc, Basic YTpi'],
    ['a blank before the scheme', ' Bearer abc'],
    ['a tab after the scheme', 'Bearer\tabc'],
    ['a line feed at the end', 'Bearer abc\n'],
  ])('finds %s unusable', (_, header) => expect(parseAuthorization(header)).toEqual({ scheme: 'unusable' }));

  it('reads back every user without a colon and every password', () => {
    const text = fc.string({ unit: 'grapheme', maxLength: 60 }).filter((value) => !/\p{Cc}/u.test(value));
    fc.assert(
      fc.property(text, text, (user, password) => {
        const username = user.replaceAll(':', '');
        const expected =
          Buffer.byteLength(username) > 256 ? { scheme: 'unusable' } : { scheme: 'basic', username, password };
        expect(parseAuthorization(basic(`${username}:${password}`))).toEqual(expected);
      }),
    );
  });

  it('never throws, and never lets a control character through', () => {
    const header = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.uint8Array({ maxLength: 60 }).map(basic),
      fc.string({ unit: 'binary' }).map((text) => `Bearer ${text}`),
      fc.base64String().map((text) => `basic ${text}`),
    );
    fc.assert(
      fc.property(header, (text) => {
        expect(JSON.stringify(parseAuthorization(text))).not.toMatch(/\\u00[01]|\\[nrtbf]/);
      }),
      { numRuns: 1000 },
    );
  });

  it.each([' ', '=', 'A', 'Bearer ', 'Bearer A'])('takes linear time on a megabyte of "%s"', (text) => {
    const took = cpuTime(() => {
      for (const scheme of ['', 'Basic ', 'Bearer ']) parseAuthorization(scheme + text.repeat((1 << 20) / text.length));
      for (const scheme of ['', 'Basic ', 'Bearer '])
        parseAuthorization(`${scheme}${text.repeat(20_000 / text.length)}\0`);
    });
    expect(took).toBeLessThan(5000);
  });
});
