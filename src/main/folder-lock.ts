import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { StartRefusal } from './start-refusal.ts';

/** A lock on a folder that ends with the process, however that ends. */
export interface FolderLock {
  release(): Promise<void>;
}

/** Result code of SQLite for a lock that another connection holds. */
const sqliteBusy = 5;

/**
 * Takes the lock of a data folder, or throws a StartRefusal that names the process that has it. The lock is an exclusive
 * transaction on an empty SQLite database: the operating system drops it with the process, kill -9 included, and it
 * needs no judgement about whether a recorded pid is alive. Which process holds it stands in a file beside.
 */
export async function lockFolder(folder: string, pid: number): Promise<FolderLock> {
  const holderFile = join(folder, 'lock.pid');
  const database = new DatabaseSync(join(folder, 'lock'), { timeout: 0 });
  try {
    // Nothing is ever written, so a journal file would only be litter.
    database.exec('PRAGMA journal_mode = MEMORY; BEGIN EXCLUSIVE');
  } catch (error) {
    database.close();
    if (!isBusy(error)) throw error;
    throw new StartRefusal(`the data folder ${folder} is in use by ${await holder(holderFile)}`, { cause: error });
  }
  try {
    await writeFile(holderFile, `${pid}\n`, { mode: 0o600 });
  } catch (error) {
    database.close();
    throw error;
  }
  return {
    async release() {
      if (!database.isOpen) return;
      await rm(holderFile, { force: true });
      database.close();
    },
  };
}

async function holder(file: string): Promise<string> {
  const text = await readFile(file, 'utf8').catch((error: unknown) => {
    // Between taking the lock and writing its pid, a holder is not known yet.
    if (isAbsent(error)) return '';
    throw error;
  });
  return /^[0-9]+$/.test(text.trim()) ? `the process with pid ${text.trim()}` : 'another process';
}

function isBusy(error: unknown): boolean {
  return error instanceof Error && 'errcode' in error && error.errcode === sqliteBusy;
}

function isAbsent(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ENOENT';
}
