import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { azureCli, type LoginClient, loginClient } from '../e2e/_login.ts';
import { anyPorts, launcher, project, startServer } from './_program.ts';

let world: Awaited<ReturnType<typeof startServer>>;
let login: LoginClient;
beforeAll(async () => {
  world = await startServer([...anyPorts, '--domain', 'e2e.localhost']);
  login = await loginClient({ caFile: world.ready.caFile, loginServer: world.ready.registry.loginServer });
});
afterAll(() => world[Symbol.asyncDispose]());

interface Ran {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a command with something on standard input. */
async function berth(args: readonly string[], input = ''): Promise<Ran> {
  const child = spawn(process.execPath, [launcher, ...args, '--data', world.data], { cwd: project });
  child.stdin.end(input);
  const [stdout, stderr, [code]] = await Promise.all([
    text(child.stdout),
    text(child.stderr),
    once(child, 'close') as Promise<[number]>,
  ]);
  return { code, stdout, stderr };
}
const json = async (...args: string[]): Promise<Record<string, unknown>> => {
  const ran = await berth([...args, '--json']);
  expect(ran.code, ran.stderr).toBe(0);
  return JSON.parse(ran.stdout) as Record<string, unknown>;
};
const signIn = async (username: string, password: string): Promise<number> =>
  (
    await login.token({
      client_id: azureCli,
      grant_type: 'password',
      scope: 'https://management.azure.com/.default',
      username,
      password,
    })
  ).status;

describe('berth user', () => {
  test('makes a user with a password that it shows once', async () => {
    const made = await berth(['user', 'create', 'alice', '--display-name', 'Alice A.']);
    expect(made.stderr).toBe('');
    const [, password = ''] = /^password {7}(\S+)$/m.exec(made.stdout) ?? [];
    expect(made.stdout).toContain('alice@e2e.localhost');
    expect(await signIn('alice', password)).toBe(200);
    const listed = await berth(['user', 'list']);
    expect(listed.stdout).toMatch(/^alice@e2e\.localhost +Alice A\. +enabled$/m);
    expect(listed.stdout).toMatch(/^operator@e2e\.localhost +/m);
    expect(listed.stdout).not.toContain(password);
  });

  test('takes a password from standard input, never from the command line', async () => {
    const password = 'typed by somebody, with blanks ';
    const made = await berth(['user', 'create', 'bob', '--password-stdin'], `${password}\n`);
    expect(made.stderr).toBe('');
    expect(made.stdout).not.toContain(password);
    expect(await signIn('bob@e2e.localhost', password)).toBe(200);
    expect((await berth(['user', 'create', 'carol', '--password', password])).code).not.toBe(0);
    expect(await berth(['user', 'create', 'carol', '--password-stdin'], '')).toMatchObject({ code: 1 });
    expect(await berth(['user', 'create', 'carol', '--password-stdin'], 'short\n')).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('12 to 256 characters'),
    });
  });

  test('disables, enables, gives another password, revokes and deletes', async () => {
    const { password } = (await json('user', 'create', 'dora')) as { password: string };
    await json('user', 'disable', 'dora');
    expect(await signIn('dora', password)).toBe(400);
    await json('user', 'enable', 'dora');
    expect(await signIn('dora', password)).toBe(200);
    await json('user', 'revoke', 'dora');
    expect(await signIn('dora', password)).toBe(200);
    const { password: other } = (await json('user', 'set-password', 'dora')) as { password: string };
    expect(await signIn('dora', password)).toBe(400);
    expect(await signIn('dora', other)).toBe(200);
    await json('user', 'delete', 'dora');
    expect(await signIn('dora', other)).toBe(400);
    expect(await berth(['user', 'delete', 'dora'])).toMatchObject({
      code: 1,
      stderr: 'berth: there is no user named "dora@e2e.localhost"\n',
    });
  });

  test.each([['a b'], ['@'], ['a@b'], ['<b>']])('makes no user called %j', async (name) => {
    expect(await berth(['user', 'create', name])).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('no user name'),
    });
  });
});

describe('the first user', () => {
  test('is made once, and its password can be set anew', async () => {
    const { operator } = world.ready;
    if (!operator) throw new Error('the first start made no user');
    expect(await signIn(operator.username, operator.password)).toBe(200);
    expect(JSON.stringify(await json('status'))).not.toContain(operator.password);
    const { password } = (await json('user', 'set-password', operator.username)) as { password: string };
    expect(await signIn(operator.username, password)).toBe(200);
  });
});

describe('berth sign-ins', () => {
  test('shows the latest tries, of all or of one user', async () => {
    await json('user', 'create', 'eve');
    await signIn('eve', 'certainly not it');
    await signIn('nobody.of.that.name', 'certainly not it');
    const { stdout } = await berth(['sign-ins', '--last', '5']);
    expect(stdout).toMatch(/password {2,}eve@e2e\.localhost +127\.0\.0\.1 +refused: 50126 password-wrong$/m);
    expect(stdout).toContain('(nobody of that name)');
    expect(stdout).not.toContain('nobody.of.that.name');
    const { signIns } = await json('sign-ins', '--user', 'eve');
    expect(signIns).toMatchObject([{ principal: 'eve@e2e.localhost', error: '50126 password-wrong' }]);
    expect(await berth(['sign-ins', '--last', '0'])).toMatchObject({ code: 1 });
    expect(await berth(['sign-ins', '--user', 'fred'])).toMatchObject({ code: 1 });
  });
});
