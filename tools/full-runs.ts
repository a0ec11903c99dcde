/** The long runs of `npm run test:full`, each with its lines for docs/test-full.md. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Report } from '../bench/report.ts';
import type { CrashResult } from '../test/crash/_run.ts';
import { committedReport, gate } from './bench-gate.ts';
import { type Measure, measures } from './soak/measures.ts';
import type { SoakResult } from './soak/run.ts';
import type { Trend } from './soak/trend.ts';
import { type Counts, noCounts, projectRoot } from './steps.ts';

/** A run that counts as one check, and what the page says about it. */
export interface FullRun {
  readonly counts: Counts;
  readonly section: readonly string[];
}

/** Kills a loaded server 200 times (tools/crash.ts). */
export function runCrash(): FullRun {
  return crashSection(runTool<CrashResult>('tools/crash.ts', ['--kills', '200']));
}

/** Ten minutes of mixed load (tools/soak.ts). */
export function runSoak(): FullRun {
  return soakSection(runTool<SoakResult>('tools/soak.ts', []));
}

/** What the page says about a crash run; undefined is a run that did not finish. */
export function crashSection(result: CrashResult | undefined): FullRun {
  const heading = ['## Kill -9 under load', ''];
  if (!result) return { counts: countsOf(1), section: [...heading, 'The run did not finish.', ''] };
  const { kills, seed, seconds, operations, cutOff, sessions, slowestStartMs, verified, problems } = result;
  return {
    counts: countsOf(problems.length),
    section: [
      ...heading,
      `${kills} kills in ${seconds.toFixed(0)} s, seed ${seed}; the slowest start took ${(slowestStartMs / 1000).toFixed(1)} s.`,
      `${operations} operations were acknowledged; ${cutOff} facts and ${sessions} upload sessions were open when the server died.`,
      `${verified} digests and tags were read back at the end. Not as promised: ${problems.length}.`,
      '',
      ...list(problems),
    ],
  };
}

/** What the page says about a soak; undefined is a run that did not finish. */
export function soakSection(result: SoakResult | undefined): FullRun {
  const heading = ['## Soak', ''];
  if (!result) return { counts: countsOf(1), section: [...heading, 'The run did not finish.', ''] };
  const { seconds, seed, operations, tokens, samples, trends, problems } = result;
  const rows = (Object.entries(trends) as [Measure, Trend][]).map(([name, trend]) => {
    const { unit, least } = measures[name];
    const numbers = [trend.mean.toFixed(1), trend.slope.toFixed(3), trend.noise.toFixed(3), trend.growth.toFixed(2)];
    return `| ${name} | ${unit} | ${numbers.join(' | ')} | ${least} | ${trend.rises ? 'RISES' : 'no'} |`;
  });
  return {
    counts: countsOf(problems.length),
    section: [
      ...heading,
      `${(seconds / 60).toFixed(1)} minutes of mixed load, seed ${seed}: ${operations} operations, ${tokens.tokens} tokens (${tokens.refreshed} by refresh).`,
      `Problems: ${problems.length}. ${samples} samples after the warm-up, to which the lines are fitted; slope and noise are per`,
      'minute, and tools/soak/trend.ts says what noise is and when a line rises.',
      '',
      '| measure | unit | mean | slope | noise | growth | growth that counts | rises |',
      '| --- | --- | --- | --- | --- | --- | --- | --- |',
      ...rows,
      '',
      ...list(problems),
    ],
  };
}

/** Holds a bench report against the committed one and keeps it as the next to be committed. */
export function holdBench(report: Report | undefined): FullRun {
  if (!report) return { counts: countsOf(1), section: [] };
  const { lines, failures } = gate(committedReport(), report);
  for (const line of lines) console.log(line);
  writeFileSync(join(projectRoot, 'docs', 'bench.json'), `${JSON.stringify(report, undefined, 2)}\n`);
  return {
    counts: countsOf(failures.length),
    section: ['### Against the last committed result', '', '```text', ...lines, '```', ''],
  };
}

function countsOf(problems: number): Counts {
  return problems === 0 ? { ...noCounts, passed: 1 } : { ...noCounts, failed: 1 };
}

function list(problems: readonly string[]): string[] {
  if (problems.length === 0) return [];
  return [...problems.slice(0, 20).map((problem) => `- ${problem.replaceAll(/\s+/g, ' ').slice(0, 300)}`), ''];
}

/** Runs a tool that writes its result with `--json`; undefined when it wrote none. */
function runTool<T>(file: string, args: readonly string[]): T | undefined {
  const folder = mkdtempSync(join(tmpdir(), 'berth-full-'));
  try {
    const json = join(folder, 'result.json');
    spawnSync(process.execPath, [file, ...args, '--json', json], { cwd: projectRoot, stdio: 'inherit' });
    return JSON.parse(readFileSync(json, 'utf8')) as T;
  } catch (error) {
    console.log(`FAIL ${file}: ${error instanceof Error ? error.message : String(error)}`);
    return undefined;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
