import { DatabaseSync } from 'node:sqlite';
import { parentPort, workerData } from 'node:worker_threads';
import { databaseError } from './engine-error.ts';
import { type PackedError, packError } from './messages.ts';

/** What a snapshot reads and writes. */
export interface SnapshotStart {
  readonly from: string;
  readonly to: string;
}

/** The one message of the thread. */
export interface SnapshotEnd {
  readonly error?: PackedError;
}

/**
 * Entry of a snapshot's thread. VACUUM INTO reads in one transaction, which holds up nobody in a write-ahead log, and
 * writes a database without a log of its own.
 */
if (parentPort === null) throw new Error('a snapshot runs in a worker thread only');
parentPort.postMessage(take(workerData as SnapshotStart));

function take({ from, to }: SnapshotStart): SnapshotEnd {
  try {
    using db = new DatabaseSync(from, { readOnly: true, timeout: 5_000 });
    db.prepare('vacuum into ?').run(to);
    return {};
  } catch (error) {
    return { error: packError(databaseError(error, 'the snapshot could not be taken')) };
  }
}
