import type { TransactionDefinition } from '../../ports/index.ts';
import { extendHold, forgetRemoval, insertHold, removeHold, removeOldHolds } from '../store/removal-store.ts';

/** Notes that objects have been removed. */
export const endRemovals: TransactionDefinition<{ store: string; locations: readonly string[] }, void> = {
  name: 'content/end-removals',
  async run(tx, { store, locations }) {
    for (const location of locations) await tx.run(forgetRemoval, { store, location });
  },
};

/** From its commit on no object is removed that rows ever named, until the hold ends or runs out. */
export const beginBackupHold: TransactionDefinition<{ id: string; leaseMs: number }, void> = {
  name: 'content/begin-backup-hold',
  async run(tx, { id, leaseMs }) {
    await tx.run(removeOldHolds, { now: tx.now });
    await tx.run(insertHold, { id, until: tx.now + leaseMs });
  },
};

/** Answers false when the hold had run out; the backup has then lost what it relied on. */
export const extendBackupHold: TransactionDefinition<{ id: string; leaseMs: number }, boolean> = {
  name: 'content/extend-backup-hold',
  async run(tx, { id, leaseMs }) {
    return (await tx.run(extendHold, { id, until: tx.now + leaseMs, now: tx.now })) > 0;
  },
};

export const endBackupHold: TransactionDefinition<{ id: string }, void> = {
  name: 'content/end-backup-hold',
  async run(tx, input) {
    await tx.run(removeHold, input);
  },
};
