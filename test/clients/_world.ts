import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { finish, run, stop, tail } from './_process.ts';
import { type Credentials, type RegistryApi, registryApi } from './_registry-api.ts';
import { openShell, type Shell } from './_shell.ts';

export interface Grant {
  readonly repository: string;
  /** As `berth token create --actions` takes them, e.g. `content/read`. */
  readonly actions: readonly string[];
}

/** A running Berth with one empty registry, and a scratch folder that goes with it. */
export interface World extends AsyncDisposable, Credentials {
  /** Plain HTTP on loopback, `127.0.0.1:port`. */
  readonly loginServer: string;
  /** TLS by name, `registry.domain:port`; no resolver knows the name, see `proxy`. */
  readonly tlsServer: string;
  /** An owner of the subscription. */
  readonly operator: Credentials;
  readonly tenantId: string;
  readonly subscriptionId: string;
  readonly domain: string;
  /** What clients take as HTTPS_PROXY to reach `tlsServer`. */
  readonly proxy: string;
  /** The data folder. */
  readonly data: string;
  /** The private CA's certificate, PEM. */
  readonly caFile: string;
  readonly folder: string;
  /** The registry as its first user sees it over plain HTTP. */
  readonly api: RegistryApi;
  apiAs(credentials: Credentials): RegistryApi;
  shell(): Promise<Shell>;
  /** A command of Berth with `--json`, and what it printed. It must succeed. */
  berth(...args: string[]): Promise<unknown>;
  /** `berth doctor --json`, whatever it ends with. */
  doctor(args: readonly string[]): Promise<unknown>;
  /** Makes a token that may do what the grants say and nothing else. */
  createToken(name: string, grants: readonly Grant[]): Promise<Credentials>;
  /** Makes another registry beside the first. Returns its TLS name, `registry.domain:port`. */
  createRegistry(name: string): Promise<string>;
}

interface Ready {
  readonly ready: true;
  readonly loginServer: string;
  readonly username: string;
  readonly password: string;
  readonly operator: Credentials;
  readonly tenantId: string;
  readonly subscriptionId: string;
  readonly endpoints: { readonly registry: string; readonly proxy: string };
  readonly caFile: string;
}

const root = join(import.meta.dirname, '..', '..');
/** `BERTH_TEST_PROGRAM` names another build to test, for instance an unpacked package. */
export const program = process.env['BERTH_TEST_PROGRAM'] ?? join(root, 'bin', 'berth');
/** Nothing configures the server but its arguments; it also refuses variables that it does not know. */
const programEnv = Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('BERTH_')));
const domain = 'clients.localhost';
const startTimeoutMs = 90_000;
const drainTimeoutMs = 20_000;

/** Starts Berth by its command, with more flags if need be. Disposing it sends SIGTERM and expects it to drain and exit 0. */
export async function startBerth(...flags: string[]): Promise<World> {
  const folder = await mkdtemp(join(tmpdir(), 'berth-c-'));
  const data = join(folder, 'data');
  const child = spawn(
    process.execPath,
    [
      program,
      'up',
      '--json',
      '--data',
      data,
      '--domain',
      domain,
      '--http',
      '127.0.0.1:0',
      '--https',
      '127.0.0.1:0',
      '--proxy-listen',
      '127.0.0.1:0',
      ...flags,
    ],
    { env: programEnv, stdio: ['ignore', 'pipe', 'pipe'] },
  );
  const log = tail(child);
  const end = async () => {
    const code = await stop(child, drainTimeoutMs);
    await rm(folder, { recursive: true, force: true });
    return code;
  };
  let ready: Ready;
  try {
    ready = await readReady(child.stdout, once(child, 'exit'));
  } catch (error) {
    await end();
    throw new Error(`berth up did not become ready\n${log()}`, { cause: error });
  }
  const { loginServer, username, password, caFile, operator, tenantId, subscriptionId } = ready;
  const tlsServer = new URL(ready.endpoints.registry).host;
  return {
    loginServer,
    username,
    password,
    operator,
    tenantId,
    subscriptionId,
    domain,
    caFile,
    folder,
    data,
    tlsServer,
    proxy: ready.endpoints.proxy,
    api: registryApi(loginServer, { username, password }),
    apiAs: (credentials) => registryApi(loginServer, credentials),
    shell: () => openShell(folder),
    berth: async (...args) => JSON.parse(await berth(...args, '--data', data, '--json')) as unknown,
    async doctor(args) {
      const command = [program, 'doctor', '--json', '--data', data, ...args];
      return JSON.parse((await finish(process.execPath, command, programEnv)).stdout) as unknown;
    },
    createToken: (name, grants) => createToken(data, name, grants),
    async createRegistry(name) {
      await berth('registry', 'create', name, '--data', data, '--json');
      return tlsServer.replace(/^[^.]+/, name);
    },
    async [Symbol.asyncDispose]() {
      const code = await end();
      if (code !== 0) throw new Error(`berth up ended with ${code} after SIGTERM, expected 0\n${log()}`);
    },
  };
}

async function readReady(stdout: NodeJS.ReadableStream, exit: Promise<unknown>): Promise<Ready> {
  const limit = AbortSignal.timeout(startTimeoutMs);
  const line = once(createInterface({ input: stdout }), 'line', { signal: limit }) as Promise<[string]>;
  const ended = exit.then((): never => {
    throw new Error('it ended');
  });
  const [text] = await Promise.race([line, ended]);
  return JSON.parse(text) as Ready;
}

async function createToken(data: string, name: string, grants: readonly Grant[]): Promise<Credentials> {
  const args = grants.flatMap(({ repository, actions }) => [
    '--repository',
    repository,
    '--actions',
    actions.join(','),
  ]);
  const made = await berth('token', 'create', '--data', data, '--name', name, ...args, '--json');
  const { username, passwords } = JSON.parse(made) as {
    username: string;
    passwords: { name: string; value: string }[];
  };
  const password = passwords.find((each) => each.name === 'password1')?.value;
  if (password === undefined) throw new Error(`token ${name} came without password1`);
  return { username, password };
}

async function berth(...args: string[]): Promise<string> {
  return (await run(process.execPath, [program, ...args], programEnv)).stdout;
}
