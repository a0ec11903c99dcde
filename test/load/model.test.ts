import { describe, expect, test } from 'vitest';
import { absent, model, present } from './_model.ts';

const [blob, manifest] = ['blob load/a sha256:1', 'manifest load/a sha256:2'];
const [tag, other] = ['tag load/a v1', 'tag load/a v2'];

describe('what a registry promised', () => {
  test('is the new value once the answer came, and the old one after a refusal', () => {
    const known = model();
    expect(known.value(blob)).toBe(absent);
    const push = known.begin([[blob, present]]);
    expect(known.value(blob)).toBeUndefined();
    push.settle();
    expect(known.value(blob)).toBe(present);
    known.begin([[blob, absent]]).refuse();
    expect(known.value(blob)).toBe(present);
  });

  test('is complained about when it is lost, and when a deletion did not stay', () => {
    const known = model();
    known.begin([[blob, present]]).settle();
    expect(known.observe(blob, absent)).toBe(`${blob} is absent, not present`);
    known.begin([[tag, 'sha256:2']]).settle();
    known.begin([[tag, absent]]).settle();
    expect(known.observe(tag, 'sha256:2')).toBe(`${tag} is sha256:2, not absent`);
  });

  test('is complained about when nobody ever sent it', () => {
    expect(model().observe(blob, present)).toBe(`${blob} is present, not absent`);
  });

  test('is either value while a request is cut off, and no third; then what was found', () => {
    const known = model();
    known.begin([[tag, 'sha256:2']]).settle();
    known.begin([[tag, 'sha256:3']]);
    expect(known.possible(tag)).toEqual(new Set(['sha256:2', 'sha256:3']));
    expect(known.observe(tag, 'sha256:4')).toBe(`${tag} is sha256:4, not sha256:2 or sha256:3`);
    expect(known.observe(tag, 'sha256:3')).toBeUndefined();
    expect(known.halfDone()).toEqual([]);
    expect(known.value(tag)).toBe('sha256:3');
    expect(known.observe(tag, 'sha256:2')).toBe(`${tag} is sha256:2, not sha256:3`);
  });

  test('comes whole or not at all, also from a request that was cut off', () => {
    const cutOff = (found: readonly (readonly [string, string])[]): string[] => {
      const known = model();
      known.begin([
        [manifest, present],
        [tag, 'sha256:2'],
        [other, 'sha256:2'],
      ]);
      for (const [key, value] of found) expect(known.observe(key, value)).toBeUndefined();
      return known.halfDone();
    };
    const tagged = [tag, 'sha256:2'] as const;
    expect(cutOff([[manifest, present], tagged, [other, 'sha256:2']])).toEqual([]);
    expect(
      cutOff([
        [manifest, absent],
        [tag, absent],
        [other, absent],
      ]),
    ).toEqual([]);
    expect(cutOff([[manifest, present], tagged, [other, absent]])).toEqual([
      `half of a request happened: ${manifest}, ${tag}, ${other}`,
    ]);
  });

  test('says nothing about a request whose effect another one had as well', () => {
    const known = model();
    known.begin([
      [manifest, present],
      [tag, 'sha256:2'],
    ]);
    known.begin([
      [manifest, present],
      [other, 'sha256:2'],
    ]);
    known.observe(manifest, present);
    known.observe(tag, 'sha256:2');
    known.observe(other, absent);
    expect(known.halfDone()).toEqual([]);
  });
});

describe('a claim', () => {
  test('stands against all others when it is alone, and against those when it is together', () => {
    const known = model();
    const first = known.claim({ together: [blob] });
    const second = known.claim({ together: [blob], alone: [tag] });
    expect(first && second).toBeDefined();
    expect(known.claim({ alone: [blob] })).toBeUndefined();
    expect(known.claim({ together: [tag] })).toBeUndefined();
    first?.[Symbol.dispose]();
    expect(known.claim({ alone: [blob] })).toBeUndefined();
    second?.[Symbol.dispose]();
    using alone = known.claim({ alone: [blob, tag] });
    expect(alone).toBeDefined();
    expect(known.claim({ together: [blob] })).toBeUndefined();
  });

  test('that is refused holds nothing', () => {
    const known = model();
    using held = known.claim({ alone: [tag] });
    expect(held).toBeDefined();
    expect(known.claim({ alone: [blob, tag] })).toBeUndefined();
    expect(known.claim({ alone: [blob] })).toBeDefined();
  });
});

test('touched are the keys that were changed or watched since the last time', () => {
  const known = model();
  known.begin([[blob, present]]).settle();
  expect(known.takeTouched()).toEqual([blob]);
  known.begin([[tag, 'sha256:2']]);
  expect(known.takeTouched()).toEqual([tag]);
  expect(known.takeTouched()).toEqual([]);
  expect(known.keys('tag ')).toEqual([tag]);
  known.watch([other]);
  expect(known.takeTouched()).toEqual([other]);
  expect(known.value(other)).toBe(absent);
});
