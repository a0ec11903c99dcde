import { describe, expect, test } from 'vitest';
import type { Report, ReportRow } from '../bench/report.ts';
import { gate } from './bench-gate.ts';

type Spread = readonly [median: number, min: number, max: number];

function row(name: string, rate: Spread, cpu: Spread = [1, 0.9, 1.1]): ReportRow {
  const spread = ([median, min, max]: Spread) => ({ median, min, max });
  return { ...without(name), ratio: { rate: spread(rate), cpu: spread(cpu) } };
}

function without(name: string, failures: readonly string[] = []): ReportRow {
  return { name, title: name, rateUnit: '/s', cpuUnit: 'CPU-ms each', peerAccess: '', sides: [], failures };
}

function report(...rows: readonly ReportRow[]): Report {
  return {
    startedAt: '2026-01-01T00:00:00.000Z',
    tookSeconds: 1,
    machine: { cores: 2, cpu: '', memoryGiB: 1, kernel: '', fileSystem: '', node: '', loadAverage: 0 },
    manifestGenerator: 'own',
    contenders: [
      { name: 'berth', version: '1' },
      { name: 'distribution', version: '1' },
    ],
    rows,
  };
}

describe('the gate of the bench', () => {
  test('shows each ratio, old and new', () => {
    const { lines, failures } = gate(report(row('pull', [2, 1.8, 2.2])), report(row('pull', [2.1, 1.9, 2.3])));
    expect(lines).toEqual([
      'ok   pull rate: 2.00 (1.80–2.20) → 2.10 (1.90–2.30)',
      'ok   pull cpu: 1.00 (0.90–1.10) → 1.00 (0.90–1.10)',
    ]);
    expect(failures).toEqual([]);
  });

  test('fails when every round is slower than every round before, and the median by more than a tenth', () => {
    const { failures } = gate(report(row('pull', [2, 1.8, 2.2])), report(row('pull', [1.5, 1.4, 1.7])));
    expect(failures).toEqual(['pull rate: 2.00 (1.80–2.20) → 1.50 (1.40–1.70)']);
  });

  test('fails when every round takes more CPU', () => {
    const before = report(row('pull', [2, 2, 2], [0.5, 0.4, 0.6]));
    const fresh = report(row('pull', [2, 2, 2], [0.7, 0.65, 0.8]));
    expect(gate(before, fresh).failures).toEqual(['pull cpu: 0.50 (0.40–0.60) → 0.70 (0.65–0.80)']);
    expect(gate(fresh, before).failures).toEqual([]);
  });

  test('lets pass what the noise of the rounds explains', () => {
    const { failures } = gate(report(row('push', [0.82, 0.43, 0.9])), report(row('push', [0.5, 0.3, 0.6])));
    expect(failures).toEqual([]);
  });

  test('lets pass a step of less than a tenth, however steady the rounds', () => {
    const { failures } = gate(report(row('pull', [2, 1.99, 2.01])), report(row('pull', [1.85, 1.84, 1.86])));
    expect(failures).toEqual([]);
  });

  test('fails for a row that vanished, also when another came', () => {
    const { lines, failures } = gate(report(row('pull', [2, 2, 2])), report(row('push', [2, 2, 2])));
    expect(failures).toEqual(['pull: was measured before and is not any more']);
    expect(lines).toContain('new  push: rate 2.00 (2.00–2.00), cpu 1.00 (0.90–1.10)');
  });

  test('fails for a ratio that is gone, and for a row that was not measured in full', () => {
    const before = report(row('pull', [2, 2, 2]));
    expect(gate(before, report(without('pull'))).failures).toEqual([
      'pull: had a ratio to the peer and has none any more',
    ]);
    const broken = { ...row('pull', [2, 2, 2]), failures: ['berth: it hung'] };
    expect(gate(before, report(broken)).failures).toEqual(['pull: not measured in full: berth: it hung']);
  });

  test('fails for a ratio that is no number', () => {
    const broken = report(row('pull', [Number.NaN, Number.NaN, Number.NaN]));
    // As JSON has it: there is no NaN in a file.
    const read = JSON.parse(JSON.stringify(broken)) as Report;
    for (const fresh of [broken, read]) expect(gate(report(row('pull', [2, 2, 2])), fresh).failures).toHaveLength(1);
  });

  test('names every row and fails for none when there is nothing to compare with', () => {
    const { lines, failures } = gate(undefined, report(row('pull', [2, 2, 2])));
    expect(failures).toEqual([]);
    expect(lines).toEqual(['no committed result to compare with', expect.stringMatching(/^new {2}pull: /)]);
  });

  test('says when other programs were measured', () => {
    const before = { ...report(row('pull', [2, 2, 2])), contenders: [{ name: 'berth' as const, version: '1' }] };
    expect(gate(before, report(row('pull', [2, 2, 2]))).lines[0]).toBe(
      'measured were berth (1), now berth (1) against distribution (1)',
    );
  });
});
