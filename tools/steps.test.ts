import { describe, expect, test } from 'vitest';
import { countsOf, runStep, sumCounts } from './steps.ts';

describe('the numbers of a test run', () => {
  const report = JSON.stringify({ numPassedTests: 7, numFailedTests: 0, numPendingTests: 2, numTodoTests: 1 });

  test('come from the report', () => {
    expect(countsOf(report, 0)).toEqual({ passed: 7, failed: 0, skipped: 3 });
  });

  test('have a failure when the run failed without a failed test', () => {
    expect(countsOf(report, 1)).toEqual({ passed: 7, failed: 1, skipped: 3 });
    expect(countsOf(undefined, 1)).toEqual({ passed: 0, failed: 1, skipped: 0 });
  });

  test('are nothing when there were no tests', () => {
    expect(countsOf(undefined, 0)).toEqual({ passed: 0, failed: 0, skipped: 0 });
  });

  test('add up', () => {
    const one = { passed: 1, failed: 2, skipped: 3 };
    expect(sumCounts([one, one])).toEqual({ passed: 2, failed: 4, skipped: 6 });
    expect(sumCounts([])).toEqual({ passed: 0, failed: 0, skipped: 0 });
  });
});

describe('a step', () => {
  test('counts as one check that passed or failed, by its exit code', async () => {
    const node = process.execPath;
    expect(await runStep('fine', [node, '--eval', ''])).toEqual({ passed: 1, failed: 0, skipped: 0 });
    expect(await runStep('broken', [node, '--eval', 'process.exit(3)'])).toEqual({ passed: 0, failed: 1, skipped: 0 });
  });
});
