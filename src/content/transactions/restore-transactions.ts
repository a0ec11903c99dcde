import type { TransactionDefinition } from '../../ports/index.ts';
import { stopRuns } from '../store/check-store.ts';
import { forgetRemovals, removeAllHolds } from '../store/removal-store.ts';
import { moveLocation, removeAllUploads, setIncarnation } from '../store/restore-store.ts';

/**
 * Makes a snapshot fit to be served from: a new incarnation, and nothing that was under way when it was taken. Upload
 * sessions are dropped, because what they staged is in no backup; clients begin them anew.
 */
export const settleRestored: TransactionDefinition<{ incarnation: string }, void> = {
  name: 'content/settle-restored',
  async run(tx, input) {
    await tx.run(setIncarnation, input);
    await tx.run(removeAllUploads, {});
    await tx.run(forgetRemovals, {});
    await tx.run(removeAllHolds, {});
    await tx.run(stopRuns, { now: tx.now });
  },
};

/** Writes down where objects lie after they were restored. */
export const moveRestored: TransactionDefinition<
  {
    moved: readonly {
      registryId: number;
      digest: string;
      store: string;
      location: string;
      toStore: string;
      toLocation: string;
    }[];
  },
  void
> = {
  name: 'content/move-restored',
  async run(tx, { moved }) {
    for (const one of moved) await tx.run(moveLocation, one);
  },
};
