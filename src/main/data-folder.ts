import { chmod, mkdir, readdir, readFile, rm, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { Clock, Ids } from '../kernel/index.ts';
import { syncFolder, writeDurably } from './durable-file.ts';
import { type FolderLock, lockFolder } from './folder-lock.ts';
import { createRootKey, readRootKey, rootKeyFile } from './root-key.ts';
import { prepareSocket, type RunInfo, runFile, writeRunInfo } from './run-file.ts';
import { StartRefusal } from './start-refusal.ts';

/**
 * The folder that holds a deployment, open in this process:
 *
 *   berth.json    format, deployment id, time of creation; written last, so a folder with it is whole
 *   root.key      the root key, 0600
 *   lock          taken while a process has the folder; lock.pid names that process
 *   run.json      while a server is ready: pid, socket, endpoints
 *   berth.sock    management socket (elsewhere when the path is too long)
 *   berth.yaml    configuration, the user's own
 */
export interface DataFolder extends AsyncDisposable {
  readonly path: string;
  /** 128 random bits in hex, the same for the life of the data. */
  readonly deploymentId: string;
  /** Unix milliseconds. */
  readonly created: number;
  /** True when this start made the data. */
  readonly isNew: boolean;
  readonly rootKey: Uint8Array;
  /** Where the management socket belongs; nothing is there yet. */
  readonly socketPath: string;
  /** Tells the command line that the server is ready. */
  announce(info: Omit<RunInfo, 'socket'>): Promise<void>;
  /** Removes `run.json` and the socket and gives the lock back. Idempotent. */
  close(): Promise<void>;
}

/** What `berth.json` holds. */
interface FolderInfo {
  readonly format: number;
  readonly deploymentId: string;
  readonly created: number;
}

export interface DataFolderOptions {
  readonly path: string;
  readonly clock: Clock;
  readonly ids: Ids;
  readonly pid: number;
  /** Folder for temporary files, for a socket whose path would be too long here. */
  readonly temporary?: string;
}

/** Layout that this version reads and writes. */
const format = 1;
/** What may be in a folder before Berth has made its data there: the user's file, and what an interrupted first start left. */
const harmless =
  /^(?:berth\.yaml|lost\+found|lock|lock\.pid|lock-journal|root\.key|(?:root\.key|berth\.json)\.tmp-[0-9a-f]+)$/;

/**
 * Opens the data folder for this process alone, and makes it when it is absent or empty. Throws a StartRefusal when it is
 * in use, cannot be written, holds other things, or is of another version. A first start that fails half-way leaves
 * nothing that the next one does not complete.
 */
export async function openDataFolder(options: DataFolderOptions): Promise<DataFolder> {
  const { path } = options;
  await explain(path, () => makeFolder(path));
  await explain(path, () => refuseForeign(path));
  const lock = await explain(path, () => lockFolder(path, options.pid));
  try {
    return await explain(path, () => openLocked(options, lock));
  } catch (error) {
    await lock.release();
    throw error;
  }
}

async function openLocked(options: DataFolderOptions, lock: FolderLock): Promise<DataFolder> {
  const { path } = options;
  const known = await readInfo(path);
  const info = known ?? (await create(options));
  const rootKey = await readRootKey(path);
  if (rootKey === undefined) {
    throw new StartRefusal(
      `${rootKeyFile(path)} is gone; without it no secret in ${path} opens; bring it back from a backup`,
    );
  }
  const socket = await prepareSocket(path, info.deploymentId, options.temporary);
  await rm(runFile(path), { force: true });
  const close = async () => {
    await rm(runFile(path), { force: true });
    await socket.remove();
    await lock.release();
  };
  let closing: Promise<void> | undefined;
  const closeOnce = () => (closing ??= close());
  return {
    path,
    deploymentId: info.deploymentId,
    created: info.created,
    isNew: known === undefined,
    rootKey,
    socketPath: socket.path,
    announce: (run) => writeRunInfo(path, { ...run, socket: socket.path }),
    close: closeOnce,
    [Symbol.asyncDispose]: closeOnce,
  };
}

async function create(options: DataFolderOptions): Promise<FolderInfo> {
  const { path } = options;
  // A folder that was there before may be open to others; one that belongs to another user (a mounted volume) stays as it is.
  if ((await stat(path)).uid === process.getuid?.()) await chmod(path, 0o700);
  for (const name of await readdir(path)) {
    if (name.includes('.tmp-')) await rm(join(path, name));
  }
  if ((await readRootKey(path)) === undefined) await createRootKey(path);
  // Also when it was there already: an earlier start may have made it and died before its sync.
  await syncName(path);
  const info: FolderInfo = { format, deploymentId: options.ids.id(), created: options.clock.now() };
  await writeDurably(infoFile(path), `${JSON.stringify(info, null, 2)}\n`);
  return info;
}

async function readInfo(path: string): Promise<FolderInfo | undefined> {
  const text = await readFile(infoFile(path), 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined;
    throw error;
  });
  if (text === undefined) return undefined;
  const info = parseInfo(text);
  if (info === undefined) throw new StartRefusal(`${infoFile(path)} is damaged; bring it back from a backup`);
  if (info.format !== format) {
    throw new StartRefusal(
      `${path} holds data of an incompatible version: format ${info.format}, and this version of Berth reads format ${format}`,
    );
  }
  return info;
}

function parseInfo(text: string): FolderInfo | undefined {
  try {
    const value = JSON.parse(text) as Partial<FolderInfo> | null;
    if (typeof value?.format !== 'number') return undefined;
    // Another format may call the rest otherwise; only the number is needed to refuse it.
    if (value.format !== format) return { format: value.format, deploymentId: '', created: 0 };
    if (typeof value.deploymentId !== 'string' || typeof value.created !== 'number') return undefined;
    return { format, deploymentId: value.deploymentId, created: value.created };
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

/** Makes a folder and its parents. Node's own `recursive` never returns where a file system answers ENOENT to every mkdir. */
async function makeFolder(path: string): Promise<void> {
  const make = () =>
    mkdir(path, { mode: 0o700 }).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'EEXIST') throw error;
    });
  try {
    await make();
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'ENOENT') || dirname(path) === path) throw error;
    await makeFolder(dirname(path));
    await syncName(dirname(path));
    await make();
  }
}

/** Makes the name of a folder durable: whatever is synced inside is found again only if the folder itself is. */
async function syncName(path: string): Promise<void> {
  await syncFolder(dirname(path)).catch((error: NodeJS.ErrnoException) => {
    // The folder above may be one that this user cannot read; whoever made the folder there sees to its name.
    if (error.code !== 'EACCES') throw error;
  });
}

async function refuseForeign(path: string): Promise<void> {
  if (!(await stat(path)).isDirectory()) throw new StartRefusal(`the data folder ${path} is not a folder`);
  const names = await readdir(path);
  if (names.includes('berth.json')) return;
  const foreign = names.find((name) => !harmless.test(name));
  if (foreign !== undefined) {
    throw new StartRefusal(
      `${path} holds "${foreign}" but no data of Berth; name an empty folder, or one that does not exist`,
    );
  }
}

function infoFile(path: string): string {
  return join(path, 'berth.json');
}

/** Why the operating system refuses, in words for the person who starts Berth. */
const reasons: Readonly<Record<string, string>> = {
  EACCES: 'this user may not write there',
  EPERM: 'this user may not write there',
  EROFS: 'the file system is read-only',
  ENOSPC: 'no space is left',
  EDQUOT: 'the disk quota is used up',
  ENOTDIR: 'a part of the path is not a folder',
  ENOENT: 'a part of the path cannot be made',
};

async function explain<T>(path: string, action: () => Promise<T>): Promise<T> {
  try {
    return await action();
  } catch (error) {
    if (!(error instanceof Error) || !('code' in error)) throw error;
    const reason =
      reasons[String(error.code)] ?? (isSqliteCannotOpen(error) ? 'its lock file cannot be written' : undefined);
    if (reason === undefined) throw error;
    throw new StartRefusal(`the data folder ${path} cannot be used: ${reason}; name another with --data`, {
      cause: error,
    });
  }
}

/** SQLITE_READONLY, SQLITE_IOERR, SQLITE_FULL and SQLITE_CANTOPEN, without their extended parts. */
function isSqliteCannotOpen(error: Error): boolean {
  return 'errcode' in error && [8, 10, 13, 14].includes(Number(error.errcode) & 0xff);
}
