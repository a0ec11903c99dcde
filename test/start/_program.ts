import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';

/** The line of `berth up --json`. */
export interface Ready {
  readonly ready: true;
  readonly pid: number;
  readonly dataDir: string;
  readonly loginServer: string;
  readonly registry: { readonly name: string; readonly loginServer: string };
  readonly username?: string;
  readonly password?: string;
  readonly tenantId: string;
  readonly subscriptionId: string;
  readonly operator?: { readonly username: string; readonly password: string };
  readonly endpoints: { readonly registry: string; readonly proxy?: string };
  readonly caFile: string;
}

export interface Ending {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

export interface Output extends Ending {
  readonly stdout: string;
  readonly stderr: string;
}

/** A program that was started and may still run. */
export interface Running {
  readonly child: ChildProcess;
  readonly pid: number;
  readonly exit: Promise<Ending>;
  stdout(): string;
  stderr(): string;
  /** The `--json` line; rejects when the program ends without one. */
  ready(): Promise<Ready>;
  /** Sends a signal and waits for the end. */
  stop(signal?: NodeJS.Signals): Promise<Ending>;
}

export interface StartOptions {
  readonly env?: NodeJS.ProcessEnv;
  /** Another Node than the one that runs the tests. */
  readonly node?: string;
  /** A process group of its own, so that a signal to the group does not reach the tests. */
  readonly group?: boolean;
  /** A user of the machine that owns nothing here. */
  readonly asNobody?: boolean;
}

/** A folder for one test, and everything that was started from it. */
export interface Scratch extends AsyncDisposable {
  readonly folder: string;
  /** Where the data go; absent until something makes it. */
  readonly data: string;
  /** Runs bin/berth to its end. */
  berth(args: readonly string[], options?: StartOptions): Promise<Output>;
  /** `berth up --json` on `data`, with ports of its own unless `args` name some. */
  up(args?: readonly string[], options?: StartOptions): Running;
  /** Any program, under the same rules. */
  start(program: string, args: readonly string[], options?: StartOptions): Running;
}

export const project = join(import.meta.dirname, '..', '..');
export const launcher = join(project, 'bin', 'berth');
/** Free ports for both listeners. */
export const anyPorts = ['--http', '127.0.0.1:0', '--https', '127.0.0.1:0', '--proxy-listen', '127.0.0.1:0'];
const nobody = 65_534;
const pollMs = 20;

export async function openScratch(): Promise<Scratch> {
  const folder = await mkdtemp(join(tmpdir(), 'berth-start-'));
  const data = join(folder, 'data');
  const running: Running[] = [];

  const start: Scratch['start'] = (program, args, options = {}) => {
    const command = options.asNobody
      ? ['setpriv', `--reuid=${nobody}`, `--regid=${nobody}`, '--clear-groups', program, ...args]
      : [program, ...args];
    const child = spawn(command[0] ?? program, command.slice(1), {
      cwd: project,
      env: { ...plainEnvironment(), HOME: folder, ...options.env },
      stdio: ['ignore', 'pipe', 'pipe'],
      detached: options.group ?? false,
    });
    const started = attend(child);
    running.push(started);
    return started;
  };
  const berth = (args: readonly string[], options: StartOptions = {}) =>
    start(options.node ?? process.execPath, [launcher, ...args], options);

  return {
    folder,
    data,
    start,
    up: (args = anyPorts, options = {}) => berth(['up', '--json', '--data', data, ...args], options),
    async berth(args, options) {
      const one = berth(args, options);
      const ending = await one.exit;
      return { ...ending, stdout: one.stdout(), stderr: one.stderr() };
    },
    async [Symbol.asyncDispose]() {
      for (const one of running) {
        if (one.child.exitCode === null && one.child.signalCode === null) one.child.kill('SIGKILL');
        await one.exit;
      }
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** A running server on a folder of its own, with what its first start said. */
export async function startServer(args: readonly string[] = anyPorts, options: StartOptions = {}) {
  const scratch = await openScratch();
  try {
    const server = scratch.up(args, options);
    const ready = await server.ready();
    const { username = '', password = '' } = ready;
    return { ...scratch, server, ready, username, password };
  } catch (error) {
    await scratch[Symbol.asyncDispose]();
    throw error;
  }
}

/** Waits until `condition` gives something, and answers that. */
export async function until<T>(what: string, condition: () => Promise<T | undefined> | T | undefined): Promise<T> {
  const deadline = performance.now() + 30_000;
  for (;;) {
    const found = await condition();
    if (found !== undefined) return found;
    if (performance.now() > deadline) throw new Error(`${what}: not within 30 s`);
    await new Promise((resolve) => setTimeout(resolve, pollMs));
  }
}

/** Waits until no process has this id. */
export async function untilGone(pid: number): Promise<void> {
  await until(`the end of process ${pid}`, () => (isAlive(pid) ? undefined : true));
}

export function isAlive(pid: number): boolean {
  return existsSync(`/proc/${pid}`);
}

/** A Node older than 24 on this machine, as a user may have it. */
export function olderNode(): string | undefined {
  const folders = [...(process.env['PATH'] ?? '').split(delimiter), '/usr/local/bin', '/usr/bin'];
  return folders
    .filter((folder) => folder !== '' && !folder.includes('node_modules'))
    .map((folder) => join(folder, 'node'))
    .find((path) => {
      const major = Number(/^v([0-9]+)/.exec(spawnSync(path, ['--version']).stdout?.toString() ?? '')?.[1]);
      return major >= 18 && major < 24;
    });
}

/** True where a program can be run as somebody who owns nothing: needs root, setpriv, and a project that others may read. */
export function hasNobody(): boolean {
  if (process.getuid?.() !== 0) return false;
  const options = [`--reuid=${nobody}`, `--regid=${nobody}`, '--clear-groups'];
  return spawnSync('setpriv', [...options, process.execPath, launcher, '--version']).status === 0;
}

/** The environment without what npm, the tests and the user's own Berth put there. */
function plainEnvironment(): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !/^(?:BERTH_|npm_|XDG_)/.test(name)));
}

function attend(child: ChildProcess): Running {
  let stdout = '';
  let stderr = '';
  child.stdout?.setEncoding('utf8').on('data', (text: string) => (stdout += text));
  child.stderr?.setEncoding('utf8').on('data', (text: string) => (stderr += text));
  const exit = once(child, 'close').then(([code, signal]): Ending => ({ code, signal }));
  const running: Running = {
    child,
    pid: child.pid ?? -1,
    exit,
    stdout: () => stdout,
    stderr: () => stderr,
    ready: () =>
      until('the line that says ready', () => {
        if (stdout.includes('\n')) return JSON.parse(stdout.slice(0, stdout.indexOf('\n'))) as Ready;
        if (child.exitCode !== null) throw new Error(`it ended with ${child.exitCode}\n${stderr}`);
        return undefined;
      }),
    stop(signal = 'SIGTERM') {
      child.kill(signal);
      return exit;
    },
  };
  return running;
}
