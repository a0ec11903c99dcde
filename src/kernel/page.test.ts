import { describe, expect, test } from 'vitest';
import { parsePage } from './page.ts';

describe('pages', () => {
  test.each([
    [null, null, { limit: 100, last: null }],
    ['', 'a', { limit: 100, last: 'a' }],
    ['0', null, { limit: 0, last: null }],
    ['1', '', { limit: 1, last: '' }],
    ['1000', null, { limit: 1000, last: null }],
    ['1001', null, { limit: 1000, last: null }],
    ['99999999999999999999', null, { limit: 1000, last: null }],
    ['007', null, { limit: 7, last: null }],
  ])('are read from n=%j and last=%j', (n, last, page) => {
    expect(parsePage(n, last)).toEqual(page);
  });

  test.each(['-1', '1.5', 'ten', '1e3', ' 1', '0x10', '1'.repeat(21), '١'])('are not made of n=%j', (n) => {
    expect(() => parsePage(n, null)).toThrow(expect.objectContaining({ code: 'page-invalid' }));
  });

  test('end where a name cannot be', () => {
    expect(() => parsePage(null, 'x'.repeat(513))).toThrow(expect.objectContaining({ code: 'page-invalid' }));
    expect(() => parsePage(null, 'a\0b')).toThrow(expect.objectContaining({ code: 'page-invalid' }));
  });
});
