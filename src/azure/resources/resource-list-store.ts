import { type ResourceRow, statement } from '../../data/index.ts';

/** A resource as the lists show it. A page has a thousand of them, so it has no more than that. */
export type ListedResource = Pick<ResourceRow, (typeof columns)[number]>;

const columns = [
  'key',
  'id',
  'type',
  'name',
  'location',
  'tags',
  'sku',
  'identity',
  'provisioning_state',
  'created_ms',
  'modified_ms',
] as const;

interface RangeParameters {
  from: string;
  to: string;
  limit: number;
}

/** Resources of every type by key, from `from` up to and without `to`. */
export const resourcesInRange = statement<RangeParameters, ListedResource>((db, p) =>
  db
    .selectFrom('resource')
    .select([...columns])
    .where('key', '>=', p.from)
    .where('key', '<', p.to)
    .orderBy('key')
    .limit(p.limit),
);

/** The same of one type. */
export const resourcesOfTypeInRange = statement<RangeParameters & { type: string }, ListedResource>((db, p) =>
  db
    .selectFrom('resource')
    .select([...columns])
    .where('type', '=', p.type)
    .where('key', '>=', p.from)
    .where('key', '<', p.to)
    .orderBy('key')
    .limit(p.limit),
);
