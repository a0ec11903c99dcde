import { readdir, readFile, readlink } from 'node:fs/promises';

/** Listening, in `/proc/net/tcp`. */
const listening = '0A';

/**
 * The program that listens on a port of this machine, as `nginx (pid 123)`; null when that cannot be seen: another
 * system than Linux, or a process of another user.
 */
export async function portHolder(port: number): Promise<string | null> {
  const inodes = new Set<string>();
  for (const table of ['/proc/net/tcp', '/proc/net/tcp6']) {
    for (const line of (await readText(table)).split('\n').slice(1)) {
      const fields = line.trim().split(/\s+/);
      const local = Number.parseInt(fields[1]?.split(':')[1] ?? '', 16);
      if (local === port && fields[3] === listening && fields[9] !== undefined) inodes.add(`socket:[${fields[9]}]`);
    }
  }
  if (inodes.size === 0) return null;
  for (const pid of await names('/proc')) {
    if (!/^[0-9]+$/.test(pid)) continue;
    for (const descriptor of await names(`/proc/${pid}/fd`)) {
      const target = await readlink(`/proc/${pid}/fd/${descriptor}`).catch(unseen(''));
      if (inodes.has(target)) return `${(await readText(`/proc/${pid}/comm`)).trim()} (pid ${pid})`;
    }
  }
  return null;
}

function names(folder: string): Promise<string[]> {
  return readdir(folder).catch(unseen<string[]>([]));
}

function readText(file: string): Promise<string> {
  return readFile(file, 'utf8').catch(unseen(''));
}

/** Processes end while one looks, and those of others are closed: both are no finding. */
function unseen<T>(value: T): (error: NodeJS.ErrnoException) => T {
  return (error) => {
    if (['ENOENT', 'EACCES', 'EPERM', 'ESRCH', 'ENOTDIR'].includes(error.code ?? '')) return value;
    throw error;
  };
}
