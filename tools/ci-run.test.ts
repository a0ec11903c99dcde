import { spawnSync } from 'node:child_process';
import { chmod, copyFile, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';

/** Runs the script with an npm that only prints, and answers its last line, its exit code and what npm was asked. */
async function runWith(scripts: { test: string; clients: string; azure?: string }) {
  const root = await mkdtemp(join(tmpdir(), 'berth-ci-'));
  try {
    await mkdir(join(root, '.ci'));
    await mkdir(join(root, 'bin'));
    await copyFile(join(import.meta.dirname, '..', '.ci', 'run'), join(root, '.ci', 'run'));
    const npm = `#!/usr/bin/env bash
echo "$*" >> '${root}/asked'
case "$*" in
  'run --silent test') ${scripts.test} ;;
  'run --silent test:clients') ${scripts.clients} ;;
  'run --silent test:azure') ${scripts.azure ?? "echo '0 passed, 0 failed'"} ;;
esac
`;
    await writeFile(join(root, 'bin', 'npm'), npm);
    for (const name of ['initdb', 'strace']) await writeFile(join(root, 'bin', name), '#!/bin/sh\n');
    for (const name of ['npm', 'initdb', 'strace']) await chmod(join(root, 'bin', name), 0o755);
    const env = { ...process.env, PATH: `${join(root, 'bin')}:${process.env['PATH']}` };
    const { stdout, status } = spawnSync('bash', [join(root, '.ci', 'run')], { env, encoding: 'utf8' });
    const asked = (await readFile(join(root, 'asked'), 'utf8')).trim().split('\n');
    return { last: stdout.trimEnd().split('\n').at(-1), status, asked };
  } finally {
    await rm(root, { recursive: true, force: true });
  }
}

describe.skipIf(process.platform === 'win32')('.ci/run', () => {
  test('installs, runs all, and ends with the sum', async () => {
    const ran = await runWith({
      test: "echo '7 passed, 0 failed'",
      clients: "echo '5 passed, 0 failed, 2 skipped'",
      azure: "echo '3 passed, 0 failed'",
    });
    expect(ran).toEqual({
      last: '15 passed, 0 failed',
      status: 0,
      asked: ['ci', 'run --silent test', 'run --silent test:clients', 'run --silent test:azure'],
    });
  });

  test('goes on after a failure, and ends with it', async () => {
    const ran = await runWith({ test: "echo '7 passed, 2 failed'; exit 1", clients: "echo '5 passed, 0 failed'" });
    expect(ran).toMatchObject({ last: '12 passed, 2 failed', status: 1 });
  });

  test('counts a script that breaks off, with or without numbers, as a failure', async () => {
    const ran = await runWith({ test: "echo '7 passed, 0 failed'; exit 9", clients: 'exit 1' });
    expect(ran).toMatchObject({ last: '7 passed, 2 failed', status: 1 });
    const silent = await runWith({ test: "echo '7 passed, 0 failed'", clients: 'true' });
    expect(silent).toMatchObject({ last: '7 passed, 1 failed', status: 1 });
  });

  test('takes the last numbers of a script', async () => {
    const ran = await runWith({
      test: "printf '1 passed, 1 failed\\n9 passed, 0 failed\\n'",
      clients: "echo '1 passed, 0 failed'",
    });
    expect(ran).toMatchObject({ last: '10 passed, 0 failed', status: 0 });
  });
});
