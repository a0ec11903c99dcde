import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { askServer } from '../../src/main/management-client.ts';
import { basic, type Client, client } from './_client.ts';

/** Actions of a token by repository, `prefix/*` or `*`. */
export type Grants = Readonly<Record<string, readonly string[]>>;

export interface Person {
  readonly username: string;
  readonly password: string;
}

/** A running Berth with its first registry behind the plain listener, and its data folder. */
export interface Berth extends AsyncDisposable, Person {
  readonly registry: string;
  /** `127.0.0.1:port` of the plain listener. */
  readonly address: string;
  readonly data: string;
  readonly caFile: string;
  /** Host and port of the registry under TLS: the audience of its tokens. */
  readonly loginServer: string;
  readonly tenantId: string;
  readonly subscriptionId: string;
  /** The first user, an Owner of the subscription. */
  readonly operatorUser: Person;
  readonly admin: Client;
  readonly nobody: Client;
  as(person: Person): Client;
  bearer(token: string): Client;
  /** A client of another registry of the same server. */
  at(registry: string, authorization?: string): Client;
  /** Makes a token; `expiresMs` is the Unix time in milliseconds when its passwords end. */
  createToken(name: string, grants: Grants, expiresMs?: number): Promise<Person>;
  /** Speaks to the management socket, as the command line does. */
  operator(method: string, path: string, body?: unknown): Promise<Record<string, unknown>>;
  /** Stops the server and answers everything that it wrote to standard error. */
  stop(): Promise<string>;
}

interface Ready {
  readonly loginServer: string;
  readonly registry: { readonly name: string; readonly loginServer: string };
  readonly username: string;
  readonly password: string;
  readonly caFile: string;
  readonly tenantId: string;
  readonly subscriptionId: string;
  readonly operator: Person;
}

const program = join(import.meta.dirname, '..', '..', 'bin', 'berth');
const startTimeoutMs = 50_000;
const ports = ['--http', '127.0.0.1:0', '--https', '127.0.0.1:0', '--proxy-listen', 'off'];
const base = ['up', '--json', '--domain', 'e2e.localhost', ...ports];

/** Starts Berth by its command. Disposing it sends SIGTERM and expects it to end with 0. */
export async function startBerth(...flags: string[]): Promise<Berth> {
  const folder = await mkdtemp(join(tmpdir(), 'berth-e2e-'));
  const data = join(folder, 'data');
  // The user's own settings are none of the test's.
  const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('BERTH_')));
  // So that the same tests hold for other settings: `BERTH_TEST_FLAGS='--workers 3'`.
  const everywhere = (process.env['BERTH_TEST_FLAGS'] ?? '').split(' ').filter((flag) => flag !== '');
  const child = spawn(process.execPath, [program, ...base, '--data', data, ...everywhere, ...flags], {
    env,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const log: Buffer[] = [];
  child.stderr.on('data', (chunk: Buffer) => log.push(chunk));
  const text = () => Buffer.concat(log).toString('utf8');
  const ended = once(child, 'close');

  const stop = async (): Promise<string> => {
    if (child.exitCode === null && child.signalCode === null) child.kill('SIGTERM');
    await ended;
    await rm(folder, { recursive: true, force: true });
    return text();
  };
  const first = once(createInterface({ input: child.stdout }), 'line', { signal: AbortSignal.timeout(startTimeoutMs) });
  const early = ended.then((): never => {
    throw new Error('it ended before it was ready');
  });
  let ready: Ready;
  try {
    ready = JSON.parse(((await Promise.race([first, early])) as [string])[0]) as Ready;
  } catch (cause) {
    child.kill('SIGKILL');
    throw new Error(`berth up did not become ready\n${await stop()}`, { cause });
  }
  early.catch(() => undefined);

  const address = ready.loginServer;
  const as = (person: Person): Client => client({ address, authorization: basic(person.username, person.password) });
  return {
    registry: ready.registry.name,
    username: ready.username,
    password: ready.password,
    address,
    data,
    caFile: ready.caFile,
    loginServer: ready.registry.loginServer,
    tenantId: ready.tenantId,
    subscriptionId: ready.subscriptionId,
    operatorUser: ready.operator,
    admin: as(ready),
    nobody: client({ address }),
    as,
    bearer: (token) => client({ address, authorization: `Bearer ${token}` }),
    at: (registry, authorization) =>
      client({ address, host: `${registry}.e2e.localhost`, ...(authorization === undefined ? {} : { authorization }) }),
    async createToken(name, grants, expiresMs) {
      const made = (await askServer(data, 'POST', '/registries/-/tokens', {
        name,
        actions: Object.entries(grants).flatMap(([repository, actions]) =>
          actions.map((action) => `repositories/${repository}/${action}`),
        ),
        ...(expiresMs === undefined ? {} : { expiresMs }),
      })) as unknown as { passwords: { value: string }[] };
      return { username: name, password: made.passwords[0]?.value ?? '' };
    },
    operator: (method, path, body) => askServer(data, method, path, body),
    stop,
    async [Symbol.asyncDispose]() {
      const said = await stop();
      if (child.exitCode !== 0) throw new Error(`berth up ended with ${child.exitCode}\n${said}`);
    },
  };
}
