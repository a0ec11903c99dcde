import type { TransactionDefinition } from '../../ports/index.ts';
import { setPulled } from '../store/manifest-store.ts';

/** Writes last-pull times from `[manifest id, Unix milliseconds]` pairs. */
export const recordPulls: TransactionDefinition<{ pulls: readonly (readonly [number, number])[] }, void> = {
  name: 'content/record-pulls',
  async run(tx, { pulls }) {
    for (const [id, at] of pulls) await tx.run(setPulled, { id, at });
  },
};
