import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** Waits until everything written so far is on disk, so that the next measurement does not pay for the last one's writeback. */
export async function flushDisk(): Promise<void> {
  await run('sync');
}

/**
 * Drops the big files below `folder` from the page cache. Without this, uploads on a virtual machine cost 2.0 CPU-s/GB in early
 * rounds and 4.0 in late ones, whichever server took them; with it they stay at 2.0. The likely cause: a page that the
 * guest touches for the first time is a fault in its host, charged to the writer.
 */
export async function dropBigFilesFromCache(folder: string): Promise<void> {
  const dropOne = ['dd', 'if={}', 'iflag=nocache', 'count=0', 'status=none'];
  await run('find', [folder, '-type', 'f', '-size', '+50M', '-exec', ...dropOne, ';']);
}
