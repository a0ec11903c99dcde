import { describe, expect, test } from 'vitest';
import type { CrashResult } from '../test/crash/_run.ts';
import { crashSection, soakSection } from './full-runs.ts';
import type { SoakResult } from './soak/run.ts';
import { trendOf } from './soak/trend.ts';

const crash: CrashResult = {
  kills: 200,
  seed: 42,
  seconds: 301.4,
  operations: 9000,
  cutOff: 800,
  sessions: 70,
  slowestStartMs: 1234,
  verified: 5000,
  problems: [],
};

function soak(slope: number): SoakResult {
  const flat = trendOf(
    [0, 3, 6, 9].map((at) => ({ at, value: 5 })),
    1,
  );
  const steep = trendOf(
    [0, 3, 6, 9].map((at) => ({ at, value: 100 + at * slope })),
    8,
  );
  const trends = {
    'resident memory': steep,
    'JavaScript heap after collection': flat,
    'open handles': flat,
    threads: flat,
    'staged files': flat,
    'temporary files': flat,
  };
  const problems = steep.rises ? ['resident memory rises'] : [];
  const tokens = { tokens: 12, refreshed: 11 };
  return { seconds: 600, seed: 7, operations: 1, tokens, samples: 180, trends, readings: {} as never, problems };
}

describe('the page of the full test', () => {
  test('shows kills and seed of a crash run, and everything that was not as promised', () => {
    expect(crashSection(crash).counts).toEqual({ passed: 1, failed: 0, skipped: 0 });
    expect(crashSection(crash).section.join('\n')).toContain('200 kills in 301 s, seed 42');
    const broken = crashSection({ ...crash, problems: ['after kill 3: blob x is absent,\nnot present'] });
    expect(broken.counts.failed).toBe(1);
    expect(broken.section).toContain('- after kill 3: blob x is absent, not present');
  });

  test('shows slope and noise of each measure of a soak', () => {
    const flat = soakSection(soak(0));
    expect(flat.counts.failed).toBe(0);
    expect(flat.section).toContain('| resident memory | MiB | 100.0 | 0.000 | 0.000 | 0.00 | 8 | no |');
    const steep = soakSection(soak(1));
    expect(steep.counts.failed).toBe(1);
    expect(steep.section).toContain('| resident memory | MiB | 104.5 | 60.000 | 0.000 | 9.00 | 8 | RISES |');
    expect(steep.section).toContain('- resident memory rises');
  });

  test('counts a run that did not finish as failed', () => {
    for (const run of [crashSection(undefined), soakSection(undefined)]) {
      expect(run.counts.failed).toBe(1);
      expect(run.section).toContain('The run did not finish.');
    }
  });
});
