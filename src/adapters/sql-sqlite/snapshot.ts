import { once } from 'node:events';
import { open, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { Worker } from 'node:worker_threads';
import { DatabaseError } from '../../ports/index.ts';
import { databaseError } from './engine-error.ts';
import { unpackError } from './messages.ts';
import type { SnapshotEnd, SnapshotStart } from './snapshot-thread.ts';

/** Copies a database file that is being written to, as it was at some moment after the call, into a new file. */
export async function takeSnapshot(from: string, to: string): Promise<void> {
  try {
    // Made before the engine does, which would leave it readable to others.
    await (await open(to, 'wx', 0o600)).close();
  } catch (error) {
    throw new DatabaseError('unavailable', `the snapshot ${to} cannot be made: ${String(error)}`, { cause: error });
  }
  try {
    await copy({ from, to });
    await syncFile(to);
    if (process.platform !== 'win32') await syncFile(dirname(to));
  } catch (error) {
    await rm(to, { force: true });
    throw databaseError(error, 'the snapshot could not be written');
  }
}

async function copy(start: SnapshotStart): Promise<void> {
  const file = import.meta.url.endsWith('.ts') ? './snapshot-thread.ts' : './snapshot-thread.js';
  const worker = new Worker(new URL(file, import.meta.url), { name: 'database-snapshot', workerData: start });
  const exited = once(worker, 'exit');
  const [end] = (await Promise.race([
    once(worker, 'message'),
    exited.then(() => Promise.reject(new DatabaseError('internal', 'the thread of a snapshot ended early'))),
  ])) as [SnapshotEnd];
  await exited;
  if (end.error) throw unpackError(end.error);
}

async function syncFile(path: string): Promise<void> {
  await using handle = await open(path, 'r');
  await handle.sync();
}
