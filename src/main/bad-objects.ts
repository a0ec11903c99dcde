import { open, readdir, rm } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { syncFolder } from './durable-file.ts';

/**
 * Objects of a backup that a verification found bad, until the next backup has looked at them: an empty file `bad-<key>`
 * for each in the folder of the backup. The name says it all, because whoever verifies may be another user than the one
 * who backs up and could not read a list.
 */
const markName = /^bad-([A-Za-z0-9][A-Za-z0-9_-]{1,127})$/;

const markOf = (folder: string, location: string): string => join(folder, `bad-${basename(location)}`);

/** Writes down that the object at `location` is bad; durable when it resolves. Throws what the system refuses. */
export async function markBad(folder: string, location: string): Promise<void> {
  try {
    await (await open(markOf(folder, location), 'wx', 0o600)).close();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  }
  await syncFolder(folder);
}

/** Locations of the objects that are marked. */
export async function markedBad(folder: string): Promise<Set<string>> {
  const keys = (await readdir(folder)).flatMap((name) => markName.exec(name)?.[1] ?? []);
  return new Set(keys.map((key) => `${key.slice(0, 2)}/${key}`));
}

/** Forgets a mark. One that a power cut brings back costs a look at the object. */
export async function unmark(folder: string, location: string): Promise<void> {
  await rm(markOf(folder, location), { force: true });
}
