import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { endedChildrenCpuSeconds } from './cpu.ts';
import type { LoadResult } from './load.ts';

const run = promisify(execFile);

/** True when `wrk` is on PATH. `wrk --version` exits with 1 after printing its name. */
export async function wrkIsPresent(): Promise<boolean> {
  return run('wrk', ['--version']).then(
    () => true,
    (error: { stdout?: string }) => error.stdout?.startsWith('wrk') ?? false,
  );
}

/** Loads one URL with GETs from `connections` keep-alive connections on one thread, for whole seconds. */
export async function runWrk(
  load: { url: string; headers: Readonly<Record<string, string>>; connections: number; seconds: number },
  signal: AbortSignal,
): Promise<LoadResult> {
  const args = [
    '-t1',
    `-c${load.connections}`,
    `-d${Math.max(1, Math.round(load.seconds))}s`,
    '--timeout',
    '10s',
    '--latency',
  ];
  for (const [name, value] of Object.entries(load.headers)) args.push('-H', `${name}: ${value}`);
  const cpuBefore = endedChildrenCpuSeconds();
  const { stdout } = await run('wrk', [...args, load.url], { signal });
  return { ...parseWrk(stdout), generatorCpuSeconds: endedChildrenCpuSeconds() - cpuBefore };
}

/** Reads wrk's report; throws when it tells of refused or broken requests. */
export function parseWrk(report: string): Omit<LoadResult, 'generatorCpuSeconds'> {
  const refused = /Non-2xx or 3xx responses: \d+/.exec(report) ?? /Socket errors: .*/.exec(report);
  if (refused !== null) throw new Error(`wrk reports: ${refused[0]}`);
  const total = /(\d+) requests in ([\d.]+)(us|ms|s|m), ([\d.]+)(B|KB|MB|GB) read/.exec(report);
  const p50 = /^\s*50%\s+([\d.]+)(us|ms|s|m)/m.exec(report);
  const p99 = /^\s*99%\s+([\d.]+)(us|ms|s|m)/m.exec(report);
  if (total === null || p50 === null || p99 === null) throw new Error(`wrk's report is not understood:\n${report}`);
  return {
    operations: Number(total[1]),
    wallSeconds: milliseconds(total[2], total[3]) / 1000,
    bytes: Number(total[4]) * (unitBytes[total[5] ?? ''] ?? Number.NaN),
    p50: milliseconds(p50[1], p50[2]),
    p99: milliseconds(p99[1], p99[2]),
  };
}

const unitMs: Readonly<Record<string, number>> = { us: 0.001, ms: 1, s: 1000, m: 60_000 };
const unitBytes: Readonly<Record<string, number>> = { B: 1, KB: 1024, MB: 1024 ** 2, GB: 1024 ** 3 };

function milliseconds(value: string | undefined, unit: string | undefined): number {
  return Number(value) * (unitMs[unit ?? ''] ?? Number.NaN);
}
