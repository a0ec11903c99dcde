import { mkdir } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ask, basic } from './_client.ts';
import { openScratch, startServer } from './_program.ts';

let world: Awaited<ReturnType<typeof startServer>>;
beforeAll(async () => {
  world = await startServer();
});
afterAll(() => world[Symbol.asyncDispose]());

/** Runs a command on the running server; its JSON. */
async function json(...args: string[]): Promise<Record<string, unknown>> {
  const output = await world.berth([...args, '--data', world.data, '--json']);
  if (output.code !== 0) throw new Error(output.stderr);
  return JSON.parse(output.stdout) as Record<string, unknown>;
}

/** A command that must say no; what it says. */
async function refused(...args: string[]): Promise<string> {
  const output = await world.berth([...args, '--data', world.data]);
  expect(output).toMatchObject({ code: 1, stdout: '', stderr: expect.stringMatching(/^berth: [^\n]+\n$/) });
  return output.stderr;
}

async function statusOf(username: string, password: string, path = '/v2/'): Promise<number> {
  const headers = { authorization: basic(username, password) };
  return (await ask(world.ready.loginServer, path, { headers })).status;
}

describe('berth status', () => {
  test('tells what the server is and does, without secrets', async () => {
    const { username: _name, password: _secret, operator, ...open } = world.ready;
    expect(await json('status')).toEqual({
      ...open,
      operator: { username: operator?.username },
      draining: false,
      inFlight: 0,
      listeners: [
        { name: 'http', host: '127.0.0.1', port: Number(open.loginServer.split(':')[1]) },
        { name: 'https', host: '127.0.0.1', port: Number(new URL(open.endpoints.registry).port) },
      ],
      workers: 1,
      version: '0.1.0',
      tenantId: expect.stringMatching(/^[0-9a-f-]{36}$/),
      subscriptionId: expect.stringMatching(/^[0-9a-f-]{36}$/),
    });
    expect((await world.berth(['status', '--data', world.data])).stdout).toMatch(/^loginServer {4}127\.0\.0\.1:/m);
  });

  test.each([['status'], ['credentials'], ['registry', 'list'], ['registry', 'create', 'another'], ['token', 'list']])(
    'berth %s %s says that no server runs where none does',
    async (...args) => {
      await using scratch = await openScratch();
      for (const exists of [false, true]) {
        if (exists) await mkdir(scratch.data);
        const output = await scratch.berth([...args, '--data', scratch.data]);
        expect(output).toMatchObject({ code: 1, stdout: '' });
        expect(output.stderr).toBe(
          `berth: no Berth is running on ${scratch.data}; start it with "berth up", or name another folder with --data\n`,
        );
      }
    },
  );
});

describe('berth config show', () => {
  test('names every key, its value and where that came from', async () => {
    const { keys } = (await json('config', 'show')) as { keys: { key: string; value: string; source: string }[] };
    expect(keys).toContainEqual({ key: 'data', value: world.data, source: 'flag' });
    expect(keys).toContainEqual({ key: 'http.listen', value: '127.0.0.1:5000', source: 'default' });
  });

  test('hides secrets, and needs no server', async () => {
    await using scratch = await openScratch();
    const env = { BERTH_DATABASE_URL: 'postgres://berth:very-secret@db/berth' };
    const output = await scratch.berth(['config', 'show', '--data', scratch.data], { env });
    expect(output.stdout).toMatch(/^database\.url +\*\*\* +environment$/m);
    expect(output.stdout).not.toContain('very-secret');
  });
});

describe('berth registry', () => {
  test('makes, lists, shows, changes and deletes', async () => {
    const made = await json('registry', 'create', 'second');
    expect(made).toMatchObject({
      name: 'second',
      loginServer: world.ready.registry.loginServer.replace(/^[^.]+/, 'second'),
      adminUserEnabled: false,
      anonymousPullEnabled: false,
      default: false,
    });
    const { registries } = (await json('registry', 'list')) as { registries: { name: string }[] };
    expect(registries.map(({ name }) => name)).toEqual([world.ready.registry.name, 'second'].toSorted());
    expect(made).toMatchObject({
      resourceGroup: 'berth',
      id: expect.stringMatching(
        /^\/subscriptions\/[0-9a-f-]{36}\/resourceGroups\/berth\/providers\/Microsoft\.ContainerRegistry\/registries\/second$/,
      ),
    });
    expect(await json('registry', 'show', 'second')).toEqual(made);

    const changed = await json('registry', 'update', 'second', '--admin-enabled', 'true', '--anonymous-pull', 'true');
    expect(changed).toMatchObject({ adminUserEnabled: true, anonymousPullEnabled: true });
    expect(await json('registry', 'delete', 'second')).toEqual({ deleted: 'second' });
    expect(await refused('registry', 'show', 'second')).toContain('there is no registry named "second"');
  });

  test('a tier, a group and a region can be said, and its id keeps the spelling of the name', async () => {
    const made = await json('registry', 'create', 'TierOne', '--sku', 'premium', '--resource-group', 'BERTH');
    expect(made).toMatchObject({ name: 'tierone', sku: 'Premium', resourceGroup: 'berth' });
    expect(made['id']).toMatch(
      /\/resourceGroups\/berth\/providers\/Microsoft\.ContainerRegistry\/registries\/TierOne$/,
    );
    expect(await json('registry', 'update', 'tierone', '--sku', 'Basic')).toMatchObject({ sku: 'Basic' });
    expect(await refused('registry', 'update', 'tierone', '--anonymous-pull', 'true')).toContain('Basic');
    expect(await refused('registry', 'create', 'nowhere', '--resource-group', 'none')).toContain('"none"');
    expect(await refused('registry', 'create', 'nowhere', '--location', 'moon')).toContain('"moon"');
    expect(await refused('registry', 'create', 'nowhere', '--sku', 'Classic')).toContain('"Classic"');
    await json('registry', 'delete', 'tierone');
  });

  test('another registry can become the one of the plain listener, and then the first one can go', async () => {
    const first = world.ready.registry.name;
    expect(await refused('registry', 'delete', first)).toContain('berth registry update NAME --default');
    await json('registry', 'create', 'nextone');
    expect(await json('registry', 'update', 'nextone', '--default')).toMatchObject({ default: true });
    expect(await json('registry', 'show', first)).toMatchObject({ default: false });
    expect(await json('registry', 'update', first, '--default')).toMatchObject({ default: true });
    await json('registry', 'delete', 'nextone');
  });

  test('refuses what cannot be', async () => {
    const first = world.ready.registry.name;
    for (const verb of ['show', 'update', 'delete']) {
      expect(await refused('registry', verb, 'nobody')).toContain('there is no registry named "nobody"');
    }
    expect(await refused('registry', 'create', first)).toContain(first);
    expect(await refused('registry', 'create', 'a-b')).toContain('a-b');
    expect(await refused('registry', 'create', 'management')).toContain('management');
    expect(await refused('registry', 'update', first, '--admin-enabled', 'yes')).toContain('is true or false');
    expect(await refused('registry', 'create')).toContain("missing required argument 'NAME'");
  });
});

describe('berth credentials', () => {
  test('shows and renews; the other password goes on working', async () => {
    const before = (await json('credentials')) as { passwords: { value: string }[] };
    const after = (await json('credentials', '--renew', 'password2')) as { passwords: { value: string }[] };
    expect(after.passwords[0]).toEqual(before.passwords[0]);
    expect(after.passwords[1]).not.toEqual(before.passwords[1]);
    expect(await statusOf(world.username, String(before.passwords[1]?.value))).toBe(401);
    expect(await statusOf(world.username, String(after.passwords[1]?.value))).toBe(200);
    expect(await statusOf(world.username, String(after.passwords[0]?.value))).toBe(200);
  });

  test('refuses an unknown registry and an unknown password', async () => {
    expect(await refused('credentials', '--registry', 'nobody')).toContain('there is no registry named "nobody"');
    expect(await refused('credentials', '--renew', 'password3')).toContain('"password" and "password2"');
  });
});

describe('berth token', () => {
  test('makes a token that works until it is deleted', async () => {
    const grant = ['--repository', 'team/app', '--actions', 'content/read'];
    const made = (await json('token', 'create', '--name', 'ci-pull', ...grant)) as {
      username: string;
      passwords: { name: string; value: string }[];
    };
    expect(made.passwords.map(({ name }) => name)).toEqual(['password1', 'password2']);
    const password = String(made.passwords[0]?.value);
    expect(await statusOf('ci-pull', password)).toBe(200);
    expect(await statusOf('ci-pull', password, '/v2/team/other/tags/list')).toBe(401);

    const { tokens } = (await json('token', 'list')) as { tokens: { name: string; actions: string[] }[] };
    expect(tokens).toMatchObject([{ name: 'ci-pull', actions: ['repositories/team/app/content/read'] }]);
    expect(JSON.stringify(tokens)).not.toContain(password);
    expect(await json('token', 'delete', 'ci-pull')).toEqual({ deleted: 'ci-pull' });
    expect(await statusOf('ci-pull', password)).toBe(401);
  });

  test('refuses what cannot be', async () => {
    const grant = ['--repository', 'team/app', '--actions', 'content/read'];
    expect(await refused('token', 'create', '--name', 'ci', ...grant)).toContain('"ci" is not a token name');
    expect(await refused('token', 'create', '--name', 'a_b_c_d', ...grant)).toContain('"a_b_c_d" is not a token name');
    expect(await refused('token', 'create', '--name', world.username, ...grant)).toContain('name of the admin user');
    const wrongAction = [
      'token',
      'create',
      '--name',
      'ci-push',
      '--repository',
      'team/app',
      '--actions',
      'content/fly',
    ];
    expect(await refused(...wrongAction)).toContain('content/fly');
    expect(await refused('token', 'create', '--name', 'ci-push')).toContain('--repository');
    expect(await refused('token', 'create', ...grant)).toContain('--name');
    expect(await refused('token', 'create', '--name', 'ci-push', ...grant, '--expires-in', 'soon')).toContain('soon');
    expect(await refused('token', 'delete', 'nobody')).toContain('nobody');
    expect(await refused('token', 'list', '--registry', 'nobody')).toContain('there is no registry named "nobody"');
    await json('token', 'create', '--name', 'ci-twice', ...grant);
    expect(await refused('token', 'create', '--name', 'ci-twice', ...grant)).toContain('ci-twice');
  });
});
