import { readdirSync, readFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { ask, basic } from './_client.ts';
import { stateOf } from './_folder.ts';
import { anyPorts, openScratch, startServer, until } from './_program.ts';

const guid = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;
const address = /^127\.0\.0\.1:[0-9]+$/;

describe('a first start', () => {
  test('prints what is needed for a first push, in lines to paste', async () => {
    await using scratch = await openScratch();
    const server = scratch.start(process.execPath, ['bin/berth', 'up', '--data', scratch.data, ...anyPorts]);
    const text = await until('the welcome', () => (server.stdout().includes('Ctrl+C') ? server.stdout() : undefined));
    const [, loginServer] = /login server {3}(localhost:[0-9]+)\n/.exec(text) ?? [];
    const [, user] = /user {11}(\S+)\n/.exec(text) ?? [];
    const [, secret] = /secret {9}(\S+)\n/.exec(text) ?? [];
    expect(text).toContain(`echo '${secret}' | docker login ${loginServer} --username ${user} --password-stdin\n`);
    expect(text).toMatch(/\(npx berth az --data \S+ -- login -u operator@berth\.localhost\)\n/);
    expect(text.trimEnd().split('\n').length).toBeLessThanOrEqual(22);

    const signedIn = await ask(String(loginServer), '/v2/', {
      headers: { authorization: basic(String(user), String(secret)) },
    });
    expect(signedIn.status).toBe(200);
    expect(await server.stop()).toEqual({ code: 0, signal: null });
  });

  test('is the only one that shows the secret; berth credentials shows it again', async () => {
    await using world = await startServer();
    await world.server.stop();

    const second = world.start(process.execPath, ['bin/berth', 'up', '--data', world.data, ...anyPorts]);
    const text = await until('the second start', () =>
      second.stdout().includes('npx berth credentials') ? second.stdout() : undefined,
    );
    expect(text).toContain('login server');
    expect(text).not.toContain(world.password);

    const shown = await world.berth(['credentials', '--data', world.data, '--json']);
    expect(JSON.parse(shown.stdout)).toMatchObject({
      username: world.username,
      passwords: [
        { name: 'password', value: world.password },
        { name: 'password2', value: expect.any(String) },
      ],
    });
    const forPeople = await world.berth(['credentials', '--data', world.data]);
    expect(forPeople.stdout).toContain(world.password);
    await second.stop();
    expect(second.stdout() + second.stderr()).not.toContain(world.password);
  });

  test('says the rest on standard error, and everything there is JSON', async () => {
    await using world = await startServer();
    await ask(world.ready.loginServer, '/v2/');
    await world.server.stop();
    expect(world.server.stdout().trimEnd().split('\n')).toHaveLength(1);
    const events = world.server
      .stderr()
      .trimEnd()
      .split('\n')
      .map((line) => (JSON.parse(line) as { msg: string }).msg);
    expect(events).toEqual(['started', 'request', 'draining', 'stopped']);
  });
});

describe('the line of --json', () => {
  test('has its documented shape, with secrets the first time only', async () => {
    await using world = await startServer();
    const { ready } = world;
    const name = ready.registry.name;
    expect(ready).toStrictEqual({
      ready: true,
      pid: world.server.pid,
      dataDir: world.data,
      loginServer: expect.stringMatching(address),
      registry: { name, loginServer: expect.stringMatching(new RegExp(`^${name}\\.berth\\.localhost:[0-9]+$`)) },
      username: name,
      password: expect.stringMatching(/^\S{32,}$/),
      tenantId: expect.stringMatching(guid),
      subscriptionId: expect.stringMatching(guid),
      operator: { username: 'operator@berth.localhost', password: expect.stringMatching(/^[A-Za-z0-9]{24}$/) },
      endpoints: {
        registry: `https://${ready.registry.loginServer}`,
        proxy: expect.stringMatching(/^http:\/\/127\.0\.0\.1:[0-9]+$/),
      },
      caFile: join(world.data, 'ca.pem'),
    });
    await world.server.stop();

    const again = await world.up().ready();
    expect(Object.keys(again).toSorted()).toEqual(
      [
        'caFile',
        'dataDir',
        'endpoints',
        'loginServer',
        'pid',
        'ready',
        'registry',
        'subscriptionId',
        'tenantId',
      ].toSorted(),
    );
    expect(again.registry.name).toBe(name);
    expect(again.tenantId).toBe(ready.tenantId);
  });

  test('is all that npm start --silent prints', async () => {
    await using scratch = await openScratch();
    const npm = scratch.start('npm', ['start', '--silent', '--', '--json', '--data', scratch.data, ...anyPorts]);
    const ready = await npm.ready();
    expect(ready.loginServer).toMatch(address);
    process.kill(ready.pid, 'SIGTERM');
    await npm.exit;
    expect(npm.stdout().trimEnd().split('\n')).toHaveLength(1);
  });
});

describe('what others on the machine can see', () => {
  test('the data are for their owner only', async () => {
    await using world = await startServer();
    const state = await stateOf(world.data);
    expect(state['berth.sock']).toBe('socket 600');
    expect(state['root.key']).toMatch(/^file 600/);
    for (const [path, what] of Object.entries(state)) {
      expect(`${path}: ${what}`).toMatch(/: (?:folder 700|socket 600|file 600 .*)$/);
    }
  });

  test('the socket is theirs too where the path of the data is too long for it', async () => {
    await using scratch = await openScratch();
    const deep = join(scratch.folder, 'd'.repeat(60), 'e'.repeat(60));
    const args = ['bin/berth', 'up', '--json', '--data', deep, ...anyPorts];
    const server = scratch.start(process.execPath, args, { env: { TMPDIR: scratch.folder } });
    await server.ready();
    const { socket } = JSON.parse(await readFile(join(deep, 'run.json'), 'utf8')) as { socket: string };
    expect(socket.startsWith(scratch.folder)).toBe(true);
    expect(await stateOf(dirname(socket))).toEqual({ '': 'folder 700', 'berth.sock': 'socket 600' });
    expect((await scratch.berth(['status', '--data', deep])).code).toBe(0);
    await server.stop();
    expect(await stateOf(dirname(socket))).toEqual({});
  });

  test('no secret is in the process list, the log or run.json', async () => {
    await using world = await startServer();
    const { loginServer } = world.ready;
    const grant = ['--repository', 'team/app', '--actions', 'content/read'];
    const made = await world.berth(['token', 'create', '--data', world.data, '--json', '--name', 'ci-pull', ...grant]);
    const [token] = (JSON.parse(made.stdout) as { passwords: { value: string }[] }).passwords;
    const secrets = [world.password, token?.value ?? '', readFileSync(join(world.data, 'root.key'), 'utf8').trim()];
    for (const secret of secrets) {
      const authorization = basic(world.username, secret);
      await ask(loginServer, '/v2/', { headers: { authorization } });
      await ask(loginServer, `/oauth2/token?service=x&password=${secret}`, { headers: { authorization } });
      await ask(loginServer, '/oauth2/token', {
        method: 'POST',
        headers: { 'content-type': 'application/x-www-form-urlencoded' },
        body: new URLSearchParams({ grant_type: 'password', username: world.username, password: secret }).toString(),
      });
    }
    const runFile = await readFile(join(world.data, 'run.json'), 'utf8');
    const processes = commandLines();
    expect(processes).toContain(world.data);
    await world.server.stop();
    expect(world.server.stderr()).toContain('/oauth2/token');
    for (const secret of secrets) {
      const encoded = basic(world.username, secret).slice('Basic '.length);
      for (const hidden of [secret, encoded]) {
        expect(runFile).not.toContain(hidden);
        expect(processes).not.toContain(hidden);
        expect(world.server.stderr()).not.toContain(hidden);
      }
    }
  });
});

/** The command lines of all processes, as ps shows them. */
function commandLines(): string {
  return readdirSync('/proc')
    .filter((name) => /^[0-9]+$/.test(name))
    .map((pid) => {
      try {
        return readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ');
      } catch {
        // It ended while the list was read.
        return '';
      }
    })
    .join('\n');
}
