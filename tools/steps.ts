/** Runs the steps of a check one after the other, with their times, and counts what passed. */
import { spawn } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';

/** How many checks passed, failed and were left out. */
export interface Counts {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
}

/** The folder of the project. */
export const projectRoot = dirname(import.meta.dirname);

export const noCounts: Counts = { passed: 0, failed: 0, skipped: 0 };

/** Adds counts up. */
export function sumCounts(all: readonly Counts[]): Counts {
  return all.reduce(
    (sum, next) => ({
      passed: sum.passed + next.passed,
      failed: sum.failed + next.failed,
      skipped: sum.skipped + next.skipped,
    }),
    noCounts,
  );
}

/** Prints what was left out, then the line that others read. */
export function printSum(counts: Counts): void {
  if (counts.skipped > 0) console.log(`${counts.skipped} skipped`);
  console.log(`${counts.passed} passed, ${counts.failed} failed`);
}

/** Runs one command; its output is shown only when it fails. Counts as one check. */
export async function runStep(name: string, command: readonly string[]): Promise<Counts> {
  const { code, output, seconds } = await execute(command, { show: false });
  console.log(`${code === 0 ? 'ok  ' : 'FAIL'} ${name} (${seconds} s)`);
  if (code === 0) return { ...noCounts, passed: 1 };
  console.log(output.trimEnd());
  return { ...noCounts, failed: 1 };
}

/** Runs vitest and counts its tests. A run that fails without a failed test (a file that does not load) counts as one. */
export async function runVitest(name: string, args: readonly string[], env: NodeJS.ProcessEnv = {}): Promise<Counts> {
  const folder = await mkdtemp(join(tmpdir(), 'berth-vitest-'));
  try {
    const report = join(folder, 'report.json');
    const reporters = ['--reporter=default', '--reporter=json', `--outputFile.json=${report}`];
    const command = nodeTool('vitest', 'vitest.mjs', 'run', ...reporters, '--passWithNoTests', ...args);
    const { code, seconds } = await execute(command, { show: true, env });
    const text = await readFile(report, 'utf8').catch((error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') return undefined;
      throw error;
    });
    const counts = countsOf(text, code);
    console.log(`${counts.failed === 0 ? 'ok  ' : 'FAIL'} ${name} (${seconds} s)`);
    return counts;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** Reads the numbers of a report by vitest's JSON reporter. No report and exit code 0 means that there were no tests. */
export function countsOf(report: string | undefined, exitCode: number): Counts {
  const numbers = report === undefined ? {} : (JSON.parse(report) as Partial<Record<string, number>>);
  const { numPassedTests = 0, numFailedTests = 0, numPendingTests = 0, numTodoTests = 0 } = numbers;
  return {
    passed: numPassedTests,
    failed: exitCode === 0 ? numFailedTests : Math.max(numFailedTests, 1),
    skipped: numPendingTests + numTodoTests,
  };
}

/** A tool that is a JavaScript file of a package, run by this Node whatever `node` is on the PATH. */
export function nodeTool(name: string, file: string, ...args: readonly string[]): string[] {
  const manifest = createRequire(import.meta.url).resolve(`${name}/package.json`);
  return [process.execPath, join(dirname(manifest), file), ...args];
}

interface Execution {
  readonly code: number;
  readonly output: string;
  readonly seconds: string;
}

function execute(command: readonly string[], options: { show: boolean; env?: NodeJS.ProcessEnv }): Promise<Execution> {
  const started = performance.now();
  const [program = '', ...args] = command;
  const child = spawn(program, args, {
    cwd: projectRoot,
    env: { ...process.env, ...options.env },
    stdio: ['ignore', options.show ? 'inherit' : 'pipe', options.show ? 'inherit' : 'pipe'],
  });
  const chunks: Buffer[] = [];
  child.stdout?.on('data', (chunk: Buffer) => chunks.push(chunk));
  child.stderr?.on('data', (chunk: Buffer) => chunks.push(chunk));
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code) => {
      const seconds = ((performance.now() - started) / 1000).toFixed(1);
      resolve({ code: code ?? 1, output: Buffer.concat(chunks).toString(), seconds });
    });
  });
}
