import { type ChildProcess, spawn } from 'node:child_process';
import { access, constants, readFile } from 'node:fs/promises';
import { constants as systemConstants } from 'node:os';
import { delimiter, join } from 'node:path';
import { cloudName } from './az-setup-lines.ts';
import { StartRefusal } from './start-refusal.ts';

/** How a program ended, as a shell counts: 128 and its number for a signal. */
export type ExitCode = number;

/**
 * The user's az: the one that BERTH_AZ names, or the first on the PATH. Throws a StartRefusal that says how to get it.
 */
export async function findAz(env: NodeJS.ProcessEnv): Promise<string> {
  const named = env['BERTH_AZ'];
  if (named !== undefined && named !== '') {
    if (await isExecutable(named)) return named;
    throw new StartRefusal(`BERTH_AZ names ${named}, which is no program that this user may run`);
  }
  for (const folder of (env['PATH'] ?? '').split(delimiter)) {
    const path = join(folder, 'az');
    if (folder !== '' && (await isExecutable(path))) return path;
  }
  throw new StartRefusal(
    "az is not on the PATH; get it by your system's packages or by `pip install azure-cli` in a virtual environment, or name it in BERTH_AZ",
  );
}

/**
 * Runs az with this process's input and output, and hands signals on. A terminal sends SIGINT and SIGHUP to both alike:
 * sent on, they would arrive twice.
 */
export async function runAz(program: string, args: readonly string[], env: NodeJS.ProcessEnv): Promise<ExitCode> {
  const child = spawn(program, args, { env, stdio: 'inherit' });
  return withSignals(child, () => ending(child));
}

/** Runs az for ourselves. Its output is for the message of a failure. */
export async function askAz(
  program: string,
  args: readonly string[],
  env: NodeJS.ProcessEnv,
): Promise<{ code: ExitCode; said: string }> {
  const child = spawn(program, args, { env, stdio: ['ignore', 'pipe', 'pipe'] });
  let said = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream?.setEncoding('utf8').on('data', (text: string) => (said = (said + text).slice(-4_000)));
  }
  return withSignals(child, async () => ({ code: await ending(child), said: said.trim() }));
}

/** True when the configuration of az in a folder has a cloud of our name. */
export async function hasCloud(configFolder: string): Promise<boolean> {
  const text = await readFile(join(configFolder, 'clouds.config'), 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return '';
    throw error;
  });
  return text.split(/\r?\n/).includes(`[${cloudName}]`);
}

async function withSignals<T>(child: ChildProcess, work: () => Promise<T>): Promise<T> {
  const isTerminal = process.stdin.isTTY;
  const handOn = (signal: NodeJS.Signals): void => {
    if (signal === 'SIGTERM' || !isTerminal) child.kill(signal);
  };
  const signals = ['SIGTERM', 'SIGINT', 'SIGHUP'] as const;
  for (const signal of signals) process.on(signal, handOn);
  try {
    return await work();
  } finally {
    for (const signal of signals) process.off(signal, handOn);
  }
}

function ending(child: ChildProcess): Promise<ExitCode> {
  return new Promise((resolve, reject) => {
    child.on('error', (error) => reject(new StartRefusal(`az cannot be started: ${error.message}`, { cause: error })));
    child.on('close', (code, signal) => resolve(code ?? 128 + (systemConstants.signals[signal ?? 'SIGKILL'] ?? 0)));
  });
}

function isExecutable(path: string): Promise<boolean> {
  return access(path, constants.X_OK).then(
    () => true,
    () => false,
  );
}
