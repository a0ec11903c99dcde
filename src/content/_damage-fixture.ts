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

export const transactions: readonly TransactionDefinition<never, unknown>[] = [damageBody];
export const transactionsUrl: string = import.meta.url;
