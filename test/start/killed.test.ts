import { readFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { ask, basic, pushBlob } from './_client.ts';
import { stateOf } from './_folder.ts';
import { anyPorts, launcher, olderNode, openScratch, type Scratch, startServer, untilGone } from './_program.ts';

/** After the server ended by itself: it put its things away, and the next start has the same data. */
async function expectCleanEnd(scratch: Scratch, registry: string): Promise<void> {
  const names = Object.keys(await stateOf(scratch.data));
  for (const name of ['run.json', 'berth.sock', 'lock.pid', 'berth.db-wal']) expect(names).not.toContain(name);
  const next = scratch.up();
  expect((await next.ready()).registry.name).toBe(registry);
  expect((await next.stop()).code).toBe(0);
}

function parentOf(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  return Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]);
}

function startByNpm(scratch: Scratch, env: NodeJS.ProcessEnv = {}) {
  return scratch.start('npm', ['start', '--silent', '--', '--json', '--data', scratch.data, ...anyPorts], { env });
}

describe.runIf(process.platform === 'linux')('kill -9 leaves no orphan', () => {
  test('when it hits npm', async () => {
    await using scratch = await openScratch();
    const npm = startByNpm(scratch);
    const { pid, registry } = await npm.ready();
    expect(pid).not.toBe(npm.pid);
    npm.child.kill('SIGKILL');
    await untilGone(pid);
    await expectCleanEnd(scratch, registry.name);
  });

  test('when it hits the shell between', async () => {
    await using scratch = await openScratch();
    const npm = startByNpm(scratch);
    const { pid, registry } = await npm.ready();
    const shell = parentOf(pid);
    expect([shell, parentOf(shell)]).toContain(npm.pid);
    // Some shells turn into the last command they run; then there is none between.
    if (shell !== npm.pid) process.kill(shell, 'SIGKILL');
    else npm.child.kill('SIGKILL');
    await untilGone(pid);
    await npm.exit;
    await expectCleanEnd(scratch, registry.name);
  });

  test('nor does SIGTERM that only npm hears', async () => {
    await using scratch = await openScratch();
    const npm = startByNpm(scratch);
    const { pid, registry } = await npm.ready();
    expect(pid).not.toBe(npm.pid);
    await npm.stop('SIGTERM');
    await untilGone(pid);
    await expectCleanEnd(scratch, registry.name);
  });

  const older = olderNode();
  describe.skipIf(older === undefined)(`on an older Node (${older ?? 'none on this machine'})`, () => {
    test('when it hits the launcher', async () => {
      await using scratch = await openScratch();
      const args = [launcher, 'up', '--json', '--data', scratch.data, ...anyPorts];
      const started = scratch.start(String(older), args);
      const { pid, registry } = await started.ready();
      expect(parentOf(pid)).toBe(started.pid);
      started.child.kill('SIGKILL');
      await untilGone(pid);
      await expectCleanEnd(scratch, registry.name);
    });

    test('when it hits npm above the launcher', async () => {
      await using scratch = await openScratch();
      // A script of another package: npm, shell, launcher, server.
      const start = `'${older}' '${launcher}' up --json --data '${scratch.data}' ${anyPorts.join(' ')}`;
      await writeFile(join(scratch.folder, 'package.json'), JSON.stringify({ scripts: { start } }));
      const npm = scratch.start('npm', ['start', '--silent', '--prefix', scratch.folder]);
      const { pid, registry } = await npm.ready();
      expect(parentOf(pid)).not.toBe(npm.pid);
      npm.child.kill('SIGKILL');
      await untilGone(pid);
      await expectCleanEnd(scratch, registry.name);
    });
  });
});

describe('kill -9 of the server itself', () => {
  test('does not hinder the next start, and what was acknowledged is there', async () => {
    await using world = await startServer();
    const account = { ...world, loginServer: world.ready.loginServer };
    const path = await pushBlob(account, 'kept/app', Buffer.from('acknowledged'));
    await world.server.stop('SIGKILL');
    const left = await stateOf(world.data);
    expect(left['berth.sock']).toBe('socket 600');
    expect(left['run.json']).toMatch(/^file 600/);
    const status = await world.berth(['status', '--data', world.data]);
    expect(status).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/^berth: no Berth is running on [^\n]+\n$/),
    });

    const next = world.up();
    const { loginServer, registry, pid } = await next.ready();
    expect(registry.name).toBe(world.ready.registry.name);
    const pulled = await ask(loginServer, path, { headers: { authorization: basic(world.username, world.password) } });
    expect(pulled.body.toString()).toBe('acknowledged');
    const running = await world.berth(['status', '--data', world.data, '--json']);
    expect(JSON.parse(running.stdout)).toMatchObject({ pid });
    expect((await next.stop()).code).toBe(0);
  });
});
