import { describe, expect, test } from 'vitest';
import { parseRateFactor } from './rate-factor.ts';

describe('limits.rates', () => {
  test('is off, the table of the tier, or a factor on it', () => {
    expect(parseRateFactor('off')).toBeNull();
    expect(parseRateFactor('tier')).toBe(1);
    expect(parseRateFactor('0.5')).toBe(0.5);
    expect(parseRateFactor('20')).toBe(20);
  });

  test.each(['', '0', '0.0', '-1', '1e3', 'on', '1,5', 'Infinity', '0.0000001'])('is not "%s"', (text) => {
    expect(() => parseRateFactor(text)).toThrow(`"${text}" is neither off nor tier nor a factor`);
  });
});
