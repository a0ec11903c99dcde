import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const run = promisify(execFile);

export const projectFolder: string = fileURLToPath(new URL('..', import.meta.url));

/** The domain of a Berth under measurement. */
export const benchDomain = 'bench.localhost';

/** The command as users have it. */
export const berthCommand: string = join(projectFolder, 'bin', 'berth');

/** The environment of a Berth under measurement: this one's, without what would configure it. */
export function berthEnvironment(): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('BERTH_')));
}

/** Runs a command of Berth to its end and answers what it printed. */
export async function runBerth(args: readonly string[]): Promise<string> {
  const { stdout } = await run(process.execPath, [berthCommand, ...args], { env: berthEnvironment() });
  return stdout;
}

/** The flags that `berth up` of this tree knows; building it, where it is older than its sources, is part of asking. */
export async function upFlags(): Promise<ReadonlySet<string>> {
  return new Set((await runBerth(['up', '--help'])).match(/--[a-z][a-z-]*/g));
}

/**
 * Arguments of `berth up` for a measurement: everything at its default, but for the folder and the addresses. The proxy
 * for clients, a listener that no row uses, is off where there is one.
 */
export function upArguments(options: {
  readonly data: string;
  readonly http: string;
  readonly https: string;
  readonly flags: ReadonlySet<string>;
}): string[] {
  const { data, http, https, flags } = options;
  const proxy = flags.has('--proxy-listen') ? ['--proxy-listen', 'off'] : [];
  const listeners = ['--http', http, '--https', https, ...proxy];
  return ['up', '--json', '--data', data, '--domain', benchDomain, ...listeners];
}
