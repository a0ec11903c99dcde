import { constants } from 'node:fs';
import { access, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { type Finding, fail, ok, problemOf, warn } from './finding.ts';

/** Whether the data folder is there, whole, ours, and closed to others. Reads only. */
export async function checkFolder(folder: string): Promise<Finding> {
  const name = 'data folder';
  let found: Awaited<ReturnType<typeof stat>>;
  try {
    found = await stat(folder);
  } catch (error) {
    return fail(name, `${folder}: ${problemOf(error)}`, 'berth up makes it; or name another with --data');
  }
  if (!found.isDirectory()) return fail(name, `${folder} is no folder`, 'name another with --data');
  const who = process.getuid?.();
  if (who !== undefined && who !== 0 && found.uid !== who) {
    const cure = `run as that user, or give the folder away: chown -R ${who} ${folder}`;
    return fail(name, `${folder} belongs to user ${found.uid}, and this is user ${who}`, cure);
  }
  try {
    await access(folder, constants.R_OK | constants.W_OK | constants.X_OK);
  } catch (error) {
    return fail(name, `${folder}: ${problemOf(error)}`, 'let the user that runs Berth write there');
  }
  for (const file of ['berth.json', 'root.key']) {
    try {
      const { mode } = await stat(join(folder, file));
      if (file === 'root.key' && (mode & 0o077) !== 0) {
        return fail(name, `others may read ${join(folder, file)}`, `chmod 600 ${join(folder, file)}`);
      }
    } catch (error) {
      return fail(name, `${folder} holds no whole deployment: ${problemOf(error)}`, 'berth up, or bring back a backup');
    }
  }
  const mode = (found.mode & 0o777).toString(8);
  return (found.mode & 0o077) === 0
    ? ok(name, `${folder}, mode ${mode}, user ${found.uid}`)
    : warn(name, `others may look into ${folder} (mode ${mode})`, `chmod 700 ${folder}`);
}
