/**
 * `npm run test:full [-- part …]`: everything that is too heavy for each commit, or the named parts of it. The last result
 * of each part is kept in docs/test-full.json, with the commit it was run on, and told by docs/test-full.md.
 */
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { formatReport, type Report } from '../bench/report.ts';
import { clientVersions } from './clients/versions.ts';
import { runConformance } from './conformance.ts';
import { type FullRun, holdBench, runCrash, runSoak } from './full-runs.ts';
import { type Counts, noCounts, printSum, projectRoot, runVitest, sumCounts } from './steps.ts';

/** What a part of the full test found. */
interface PartResult {
  readonly lines: readonly { readonly name: string; readonly counts: Counts }[];
  readonly section: readonly string[];
}

/** The same as it is kept. */
interface KeptPart extends PartResult {
  readonly date: string;
  readonly commit: string;
}

/** Each part, in the order of the page. */
const parts: Readonly<Record<string, () => PartResult | Promise<PartResult>>> = {
  test: () => script('npm test', 'test'),
  /** All of it; `npm test` runs a part. */
  async threads() {
    const name = 'end to end with three serving threads';
    const config = ['--config', 'vitest.e2e.config.ts', 'test/e2e/'];
    return {
      lines: [{ name, counts: await runVitest(name, config, { BERTH_TEST_FLAGS: '--workers 3' }) }],
      section: [],
    };
  },
  clients: () => script('npm run test:clients', 'test:clients'),
  azure: () => script('npm run test:azure', 'test:azure'),
  'clients-full': async () => {
    const { lines } = script('npm run test:clients -- --full', 'test:clients', '--full');
    return { lines, section: [`Clients: ${(await clientVersions('full')).join(', ')}.`, ''] };
  },
  async conformance() {
    const suites = await runConformance(['1.1', 'dev']);
    const lines = suites.map((one) => ({ name: `OCI conformance, main, profile ${one.profile}`, counts: one.counts }));
    return {
      lines: suites.length === 0 ? [{ name: 'OCI conformance: not on PATH', counts: noCounts }] : lines,
      section: [],
    };
  },
  crash: () => single('kill -9 under load', runCrash()),
  soak: () => single('soak', runSoak()),
  bench() {
    const report = runBench();
    const held = holdBench(report);
    const counts = report ? held.counts : { ...noCounts, failed: 1 };
    const told = report ? formatReport(report) : 'The bench did not finish.';
    return single('bench against the last committed result', {
      counts,
      section: ['## Bench', '', told, '', ...held.section],
    });
  },
};

const asked = process.argv.slice(2);
const unknown = asked.filter((name) => !(name in parts));
if (unknown.length > 0)
  throw new Error(`there is no part ${unknown.join(', ')}; there are ${Object.keys(parts).join(', ')}`);
const keptFile = join(projectRoot, 'docs', 'test-full.json');
const kept = readKept();
const counts: Counts[] = [];
for (const [name, run] of Object.entries(parts)) {
  if (asked.length > 0 && !asked.includes(name)) continue;
  const result = await run();
  counts.push(...result.lines.map((line) => line.counts));
  const commit = execFileSync('git', ['rev-parse', '--short', 'HEAD'], { cwd: projectRoot, encoding: 'utf8' }).trim();
  kept[name] = { ...result, date: new Date().toISOString().slice(0, 10), commit };
  writeFileSync(keptFile, `${JSON.stringify(kept, undefined, 2)}\n`);
  writeFileSync(join(projectRoot, 'docs', 'test-full.md'), page(kept));
}
const sum = sumCounts(counts);
printSum(sum);
if (sum.failed > 0) process.exitCode = 1;

function readKept(): Record<string, KeptPart> {
  try {
    return JSON.parse(readFileSync(keptFile, 'utf8')) as Record<string, KeptPart>;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return {};
    throw error;
  }
}

function single(name: string, run: FullRun): PartResult {
  return { lines: [{ name, counts: run.counts }], section: run.section };
}

function script(name: string, ...command: [string, ...string[]]): PartResult {
  return { lines: [{ name, counts: runScript(...command) }], section: [] };
}

/** Runs a script of package.json and reads its closing line. */
function runScript(name: string, ...args: string[]): Counts {
  const result = spawnSync('npm', ['run', '--silent', name, '--', ...args], {
    cwd: projectRoot,
    encoding: 'utf8',
    maxBuffer: 1 << 28,
    env: { ...process.env, BERTH_TEST_FULL: '1' },
  });
  process.stdout.write(result.stdout);
  process.stderr.write(result.stderr);
  const lines = result.stdout.trimEnd().split('\n');
  const match = /^([0-9]+) passed, ([0-9]+) failed(?:, ([0-9]+) skipped)?$/.exec(lines.at(-1) ?? '');
  if (!match) return { ...noCounts, failed: 1 };
  const failed = Number(match[2]);
  // Where the closing line has no room for it, what was skipped stands on the line before.
  const before = /^([0-9]+) skipped$/.exec(lines.at(-2) ?? '');
  return {
    passed: Number(match[1]),
    failed: result.status === 0 ? failed : Math.max(1, failed),
    skipped: Number(match[3] ?? before?.[1] ?? 0),
  };
}

function runBench(): Report | undefined {
  const folder = mkdtempSync(join(tmpdir(), 'berth-full-'));
  try {
    const file = join(folder, 'bench.json');
    const result = spawnSync('npm', ['run', '--silent', 'bench', '--', '--rounds', '5', '--json', file], {
      cwd: projectRoot,
      stdio: 'inherit',
    });
    return result.status === 0 ? (JSON.parse(readFileSync(file, 'utf8')) as Report) : undefined;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function page(results: Readonly<Record<string, KeptPart>>): string {
  const rows = Object.keys(parts).flatMap((part) => {
    const result = results[part];
    if (!result) return [`| ${part} | not run yet | | | |`];
    return result.lines.map(({ name, counts: { passed, failed, skipped } }) => {
      return `| ${name} | ${passed} | ${failed} | ${skipped} | ${result.commit}, ${result.date} |`;
    });
  });
  return [
    '# Last run of `npm run test:full`',
    '',
    'Made by `tools/test-full.ts`. Parts may have been run on different commits.',
    '',
    '| suite | passed | failed | skipped | on |',
    '| --- | --- | --- | --- | --- |',
    ...rows,
    '',
    ...Object.keys(parts).flatMap((part) => results[part]?.section ?? []),
  ].join('\n');
}
