/** `npm run test:full`: everything that is too heavy for each commit. Its last result is kept in docs/test-full.md. */
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { formatReport, type Report } from '../bench/report.ts';
import { clientVersions } from './clients/versions.ts';
import { type ConformanceResult, runConformance } from './conformance.ts';
import { type FullRun, holdBench, runCrash, runSoak } from './full-runs.ts';
import { type Counts, noCounts, printSum, projectRoot, sumCounts } from './steps.ts';

const tests = runScript('test');
const clients = runScript('test:clients');
const moreClients = runScript('test:clients', '--full');
const conformance = await runConformance(['1.1', 'dev']);
const crash = runCrash();
const soak = runSoak();
const bench = runBench();
const held = holdBench(bench);
const versions = await clientVersions('full');
writeFileSync(
  join(projectRoot, 'docs', 'test-full.md'),
  page(tests, clients, conformance, bench, { crash, soak, held }),
);
const counts = sumCounts([
  tests,
  clients,
  moreClients,
  ...conformance.map((one) => one.counts),
  crash.counts,
  soak.counts,
  held.counts,
]);
printSum(counts);
if (counts.failed > 0 || bench === undefined) process.exitCode = 1;

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

function page(
  tested: Counts,
  withClients: Counts,
  suites: readonly ConformanceResult[],
  report: Report | undefined,
  runs: { readonly crash: FullRun; readonly soak: FullRun; readonly held: FullRun },
): string {
  const commit = execFileSync('git', ['rev-parse', '--short', 'HEAD'], { cwd: projectRoot, encoding: 'utf8' }).trim();
  const line = (name: string, one: Counts): string => `| ${name} | ${one.passed} | ${one.failed} | ${one.skipped} |`;
  return [
    '# Last run of `npm run test:full`',
    '',
    `Made by \`tools/test-full.ts\` on ${new Date().toISOString().slice(0, 10)}, on top of commit ${commit}.`,
    '',
    '| suite | passed | failed | skipped |',
    '| --- | --- | --- | --- |',
    line('npm test', tested),
    line('npm run test:clients', withClients),
    line('npm run test:clients -- --full', moreClients),
    ...suites.map((one) => line(`OCI conformance, main, profile ${one.profile}`, one.counts)),
    ...(suites.length === 0 ? ['| OCI conformance | not on PATH | | |'] : []),
    line('kill -9 under load', runs.crash.counts),
    line('soak', runs.soak.counts),
    line('bench against the last committed result', runs.held.counts),
    '',
    ...runs.crash.section,
    ...runs.soak.section,
    `Clients: ${versions.join(', ')}.`,
    '',
    '## Bench',
    '',
    report ? formatReport(report) : 'The bench did not finish.',
    '',
    ...runs.held.section,
  ].join('\n');
}
