import { spawn } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { type ClientSet, clientNames } from './clients/catalog.ts';
import { installDebianClients } from './clients/debian.ts';
import { installGoClients } from './clients/go.ts';
import { missingReason } from './clients/locate.ts';
import { installPythonClients } from './clients/python.ts';
import { clientVersions } from './clients/versions.ts';

/**
 * Runs test/clients with real, unmodified clients against a Berth started by its own command; `--full` runs
 * test/clients-full instead, with clients that take long to get, `--azure` test/azure, with az and the SDKs. Installs what is missing first (`--no-install` leaves
 * that out); further arguments go to vitest. Each client that cannot be had is reported with its reason, and its tests
 * are counted as skipped. Last line: `N passed, N failed`, then `, N skipped` if any.
 * Environment: `BERTH_TEST_CLIENTS_CACHE` is where built clients are kept, `BERTH_TEST_PROGRAM` another program than bin/berth.
 */
const root = dirname(import.meta.dirname);
const say = (line: string) => console.log(`clients: ${line}`);

const given = process.argv.slice(2);
const installing = !given.includes('--no-install');
const set: ClientSet = given.includes('--full') ? 'full' : given.includes('--azure') ? 'azure' : 'clients';
const vitestArgs = given.filter((arg) => !['--no-install', '--full', '--azure'].includes(arg));
const configs: Readonly<Record<ClientSet, string>> = {
  clients: 'vitest.clients.config.ts',
  azure: 'vitest.azure.config.ts',
  full: 'vitest.clients-full.config.ts',
};

const failures = installing ? await install() : new Map<string, string>();
for (const name of clientNames(set)) {
  const missing = missingReason(name);
  if (missing !== undefined) say(`SKIPPED ${name}: ${failures.get(name) ?? missing}`);
}
for (const version of await clientVersions(set)) say(`found ${version}`);
process.exitCode = await runTests();

async function install(): Promise<Map<string, string>> {
  const started = Date.now();
  const [debian, go, python] = await Promise.all([
    installDebianClients(set, say),
    installGoClients(set, say),
    installPythonClients(set, say),
  ]);
  say(`clients ready after ${Math.round((Date.now() - started) / 1000)} s`);
  return new Map([...debian, ...go, ...python]);
}

async function runTests(): Promise<number> {
  const scratch = await mkdtemp(join(tmpdir(), 'berth-clients-report-'));
  try {
    const report = join(scratch, 'report.json');
    const exit = await vitest(['--reporter=verbose', '--reporter=json', `--outputFile.json=${report}`]);
    const counts = await readCounts(report);
    const failed = exit === 0 ? counts.failed : Math.max(counts.failed, 1);
    console.log(`${counts.passed} passed, ${failed} failed${counts.skipped > 0 ? `, ${counts.skipped} skipped` : ''}`);
    // A run that proved nothing must not look green.
    return failed > 0 || counts.passed === 0 ? 1 : 0;
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}

function vitest(reporters: readonly string[]): Promise<number> {
  const cli = join(dirname(createRequire(import.meta.url).resolve('vitest/package.json')), 'vitest.mjs');
  const args = [cli, 'run', '--config', configs[set], ...reporters, ...vitestArgs];
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, args, { cwd: root, stdio: ['ignore', 'inherit', 'inherit'] });
    child.on('error', reject);
    child.on('close', (code) => resolve(code ?? 1));
  });
}

async function readCounts(report: string): Promise<{ passed: number; failed: number; skipped: number }> {
  const text = await readFile(report, 'utf8').catch(() => undefined);
  if (text === undefined) return { passed: 0, failed: 1, skipped: 0 };
  const json = JSON.parse(text) as {
    numPassedTests: number;
    numFailedTests: number;
    numPendingTests: number;
    numTodoTests: number;
  };
  return {
    passed: json.numPassedTests,
    failed: json.numFailedTests,
    skipped: json.numPendingTests + json.numTodoTests,
  };
}
