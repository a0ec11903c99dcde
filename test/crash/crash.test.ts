import { describe, expect, test } from 'vitest';
import { crashRun } from './_run.ts';

const kills = process.env['BERTH_TEST_FULL'] === '1' ? 200 : 20;
const seed = Number(process.env['BERTH_TEST_SEED'] ?? Date.now() % 1_000_000);

describe.runIf(process.platform === 'linux')('kill -9 at random under mixed load', () => {
  test(`${kills} times: what was acknowledged is there, nothing else is (seed ${seed})`, {
    timeout: kills * 60_000,
  }, async () => {
    const result = await crashRun({ kills, seed });
    const { problems, seconds, ...sums } = result;
    console.log(`crash run: ${JSON.stringify(sums)} in ${seconds.toFixed(0)} s`);
    expect(problems, `BERTH_TEST_SEED=${seed}`).toEqual([]);
    // A run in which nothing was under way has shown nothing.
    expect(result.cutOff).toBeGreaterThan(0);
    expect(result.operations).toBeGreaterThan(kills * 10);
  });
});
