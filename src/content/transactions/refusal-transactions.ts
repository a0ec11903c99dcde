import type { TransactionDefinition } from '../../ports/index.ts';
import { addRefusal, forgetRefusalsBefore, forgetRefusalsBeyond } from '../store/refusal-store.ts';

/** Writes refusals of one flush, and removes those that are too old or too many. */
export const recordRefusals: TransactionDefinition<
  {
    rows: readonly { id: string; at: number; registry: string; told: string }[];
    maxAgeMs: number;
    maxRows: number;
  },
  void
> = {
  name: 'content/record-refusals',
  async run(tx, { rows, maxAgeMs, maxRows }) {
    for (const row of rows) await tx.run(addRefusal, row);
    await tx.run(forgetRefusalsBefore, { before: tx.now - maxAgeMs });
    await tx.run(forgetRefusalsBeyond, { count: maxRows });
  },
};
