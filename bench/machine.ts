import { readFileSync } from 'node:fs';
import { statfs } from 'node:fs/promises';
import { availableParallelism, cpus, loadavg, release, totalmem } from 'node:os';

/** The circumstances of a run, without which its numbers mean nothing. */
export interface Machine {
  readonly cpu: string;
  readonly cores: number;
  readonly memoryGiB: number;
  readonly kernel: string;
  readonly node: string;
  readonly fileSystem: string;
  /** Load average of the last minute, before the run. */
  readonly loadAverage: number;
}

/** Looks at the machine; `folder` is where the data will lie. */
export function describeMachine(folder: string): Machine {
  return {
    cpu: cpus()[0]?.model ?? 'unknown',
    cores: availableParallelism(),
    memoryGiB: Math.round(totalmem() / 2 ** 30),
    kernel: release(),
    node: process.version,
    fileSystem: fileSystemOf(folder),
    loadAverage: loadavg()[0] ?? Number.NaN,
  };
}

/** Throws when the run cannot work here: CPU is read from /proc, and the blobs of all rounds stay until the end. */
export async function assertMachineFits(folder: string, neededBytes: number): Promise<void> {
  if (process.platform !== 'linux') {
    throw new Error(`the bench reads CPU times from /proc and runs on Linux only, not on ${process.platform}`);
  }
  const { bavail, bsize } = await statfs(folder);
  if (bavail * bsize < neededBytes) {
    const [found, needed] = [bavail * bsize, neededBytes].map((bytes) => (bytes / 1e9).toFixed(1));
    throw new Error(`${folder} has ${found} GB free; this run may need ${needed} GB: free some, or name another --dir`);
  }
}

/** Type of the file system that holds an absolute path (proc_pid_mounts(5)): the mount with the longest fitting prefix. */
function fileSystemOf(folder: string): string {
  let best = { point: '', type: 'unknown' };
  for (const line of readFileSync('/proc/self/mounts', 'utf8').split('\n')) {
    const [, point = '', type = ''] = line.split(' ');
    const holds = folder === point || folder.startsWith(point.endsWith('/') ? point : `${point}/`);
    if (point !== '' && holds && point.length >= best.point.length) best = { point, type };
  }
  return best.type;
}
