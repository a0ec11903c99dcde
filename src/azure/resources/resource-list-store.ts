import { type ResourceRow, statement } from '../../data/index.ts';

interface RangeParameters {
  from: string;
  to: string;
  last: string;
  limit: number;
}

/** Resources of every type by key, after `last`, from `from` up to and without `to`. */
export const resourcesInRange = statement<RangeParameters, ResourceRow>((db, p) =>
  db
    .selectFrom('resource')
    .selectAll()
    .where('key', '>=', p.from)
    .where('key', '<', p.to)
    .where('key', '>', p.last)
    .orderBy('key')
    .limit(p.limit),
);

/** The same of one type. */
export const resourcesOfTypeInRange = statement<RangeParameters & { type: string }, ResourceRow>((db, p) =>
  db
    .selectFrom('resource')
    .selectAll()
    .where('type', '=', p.type)
    .where('key', '>=', p.from)
    .where('key', '<', p.to)
    .where('key', '>', p.last)
    .orderBy('key')
    .limit(p.limit),
);
