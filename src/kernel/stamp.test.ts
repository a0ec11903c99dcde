import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parseStamp, type Stamp, stampClock } from './stamp.ts';

/** The wall-clock part: 12 hex digits of milliseconds. */
const stampMilliseconds = (stamp: Stamp): number => Number.parseInt(stamp.slice(0, 12), 16);

const time = fc.integer({ min: 0, max: 2 ** 44 });

describe('stamps', () => {
  test('rise strictly whatever the wall clock does', () => {
    fc.assert(
      fc.property(fc.array(time, { minLength: 2, maxLength: 50 }), (times) => {
        let now = 0;
        const clock = stampClock({ now: () => now, regionOrdinal: 1 });
        let last = '';
        for (const at of times) {
          now = at;
          const stamp = clock.next();
          expect(stamp > last).toBe(true);
          expect(parseStamp(stamp)).toBe(stamp);
          last = stamp;
        }
      }),
    );
  });

  test('follow every stamp that was seen, from a restart or from elsewhere', () => {
    fc.assert(
      fc.property(
        time,
        time,
        fc.integer({ min: 0, max: 0xffff }),
        fc.constantFrom('last', 'after', 'observe'),
        (here, there, region, way) => {
          const foreign = stampClock({ now: () => there, regionOrdinal: region }).next();
          const clock = stampClock({ now: () => here, regionOrdinal: 7, last: way === 'last' ? foreign : null });
          if (way === 'observe') clock.observe(foreign);
          const stamp = clock.next(way === 'after' ? foreign : null);
          expect(stamp.slice(0, 16) > foreign.slice(0, 16)).toBe(true);
          expect(stamp.endsWith('-0007')).toBe(true);
          expect(stampMilliseconds(stamp)).toBeGreaterThanOrEqual(Math.max(here, there));
        },
      ),
    );
  });

  test('carry a burst into the milliseconds and come back to the wall clock', () => {
    let now = 1000;
    const clock = stampClock({ now: () => now, regionOrdinal: 1 });
    let stamp: Stamp = clock.next();
    for (let count = 0; count < 70_000; count++) stamp = clock.next();
    expect(stampMilliseconds(stamp)).toBe(1001);
    now = 5000;
    expect(clock.next()).toBe('0000000013880000-0001');
  });

  test.each([
    '',
    '0',
    '0000000013880000-00g1',
    '0000000013880000_0001',
    '0000000013880000-00011',
    '000000001388000A-0001',
  ])('are not made of %j', (text) => {
    expect(() => parseStamp(text)).toThrow(TypeError);
  });
});
