import { createHash } from 'node:crypto';
import { lstat, readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';

/** What a folder holds: per path its kind, its mode and, for files, a hash of the content. */
export type FolderState = Readonly<Record<string, string>>;

/** Reads a folder, to compare with a later reading. An absent folder has no entries, not even itself. */
export async function stateOf(folder: string): Promise<FolderState> {
  const state: Record<string, string> = {};
  for (const path of await pathsIn(folder)) {
    const found = await lstat(join(folder, path));
    const mode = (found.mode & 0o777).toString(8);
    if (found.isDirectory()) state[path] = `folder ${mode}`;
    else if (found.isSocket()) state[path] = `socket ${mode}`;
    else state[path] = `file ${mode} ${hash(await readFile(join(folder, path)))}`;
  }
  return state;
}

async function pathsIn(folder: string): Promise<string[]> {
  const found = await lstat(folder).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined;
    throw error;
  });
  return found === undefined ? [] : ['', ...(await readdir(folder, { recursive: true })).toSorted()];
}

function hash(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex').slice(0, 16);
}
