import { execFile } from 'node:child_process';
import { mkdir } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

export const distributionVersion = '3.1.2';

const run = promisify(execFile);
const module = 'github.com/distribution/distribution/v3/cmd/registry';

/**
 * The `registry` program of exactly the measured version: from PATH, else from the cache of test clients
 * (`BERTH_TEST_CLIENTS_CACHE`, default `~/.cache/berth-clients`), else built into that cache by `go install`.
 */
export async function findDistribution(say: (line: string) => void): Promise<string | undefined> {
  const cacheBin = join(process.env['BERTH_TEST_CLIENTS_CACHE'] ?? join(homedir(), '.cache', 'berth-clients'), 'bin');
  const cached = join(cacheBin, 'registry');
  for (const program of ['registry', cached]) {
    if (await isMeasuredVersion(program)) return program;
  }
  if (!(await answers('go', ['version']))) {
    say(`No CNCF Distribution v${distributionVersion} (registry) on PATH or in ${cacheBin}, and no go to build it.`);
    return undefined;
  }
  say(`Building CNCF Distribution v${distributionVersion} into ${cacheBin}; this takes some minutes, once.`);
  await mkdir(cacheBin, { recursive: true });
  await run('go', ['install', '-p', '2', '-ldflags=-s -w', `${module}@v${distributionVersion}`], {
    env: { ...process.env, CGO_ENABLED: '0', GOBIN: cacheBin },
    maxBuffer: 64 * 1024 * 1024,
  });
  return cached;
}

async function isMeasuredVersion(program: string): Promise<boolean> {
  const answer = await answers(program, ['--version']);
  return answer !== undefined && answer.includes('distribution/v3') && answer.includes(`v${distributionVersion}`);
}

/** What the program prints, or undefined when it is absent or fails. */
async function answers(program: string, args: readonly string[]): Promise<string | undefined> {
  return run(program, args).then(
    ({ stdout }) => stdout,
    () => undefined,
  );
}
