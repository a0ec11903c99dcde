import { describe, expect, test } from 'vitest';
import { randomNumbers } from '../../src/content/_random-numbers.ts';
import { type Reading, trendOf } from './trend.ts';

/** 120 readings, three seconds apart. */
function readings(value: (index: number) => number): Reading[] {
  return Array.from({ length: 120 }, (_, index) => ({ at: index * 3, value: value(index) }));
}

function noise(seed: number, size: number): () => number {
  const next = randomNumbers(seed);
  return () => (next(2001) / 1000 - 1) * size;
}

describe('the trend of readings', () => {
  test('is the slope of a line, per minute', () => {
    const trend = trendOf(
      readings((index) => 100 + index * 3 * 0.5),
      1,
    );
    expect(trend.slope).toBeCloseTo(30);
    expect(trend.growth).toBeCloseTo(178.5);
    expect(trend).toMatchObject({ samples: 120, rises: true });
    expect(trend.noise).toBeLessThan(0.001);
  });

  test('rises for a leak that is smaller than the noise of one reading', () => {
    const shake = noise(1, 10);
    const trend = trendOf(
      readings((index) => 200 + index * 0.15 + shake()),
      4,
    );
    expect(trend.rises).toBe(true);
    expect(trend.slope).toBeGreaterThan(trend.noise);
  });

  test('does not rise for noise alone, whatever the seed', () => {
    for (let seed = 1; seed <= 50; seed++) {
      const shake = noise(seed, 10);
      expect(
        trendOf(
          readings(() => 200 + shake()),
          4,
        ),
        `seed ${seed}`,
      ).toMatchObject({ rises: false });
    }
  });

  test('does not rise for the waves of a collector, which look like a slope where they are cut', () => {
    for (let phase = 0; phase < 40; phase++) {
      const wave = readings((index) => 200 + ((index + phase) % 40));
      expect(trendOf(wave, 4), `phase ${phase}`).toMatchObject({ rises: false });
    }
  });

  test('counts readings that resemble each other for less', () => {
    const shake = noise(3, 10);
    const single = trendOf(
      readings(() => shake()),
      0,
    );
    let held = 0;
    const again = noise(3, 10);
    const inSteps = trendOf(
      readings((index) => (index % 10 === 0 ? (held = again()) : held)),
      0,
    );
    expect(inSteps.noise).toBeGreaterThan(single.noise * 2);
  });

  test('does not rise for a growth of no size', () => {
    const steps = readings((index) => 40 + index / 1000);
    expect(trendOf(steps, 1).slope).toBeGreaterThan(0);
    expect(trendOf(steps, 1).rises).toBe(false);
    expect(trendOf(steps, 0.1).rises).toBe(true);
  });

  test('does not rise for what never changes', () => {
    expect(
      trendOf(
        readings(() => 11),
        0,
      ),
    ).toMatchObject({ slope: 0, noise: 0, rises: false });
  });
});
