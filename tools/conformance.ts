/** Runs the OCI conformance suite of distribution-spec's main branch when it is on PATH; no script of ours builds it. */
import { spawn } from 'node:child_process';
import { accessSync, constants } from 'node:fs';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { createInterface } from 'node:readline';
import { type Counts, noCounts, projectRoot } from './steps.ts';

/** Name of the program, as its users call it to tell it from the released suite. */
const program = 'oci-conformance-main';

/** What one profile of the suite found. */
export interface ConformanceResult {
  readonly profile: string;
  readonly counts: Counts;
}

/** Runs the profiles against a fresh Berth. Answers nothing, and says why, when the suite is not there. */
export async function runConformance(profiles: readonly string[]): Promise<ConformanceResult[]> {
  const suite = findOnPath(program);
  if (suite === undefined) {
    console.log(`skip OCI conformance: no ${program} on PATH`);
    return [];
  }
  const folder = await mkdtemp(join(tmpdir(), 'berth-conformance-'));
  try {
    const results: ConformanceResult[] = [];
    for (const profile of profiles) results.push(await runProfile(suite, profile, join(folder, profile)));
    return results;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function runProfile(suite: string, profile: string, folder: string): Promise<ConformanceResult> {
  const listeners = ['--http', '127.0.0.1:0', '--https', 'off'];
  const server = spawn(
    process.execPath,
    [join(projectRoot, 'bin', 'berth'), 'up', '--json', '--data', join(folder, 'data'), ...listeners],
    {
      env: Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('BERTH_'))),
      stdio: ['ignore', 'pipe', 'ignore'],
    },
  );
  const stopped = new Promise((resolve) => server.once('exit', resolve));
  try {
    const [line] = await firstLine(server.stdout);
    const ready = JSON.parse(line ?? '') as { loginServer: string; username: string; password: string };
    const env = {
      ...process.env,
      OCI_REGISTRY: ready.loginServer,
      OCI_TLS: 'disabled',
      OCI_REPO1: 'conformance/one',
      OCI_REPO2: 'conformance/two',
      OCI_USERNAME: ready.username,
      OCI_PASSWORD: ready.password,
      OCI_CACHE_AUTH: 'true',
      OCI_VERSION: profile,
      OCI_RESULTS_DIR: folder,
    };
    await new Promise((resolve, reject) => {
      spawn(suite, [], { env, cwd: folder, stdio: 'ignore' }).once('error', reject).once('exit', resolve);
    });
    const counts = countsOfReport(await readFile(join(folder, 'junit.xml'), 'utf8'));
    console.log(
      `OCI conformance ${profile}: ${counts.passed} passed, ${counts.failed} failed, ${counts.skipped} skipped`,
    );
    return { profile, counts };
  } finally {
    server.kill('SIGTERM');
    await stopped;
  }
}

/** Reads the numbers of the suite's JUnit report; a report without them counts as one failure. */
export function countsOfReport(xml: string): Counts {
  const head = /<testsuites[^>]*>/.exec(xml)?.[0];
  if (head === undefined) return { ...noCounts, failed: 1 };
  const number = (name: string): number => Number(new RegExp(`\\b${name}="([0-9]+)"`).exec(head)?.[1] ?? 0);
  const failed = number('failures') + number('errors');
  const skipped = number('skipped') + number('disabled');
  return { passed: number('tests') - failed - skipped, failed, skipped };
}

async function firstLine(stream: NodeJS.ReadableStream): Promise<string[]> {
  for await (const line of createInterface({ input: stream })) return [line];
  return [];
}

function findOnPath(name: string): string | undefined {
  return (process.env['PATH'] ?? '')
    .split(delimiter)
    .map((folder) => join(folder, name))
    .find((path) => {
      try {
        accessSync(path, constants.X_OK);
        return true;
      } catch {
        return false;
      }
    });
}
