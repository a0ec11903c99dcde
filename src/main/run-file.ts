import { lstat, mkdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { writeDurably } from './durable-file.ts';
import { StartRefusal } from './start-refusal.ts';

/** What a running server tells the command line, in `run.json` of the data folder. */
export interface RunInfo {
  readonly pid: number;
  /** Path of the management socket. */
  readonly socket: string;
  /** Unix milliseconds. */
  readonly started: number;
  /** Addresses of the listeners by name, for instance `{ http: ['http://localhost:5000'] }`. */
  readonly endpoints: Readonly<Record<string, readonly string[]>>;
}

/** Longest socket path that is safe everywhere: Linux takes 107 bytes, macOS 103. */
const maxSocketPathBytes = 100;

/** Path of `run.json` in a data folder. */
export function runFile(folder: string): string {
  return join(folder, 'run.json');
}

/**
 * Reads `run.json` without taking the folder's lock, or undefined when no server has said that it is ready. A server that
 * was killed leaves its file behind, so a caller that cannot connect to the socket takes it as not running.
 */
export async function readRunInfo(folder: string): Promise<RunInfo | undefined> {
  const text = await readFile(runFile(folder), 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined;
    throw error;
  });
  return text === undefined ? undefined : (JSON.parse(text) as RunInfo);
}

/** Writes `run.json` whole. */
export async function writeRunInfo(folder: string, info: RunInfo): Promise<void> {
  await writeDurably(runFile(folder), `${JSON.stringify(info, null, 2)}\n`);
}

/**
 * Prepares the place of the management socket: in the data folder, or where that path is too long for a Unix socket, in a
 * folder of its own (0700) under the folder for temporary files. A socket left by a killed process is removed.
 */
export async function prepareSocket(
  folder: string,
  deploymentId: string,
  temporary = tmpdir(),
): Promise<{ path: string; remove(): Promise<void> }> {
  const near = join(folder, 'berth.sock');
  const path = Buffer.byteLength(near) <= maxSocketPathBytes ? near : await makeFarSocket(temporary, deploymentId);
  await rm(path, { force: true });
  return {
    path,
    async remove() {
      await rm(path, { force: true });
      if (path !== near) await rm(dirname(path), { recursive: true, force: true });
    },
  };
}

async function makeFarSocket(temporary: string, deploymentId: string): Promise<string> {
  const folder = join(temporary, `berth-${deploymentId.slice(0, 16)}`);
  const path = join(folder, 'berth.sock');
  if (Buffer.byteLength(path) > maxSocketPathBytes) {
    throw new StartRefusal(
      `the management socket would be ${path}, too long for a Unix socket; set TMPDIR to a shorter path`,
    );
  }
  await mkdir(folder, { mode: 0o700 }).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'EEXIST') throw error;
  });
  // Anybody may make folders there: one that was there before must be ours and closed to others.
  const found = await lstat(folder);
  if (!found.isDirectory() || found.uid !== process.getuid?.() || (found.mode & 0o077) !== 0) {
    throw new StartRefusal(`${folder} is not a folder of this user alone; remove it and start again`);
  }
  return path;
}
