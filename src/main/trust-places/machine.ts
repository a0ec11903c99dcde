import { execFile } from 'node:child_process';
import { constants } from 'node:fs';
import { access, mkdir, readdir, readFile, rm, rmdir, stat, writeFile } from 'node:fs/promises';
import { delimiter, dirname, join } from 'node:path';
import { writeDurably } from '../durable-file.ts';
import { describeStep, type Step } from './place.ts';

/** How a program ended. */
export interface Ran {
  /** -1 when it could not be started, or did not end in time. */
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** What the modules of this folder know of the machine; tests give another. */
export interface Machine {
  readonly platform: NodeJS.Platform;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly home: string;
  /** Whether this process may change what belongs to the machine, and is asked to. */
  readonly isRoot: boolean;
  /** Absolute path of a program, looked for on the PATH and in root's folders. */
  find(program: string): Promise<string | undefined>;
  /** The text of a file, or undefined when it cannot be read. */
  read(path: string): Promise<string | undefined>;
  /** Names in a folder; none when it cannot be read. */
  list(path: string): Promise<readonly string[]>;
  isFolder(path: string): Promise<boolean>;
  run(program: string, args: readonly string[]): Promise<Ran>;
  /** Does one step. Rejects with a message for people. */
  perform(step: Step): Promise<void>;
}

/** Making the bundles of a system anew, with its hooks, takes a busy machine half a minute. */
const programMs = 180_000;
const rootFolders = ['/usr/local/sbin', '/usr/sbin', '/sbin'];

/** The machine that this process runs on. */
export function thisMachine(options: { env: NodeJS.ProcessEnv; home: string; isRoot: boolean }): Machine {
  const { env } = options;
  const find = async (program: string): Promise<string | undefined> => {
    for (const folder of [...(env['PATH'] ?? '').split(delimiter), ...rootFolders]) {
      const path = join(folder, program);
      if (folder !== '' && (await isExecutable(path))) return path;
    }
    return undefined;
  };
  const run = async (program: string, args: readonly string[]): Promise<Ran> =>
    runProgram((await find(program)) ?? program, args, env);
  return {
    platform: process.platform,
    ...options,
    find,
    run,
    read: (path) => readFile(path, 'utf8').catch(() => undefined),
    list: (path) => readdir(path).catch(() => []),
    isFolder: (path) =>
      stat(path).then(
        (found) => found.isDirectory(),
        () => false,
      ),
    async perform(step) {
      if (step.kind !== 'run') return performOnFiles(step);
      const { code, stdout, stderr } = await run(step.program, step.args);
      if (code === 0) return;
      const said = (stderr.trim() || stdout.trim()).split('\n').at(-1) ?? '';
      throw new Error(`${describeStep(step)} ended with ${code}: ${said.slice(0, 300)}`);
    },
  };
}

async function performOnFiles(step: Exclude<Step, { kind: 'run' }>): Promise<void> {
  switch (step.kind) {
    case 'write':
      await mkdir(dirname(step.path), { recursive: true, mode: 0o755 });
      // The mask of the process must not take rights away that every reader of certificates needs.
      return writeDurably(step.path, step.text, { exactMode: 0o644 });
    case 'edit':
      // Not by renaming: in a container the file is a mount of its own.
      return writeFile(step.path, step.text);
    case 'remove':
      await rm(step.path, { force: true });
      for (const folder of step.emptyFolders) {
        await rmdir(folder).catch((error: NodeJS.ErrnoException) => {
          if (error.code !== 'ENOTEMPTY' && error.code !== 'EEXIST' && error.code !== 'ENOENT') throw error;
        });
      }
      return;
    default:
      return step satisfies never;
  }
}

/** Runs a program without a shell and without input, so that one that wants to ask ends instead of waiting. */
function runProgram(program: string, args: readonly string[], env: NodeJS.ProcessEnv): Promise<Ran> {
  return new Promise((resolve) => {
    const child = execFile(program, args, { env, timeout: programMs, maxBuffer: 1 << 24 }, (error, stdout, stderr) => {
      const code = error === null ? 0 : typeof error.code === 'number' ? error.code : -1;
      resolve({ code, stdout, stderr: stderr || (code === -1 ? (error?.message ?? '') : '') });
    });
    child.stdin?.end();
  });
}

async function isExecutable(path: string): Promise<boolean> {
  return access(path, constants.X_OK).then(
    () => true,
    () => false,
  );
}
