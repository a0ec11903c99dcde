import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { JsonObject } from '../../kernel/index.ts';
import { mergePatch } from './merge-patch.ts';

describe('mergePatch', () => {
  it('keeps the policies that a single policy does not name', () => {
    const current = {
      properties: { policies: { softDelete: { days: 7 }, export: { status: 'enabled' } }, admin: true },
    };
    const change = { properties: { policies: { export: { status: 'disabled' } } } };
    expect(mergePatch(current, change)).toEqual({
      properties: { policies: { softDelete: { days: 7 }, export: { status: 'disabled' } }, admin: true },
    });
  });

  it('takes away what is null, and knows nothing of what was not there', () => {
    expect(mergePatch({ a: { b: 1, c: 2 } }, { a: { b: null, d: null }, e: null })).toEqual({ a: { c: 2 } });
  });

  it('replaces lists and scalars', () => {
    expect(mergePatch({ a: [1, 2], b: { c: 1 }, d: 1 }, { a: [3], b: 2, d: { e: null, f: 1 } })).toEqual({
      a: [3],
      b: 2,
      d: { f: 1 },
    });
  });

  it('replaces the tags at the top, and merges what is called so elsewhere', () => {
    const current = { tags: { a: '1' }, properties: { tags: { a: '1' } } };
    expect(mergePatch(current, { tags: { b: '2' }, properties: { tags: { b: '2' } } })).toEqual({
      tags: { b: '2' },
      properties: { tags: { a: '1', b: '2' } },
    });
    expect(mergePatch(current, { tags: null })).toEqual({ properties: { tags: { a: '1' } } });
    expect(mergePatch(current, {})).toEqual(current);
  });

  it('touches no prototype', () => {
    const change = JSON.parse('{"__proto__":{"polluted":1},"constructor":{"prototype":{"polluted":1}}}') as JsonObject;
    const merged = mergePatch({}, change);
    expect(({} as { polluted?: number }).polluted).toBeUndefined();
    expect(Object.keys(merged)).toEqual(['__proto__', 'constructor']);
  });

  const key = fc.constantFrom('a', 'b', 'c', 'tags', '__proto__');
  const { value } = fc.letrec<{ value: fc.JsonValue; object: fc.JsonValue }>((tie) => ({
    object: fc.dictionary(key, tie('value'), { maxKeys: 4 }),
    value: fc.oneof({ depthSize: 'small' }, fc.integer(), fc.constant(null), fc.array(fc.integer()), tie('object')),
  }));
  const object = fc.dictionary(key, value, { maxKeys: 4 }) as fc.Arbitrary<JsonObject>;

  it('done twice is done once, changes neither argument, and leaves no null of the change', () => {
    fc.assert(
      fc.property(object, object, (current, change) => {
        const before = JSON.stringify([current, change]);
        const once = mergePatch(current, change);
        expect(mergePatch(once, change)).toEqual(once);
        expect(JSON.stringify([current, change])).toBe(before);
        expect(mergePatch({}, change)).toEqual(mergePatch(mergePatch({}, change), {}));
        expect(JSON.stringify(mergePatch({}, change))).not.toMatch(/:null/);
      }),
    );
  });

  it('of nothing changes nothing', () => {
    fc.assert(
      fc.property(object, (current) => {
        expect(mergePatch(current, {})).toEqual(current);
      }),
    );
  });
});
