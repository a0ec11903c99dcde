import { spawnSync } from 'node:child_process';
import { chmod, mkdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { stateOf } from './_folder.ts';
import { launcher, openScratch, startServer, until } from './_program.ts';

/** These tests are about what is handed to az; test/azure has the real one. Here a script takes its place. */
let world: Awaited<ReturnType<typeof startServer>>;
let recorder: string;
beforeAll(async () => {
  world = await startServer();
  recorder = await program(
    'az',
    [
      // Behaves as az does where `berth az` looks: a registered cloud is in the file of clouds.
      'const fs = require("node:fs");',
      'const { argv, env } = process;',
      'const args = argv.slice(2);',
      `fs.appendFileSync(${JSON.stringify(join(world.folder, 'calls'))}, JSON.stringify({ args, env }) + "\\n");`,
      'if (args[0] === "cloud" && args[1] === "register") fs.writeFileSync(env.AZURE_CONFIG_DIR + "/clouds.config", "[Berth]\\n");',
      'if (args[0] === "cat") process.stdout.write(fs.readFileSync(0));',
      'if (args[0] === "fail") { console.error("no"); process.exit(Number(args[1])); }',
      'if (args[0] === "wait") { process.on("SIGTERM", () => process.exit(7)); console.log("waiting"); setInterval(() => {}, 1000); }',
    ].join('\n'),
  );
});
afterAll(() => world[Symbol.asyncDispose]());

interface Call {
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
}

/** An executable of these lines of JavaScript. */
async function program(name: string, text: string): Promise<string> {
  const folder = join(world.folder, `bin-${name}`);
  await mkdir(folder, { recursive: true });
  const path = join(folder, name);
  await writeFile(path, `#!${process.execPath}\n${text}\n`);
  await chmod(path, 0o755);
  return path;
}

/** Runs `berth az` and answers what az was called with, the last call last. */
async function az(args: readonly string[], env: NodeJS.ProcessEnv = {}) {
  await writeFile(join(world.folder, 'calls'), '');
  const output = await world.berth(['az', '--data', world.data, ...args], { env: { BERTH_AZ: recorder, ...env } });
  return { ...output, calls: await calls() };
}

async function calls(): Promise<Call[]> {
  const text = await readFile(join(world.folder, 'calls'), 'utf8');
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Call);
}

const domain = () => world.ready.registry.loginServer.replace(/^[^.]+\.|:[0-9]+$/g, '');

describe('berth az', () => {
  test('registers the cloud on first use, in a folder of its own that is closed to others', async () => {
    const home = join(world.folder, '.azure');
    const first = await az(['--', 'account', 'show', '-o', 'table']);
    expect(first).toMatchObject({ code: 0 });
    expect(first.calls.map(({ args }) => args.slice(0, 2).join(' '))).toEqual([
      'cloud register',
      'cloud set',
      'config set',
      'account show',
    ]);
    expect(first.calls[0]?.args).toContain(`https://management.${domain()}`);
    expect(first.calls.at(-1)?.args).toEqual(['account', 'show', '-o', 'table']);
    const folder = join(world.data, 'az');
    expect((await stat(folder)).mode & 0o777).toBe(0o700);
    expect(await stateOf(home)).toEqual({});

    expect((await az(['version'])).calls.map(({ args }) => args)).toEqual([['version']]);
    await writeFile(join(folder, 'berth.json'), JSON.stringify({ version: '0', management: '', authority: '' }));
    expect((await az(['version'])).calls[0]?.args.slice(0, 2)).toEqual(['cloud', 'update']);
    expect((await az(['version'])).calls).toHaveLength(1);
  });

  test('leads az through the proxy, with Berth’s authority, whatever the environment says', async () => {
    const misleading = {
      HTTPS_PROXY: 'http://10.0.0.1:1',
      no_proxy: 'localhost',
      ALL_PROXY: 'socks5://10.0.0.1:1',
      REQUESTS_CA_BUNDLE: '/elsewhere.pem',
      ARM_CLOUD_METADATA_URL: 'https://elsewhere.example',
      AZURE_CONFIG_DIR: '/elsewhere',
      AZURE_CORE_INSTANCE_DISCOVERY: 'true',
    };
    const { env } = (await az(['version'], misleading)).calls.at(-1) ?? { env: {} };
    expect(env).toMatchObject({
      HTTPS_PROXY: world.ready.endpoints.proxy,
      https_proxy: world.ready.endpoints.proxy,
      NO_PROXY: '',
      no_proxy: '',
      REQUESTS_CA_BUNDLE: world.ready.caFile,
      SSL_CERT_FILE: world.ready.caFile,
      AZURE_CONFIG_DIR: join(world.data, 'az'),
      AZURE_CORE_INSTANCE_DISCOVERY: 'false',
      AZURE_CORE_COLLECT_TELEMETRY: 'no',
    });
    expect(env).not.toHaveProperty('ALL_PROXY');
    expect(env).not.toHaveProperty('ARM_CLOUD_METADATA_URL');
  });

  test('hands on output, exit code, options that look like its own, and words that a shell would take apart', async () => {
    expect(await az(['fail', '3'])).toMatchObject({ code: 3, stdout: '', stderr: 'no\n' });
    const odd = ['x', '--data', 'a b', '$(id)', '--', '--help'];
    expect((await az(['--', ...odd])).calls.at(-1)?.args).toEqual(odd);
    expect((await az(odd)).calls.at(-1)?.args).toEqual(odd);
  });

  test('hands on its input', () => {
    const { stdout } = spawnSync(process.execPath, [launcher, 'az', '--data', world.data, 'cat'], {
      input: 'typed',
      env: { PATH: process.env['PATH'], HOME: world.folder, BERTH_AZ: recorder },
      encoding: 'utf8',
    });
    expect(stdout).toBe('typed');
  });

  test('hands on a signal and ends as az does', async () => {
    const args = ['az', '--data', world.data, 'wait'];
    const running = world.start(process.execPath, [launcher, ...args], { env: { BERTH_AZ: recorder } });
    await until('az', () => (running.stdout().includes('waiting') ? true : undefined));
    expect(await running.stop('SIGTERM')).toEqual({ code: 7, signal: null });
  });

  test('says how to get az where there is none', async () => {
    const none = await world.berth(['az', '--data', world.data, 'version'], { env: { PATH: world.folder } });
    expect(none).toMatchObject({
      code: 1,
      stdout: '',
      stderr: expect.stringMatching(/^berth: az is not on the PATH; [^\n]+\n$/),
    });
    const named = await world.berth(['az', '--data', world.data, 'version'], { env: { BERTH_AZ: '/no/such/az' } });
    expect(named).toMatchObject({ code: 1, stderr: expect.stringMatching(/^berth: BERTH_AZ names \/no\/such\/az/) });
  });

  test('says in one line why az could not be pointed here, and tries again the next time', async () => {
    const broken = await program('broken', 'console.error("it is\\nbroken"); process.exit(1)');
    await using own = await startServer();
    const run = (path: string) => own.berth(['az', '--data', own.data, 'version'], { env: { BERTH_AZ: path } });
    expect(await run(broken)).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/^berth: az could not be pointed at https:\/\/management\.[^\n]+it is broken\n$/),
    });
    await writeFile(join(world.folder, 'calls'), '');
    expect(await run(recorder)).toMatchObject({ code: 0 });
    expect((await calls())[0]?.args.slice(0, 2)).toEqual(['cloud', 'register']);
  });

  test('needs a running server, and its proxy', async () => {
    await using scratch = await openScratch();
    const stopped = await scratch.berth(['az', '--data', scratch.data, 'version'], { env: { BERTH_AZ: recorder } });
    expect(stopped).toMatchObject({ code: 1, stderr: expect.stringMatching(/^berth: no Berth is running on /) });
    const ports = ['--http', '127.0.0.1:0', '--https', '127.0.0.1:0', '--proxy-listen', 'off'];
    await using own = await startServer(ports);
    const off = await own.berth(['az', '--data', own.data, 'version'], { env: { BERTH_AZ: recorder } });
    expect(off).toMatchObject({ code: 1, stderr: expect.stringContaining('the proxy of Berth, which is off') });
    const setup = await own.berth(['az-setup', '--proxy', '--data', own.data]);
    expect(setup).toMatchObject({ code: 1, stderr: expect.stringContaining('the proxy of this Berth is off') });
  });
});

describe('berth az-setup', () => {
  const setup = (args: readonly string[] = [], env: NodeJS.ProcessEnv = {}) =>
    world.berth(['az-setup', '--data', world.data, ...args], { env: { BERTH_AZ: recorder, ...env } });
  const parsed = async (...args: string[]) =>
    JSON.parse((await setup(['--json', ...args])).stdout) as {
      way: string;
      commands: string[][];
      terraform: Record<string, string>;
      environment: Record<string, string>;
    };

  test('prints lines with this instance’s names and authority', async () => {
    const { stdout, code } = await setup(['--proxy']);
    expect(code).toBe(0);
    expect(stdout).toContain(
      `az cloud register --name Berth --endpoint-resource-manager https://management.${domain()}\n`,
    );
    expect(stdout).toContain(`export HTTPS_PROXY=${world.ready.endpoints.proxy}\n`);
    const port = new URL(world.ready.endpoints.registry).port;
    expect((await parsed('--direct')).terraform['ARM_METADATA_HOSTNAME']).toBe(`management.${domain()}:${port}`);
    expect(await setup(['--direct', '--proxy'])).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('not both'),
    });
  });

  test('merges the authority into the bundle that the environment has, and keeps it when asked from there', async () => {
    const corporate = join(world.folder, 'corporate.pem');
    await writeFile(corporate, '# of the company\n-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n');
    const first = await setup(['--json'], { REQUESTS_CA_BUNDLE: corporate });
    const bundle =
      (JSON.parse(first.stdout) as { environment: Record<string, string> }).environment['REQUESTS_CA_BUNDLE'] ?? '';
    const both = await readFile(bundle, 'utf8');
    expect(both).toContain('of the company');
    expect(both).toContain((await readFile(world.ready.caFile, 'utf8')).trim());
    await setup([], { REQUESTS_CA_BUNDLE: bundle });
    expect(await readFile(bundle, 'utf8')).toBe(both);
  });

  test('runs the commands with the environment, and stops at the first that fails', async () => {
    await writeFile(join(world.folder, 'calls'), '');
    const home = join(world.folder, 'user-azure');
    await mkdir(home);
    const ran = await setup(['--run', '--proxy'], { AZURE_CONFIG_DIR: home });
    expect(ran.code).toBe(0);
    const made = await calls();
    expect(made.map(({ args }) => args.slice(0, 2).join(' '))).toEqual(['cloud register', 'cloud set', 'config set']);
    expect(made[0]?.env).toMatchObject({ HTTPS_PROXY: world.ready.endpoints.proxy, AZURE_CONFIG_DIR: home });
    expect(ran.stdout).not.toContain('az cloud');
    expect(ran.stdout).toMatch(/^az login /m);
    const again = await setup(['--proxy'], { AZURE_CONFIG_DIR: home });
    expect(again.stdout).toMatch(/^az cloud update /m);
    const broken = await program('failing', 'process.exit(4)');
    const failed = await setup(['--run'], { BERTH_AZ: broken });
    expect(failed).toMatchObject({ code: 1, stderr: expect.stringMatching(/^berth: az cloud .+ ended with 4\n$/) });
  });
});
