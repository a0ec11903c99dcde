import { statement } from '../data/index.ts';
import type { TransactionDefinition } from '../ports/index.ts';

const condemn = statement<{ registryId: number; digest: string }>((db, p) =>
  db
    .updateTable('blob')
    .set({ state: 'condemned' })
    .where('registry_id', '=', p.registryId)
    .where('digest', '=', p.digest),
);

/** Condemns a blob, whatever holds it. */
export const condemnBlob: TransactionDefinition<{ registryId: number; digest: string }, number> = {
  name: 'test/condemn-blob',
  run: (tx, input) => tx.run(condemn, input),
};

export const transactions: readonly TransactionDefinition<never, unknown>[] = [condemnBlob];
export const transactionsUrl: string = import.meta.url;
