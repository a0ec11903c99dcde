import { describe, expect, test } from 'vitest';
import { readCache, readKey } from './read-cache.ts';

const statement = {};
const maxEntries = 1000;
const maxBytes = 64 * 1024;

describe('the cache of reads', () => {
  test('keeps small results until something may have changed', () => {
    const cache = readCache(maxEntries, maxBytes);
    const rows = [{ name: 'v1', size: 7, subject: null }];
    cache.keep(statement, 'a', rows);
    expect(cache.find(statement, 'a')).toBe(rows);
    expect(cache.find({}, 'a')).toBeUndefined();
    cache.clear();
    expect(cache.find(statement, 'a')).toBeUndefined();
  });

  test('keeps no result with many rows, with bytes, or with much text', () => {
    const cache = readCache(maxEntries, 1 << 20);
    const five = Array.from({ length: 5 }, () => ({ name: 'x' }));
    const large = [{ text: 'x'.repeat(4096) }, { text: 'x'.repeat(5000) }];
    for (const rows of [five, [{ bytes: new Uint8Array(1) }], large]) {
      cache.keep(statement, 'a', rows);
      expect(cache.find(statement, 'a')).toBeUndefined();
    }
  });

  test('holds no more bytes than it may, keys and empty results included', () => {
    for (const [rows, room] of [
      [[{ text: 'x'.repeat(1000) }], 32],
      [[], 400],
    ] as const) {
      const cache = readCache(maxEntries, maxBytes);
      const keys = Array.from({ length: 999 }, (_, index) => `${index}`.padEnd(100, '.'));
      let most = 0;
      for (const [index, key] of keys.entries()) {
        cache.keep(statement, key, rows);
        expect(cache.find(statement, key)).toBe(rows);
        const held = keys.slice(0, index + 1).filter((one) => cache.find(statement, one) !== undefined).length;
        most = Math.max(most, held);
      }
      expect(most).toBeGreaterThan(10);
      expect(most).toBeLessThanOrEqual(room);
    }
  });

  test('holds no more results than it may', () => {
    const cache = readCache(2, 1 << 20);
    for (const key of ['a', 'b', 'c']) cache.keep(statement, key, []);
    expect(['a', 'b', 'c'].map((key) => cache.find(statement, key))).toEqual([undefined, undefined, []]);
  });
});

describe('the key of bound values', () => {
  test('keeps values apart by type and length', () => {
    const keys = [[7], ['7'], [7n], ['a', 'b'], ['ab', ''], ['', 'ab'], [null], ['null']].map((values) =>
      readKey(values),
    );
    expect(new Set(keys).size).toBe(keys.length);
  });

  test('is none for bytes and for long text', () => {
    expect(readKey([new Uint8Array(1)])).toBeUndefined();
    expect(readKey(['x'.repeat(900)])).toBeDefined();
    expect(readKey(['x'.repeat(600), 'y'.repeat(600)])).toBeUndefined();
  });
});
