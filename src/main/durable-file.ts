import { randomBytes } from 'node:crypto';
import { open, rename, rm } from 'node:fs/promises';
import { dirname } from 'node:path';

/**
 * Writes a small file so that after a crash at any moment either the earlier content or the whole new one is there:
 * temporary file, sync, rename, sync of the folder. The file is for its owner only unless `mode` says otherwise; the mask
 * of the process takes rights away from that, but not from `exactMode`.
 */
export async function writeDurably(
  path: string,
  content: string,
  options: { mode?: number; exactMode?: number } = {},
): Promise<void> {
  const temporary = `${path}.tmp-${randomBytes(6).toString('hex')}`;
  try {
    const file = await open(temporary, 'wx', options.mode ?? 0o600);
    try {
      // On the open file: under its name something else may stand by then, a link for instance.
      if (options.exactMode !== undefined) await file.chmod(options.exactMode);
      await file.writeFile(content);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(temporary, path);
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
  await syncFolder(dirname(path));
}

/** Returns when the names in a folder are on the disk. */
export async function syncFolder(path: string): Promise<void> {
  // Windows cannot open a folder, and keeps renames in order by itself.
  if (process.platform === 'win32') return;
  const folder = await open(path, 'r');
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}
