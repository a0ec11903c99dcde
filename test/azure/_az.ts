import { cp, mkdtemp } from 'node:fs/promises';
import { join } from 'node:path';
import { expect } from 'vitest';
import { parse as parseYaml } from 'yaml';
import { clientsPath, locatePython } from '../../tools/clients/locate.ts';
import { type Output, type RunOptions, refused, run } from '../clients/_process.ts';
import type { Credentials } from '../clients/_registry-api.ts';
import { test as base, lacks } from '../clients/_test.ts';
import type { World } from '../clients/_world.ts';

/**
 * The unmodified az with a configuration folder of its own, led to one Berth. A line is split at blanks; words that have
 * some come behind it.
 */
export interface Az {
  readonly configFolder: string;
  readonly env: NodeJS.ProcessEnv;
  /** Runs a command that must succeed. */
  run(line: string, words?: readonly string[], options?: RunOptions): Promise<Output>;
  /** What the command prints with `-o json`; undefined where it prints nothing. */
  json<T = Record<string, unknown>>(line: string, ...words: string[]): Promise<T>;
  /** What the command prints with `-o tsv`, without the last line end. */
  tsv(line: string, ...words: string[]): Promise<string>;
  /** Runs a command that must fail, and answers what it says. */
  refused(line: string, ...words: string[]): Promise<string>;
  /** Another one with a copy of this configuration, sign-ins among it. */
  copy(): Promise<Az>;
  /** The same one with more environment. */
  with(env: NodeJS.ProcessEnv): Az;
}

/** The environment that leads any client through the proxy of a Berth and makes it trust its authority. */
export function throughProxy(world: World): NodeJS.ProcessEnv {
  return {
    HTTPS_PROXY: world.proxy,
    https_proxy: world.proxy,
    NO_PROXY: '',
    no_proxy: '',
    REQUESTS_CA_BUNDLE: world.caFile,
    SSL_CERT_FILE: world.caFile,
  };
}

/** An az whose configuration folder is empty: it knows no Berth yet. */
export async function freshAz(world: World, env: NodeJS.ProcessEnv = throughProxy(world)): Promise<Az> {
  const home = await mkdtemp(join(world.folder, 'az-'));
  const configFolder = join(home, 'config');
  return azWith(world, configFolder, {
    PATH: clientsPath(),
    HOME: home,
    LANG: 'C.UTF-8',
    TMPDIR: home,
    DOCKER_CONFIG: join(home, '.docker'),
    AZURE_CONFIG_DIR: configFolder,
    AZURE_CORE_COLLECT_TELEMETRY: 'no',
    ...env,
  });
}

/** An az that knows Berth, where nobody is signed in. */
export async function registeredAz(world: World): Promise<Az> {
  const az = await freshAz(world);
  await az.run(`cloud register -n Berth --endpoint-resource-manager https://management.${world.domain}`);
  // `az cloud set` writes the same name; this saves one start of az.
  await az.run('config set cloud.name=Berth core.instance_discovery=false extension.use_dynamic_install=no');
  return az;
}

/** Signs in with a password. */
export async function signIn(az: Az, person: Credentials): Promise<void> {
  await az.run(`login -u ${person.username} -p ${person.password}`);
}

/** Signs in as a service principal. */
export async function signInAs(az: Az, world: World, principal: { appId: string; password: string }): Promise<void> {
  await az.run(`login --service-principal -u ${principal.appId} --tenant ${world.tenantId}`, [
    '-p',
    principal.password,
  ]);
}

/**
 * `az` is signed in as the operator, once for all tests of a file; `unsigned` knows Berth and has nobody signed in, one for
 * each test.
 */
export const test = base
  .extend('az', { scope: 'file' }, async ({ world }) => {
    const az = await registeredAz(world);
    await signIn(az, world.operator);
    return az;
  })
  .extend('unsigned', ({ world }) => registeredAz(world));

/** What a command is to print in every form. */
export interface Forms {
  /** Cells or headings that the table has. */
  readonly table: readonly string[];
  /** A query, and what it gives. */
  readonly query: string;
  readonly gives: unknown;
  /** The same as lines of tabs. */
  readonly tsv: string;
}

/** Holds a command's output against what it is to be in each form: table, and by a query yaml and tsv. Answers its json. */
export async function inEveryForm(az: Az, line: string, forms: Forms): Promise<unknown> {
  const json = await az.json<unknown>(line);
  const table = (await az.run(`${line} -o table`)).stdout;
  for (const cell of forms.table) expect(table).toContain(cell);
  expect(table).not.toContain('{');
  const yaml = await az.run(`${line} -o yaml`, ['--query', forms.query]);
  expect(parseYaml(yaml.stdout)).toEqual(forms.gives);
  expect(await az.tsv(line, '--query', forms.query)).toBe(forms.tsv);
  return json;
}

/** True where az cannot run, or one of the other clients. */
export function lacksAz(...others: string[]): boolean {
  return lacks('az', ...others);
}

function azWith(world: World, configFolder: string, env: NodeJS.ProcessEnv): Az {
  const program = locatePython('az') ?? 'az';
  const args = (line: string, words: readonly string[]) => [...line.split(' ').filter((word) => word !== ''), ...words];
  return {
    configFolder,
    env,
    run: (line, words = [], options = {}) => run(program, args(line, words), env, options),
    async json<T>(line: string, ...words: string[]) {
      const { stdout } = await run(program, args(line, [...words, '-o', 'json']), env);
      return (stdout.trim() === '' ? undefined : JSON.parse(stdout)) as T;
    },
    tsv: async (line, ...words) =>
      (await run(program, args(line, [...words, '-o', 'tsv']), env)).stdout.replace(/\n$/, ''),
    refused: async (line, ...words) => (await refused(program, args(line, words), env)).stderr,
    async copy() {
      const other = await freshAz(world);
      await cp(configFolder, other.configFolder, { recursive: true });
      return other;
    },
    with: (more) => azWith(world, configFolder, { ...env, ...more }),
  };
}

export { describe, expect } from 'vitest';
