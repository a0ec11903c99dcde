import { describe, expect, it } from 'vitest';
import { countsOfReport } from './conformance.ts';

describe('the report of the conformance suite', () => {
  it('counts what passed, failed and was left out', () => {
    expect(
      countsOfReport('<testsuites time="1.2" tests="20" failures="2" errors="1" skipped="3" disabled="4">'),
    ).toEqual({
      passed: 10,
      failed: 3,
      skipped: 7,
    });
  });

  it('is a failure when it says nothing', () => {
    expect(countsOfReport('')).toEqual({ passed: 0, failed: 1, skipped: 0 });
  });
});
