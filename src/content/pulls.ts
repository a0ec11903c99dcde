import type { Clock } from '../kernel/index.ts';
import type { Database } from '../ports/index.ts';
import { recordPulls } from './transactions/pull-transactions.ts';

/** When manifests were last pulled, collected in memory and written in batches: a pull never waits for a write. */
export interface Pulls {
  note(manifestId: number): void;
  /** Writes what was collected. Called by a timer and at the end. */
  flush(): Promise<void>;
}

/** Rows of one transaction: pushes wait behind it. */
const batchSize = 200;

/** Manifests remembered between two flushes; beyond that the oldest news are the least worth. */
const maxCollected = 20_000;

/** Makes the collector of pull times. */
export function pulls(database: Database, clock: Clock): Pulls {
  let collected = new Map<number, number>();
  return {
    note(manifestId) {
      if (collected.size < maxCollected) collected.set(manifestId, clock.now());
    },
    async flush() {
      if (collected.size === 0) return;
      const batch = [...collected];
      collected = new Map();
      for (let at = 0; at < batch.length; at += batchSize) {
        const part = batch.slice(at, at + batchSize);
        try {
          await database.transact(recordPulls, { pulls: part });
        } catch (error) {
          // What could not be written is tried again with the next ones; later pulls of the same manifest win.
          for (const [id, pulled] of batch.slice(at)) if (!collected.has(id)) collected.set(id, pulled);
          throw error;
        }
      }
    },
  };
}
