import { statement } from '../data/index.ts';
import type { TransactionDefinition } from '../ports/index.ts';

interface StoredBody {
  readonly registryId: number;
  readonly kind: 'manifest' | 'blob';
  readonly digest: string;
}

const overwrite = statement<StoredBody & { bytes: Uint8Array }>((db, p) =>
  db
    .updateTable('body')
    .set({ bytes: p.bytes })
    .where('registry_id', '=', p.registryId)
    .where('kind', '=', p.kind)
    .where('digest', '=', p.digest),
);
const remove = statement<StoredBody>((db, p) =>
  db
    .deleteFrom('body')
    .where('registry_id', '=', p.registryId)
    .where('kind', '=', p.kind)
    .where('digest', '=', p.digest),
);

/** Does to a row what a bad disk does: other bytes, or none. */
export const damageBody: TransactionDefinition<StoredBody & { bytes: Uint8Array | null }, number> = {
  name: 'test/damage-body',
  run: (tx, { bytes, ...body }) => (bytes === null ? tx.run(remove, body) : tx.run(overwrite, { ...body, bytes })),
};

const queue = statement<{ store: string; location: string }>((db, p) =>
  db
    .insertInto('object_removal')
    .values({ store: p.store, location: p.location, queued_ms: 0 })
    .onConflict((conflict) => conflict.columns(['store', 'location']).doNothing()),
);

/** Puts an object on the list of those to be removed, whether or not a row names it. Does nothing when it is on it. */
export const queueRemoval: TransactionDefinition<{ store: string; location: string }, number> = {
  name: 'test/queue-removal',
  run: (tx, object) => tx.run(queue, object),
};

export const transactions: readonly TransactionDefinition<never, unknown>[] = [damageBody, queueRemoval];
export const transactionsUrl: string = import.meta.url;
