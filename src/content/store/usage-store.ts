import { sql } from 'kysely';
import { statement } from '../../data/index.ts';

/** Bytes of a part of a table, and where the part ends: null when it was the last one. */
export interface CountedPart {
  bytes: number;
  rows: number;
  last: string | null;
}

/** Bytes of the blobs of a registry after a digest, as many as `limit`. */
export const blobBytes = statement<{ registryId: number; last: string; limit: number }, CountedPart>((db, p) =>
  db
    .selectFrom((eb) =>
      eb
        .selectFrom('blob')
        .select(['digest', 'size'])
        .where('registry_id', '=', p.registryId)
        .where('digest', '>', p.last)
        .where('state', '<>', 'missing')
        .orderBy('digest')
        .limit(p.limit)
        .as('part'),
    )
    .select((eb) => [
      sql<number>`cast(coalesce(sum(part.size), 0) as bigint)`.as('bytes'),
      eb.fn.countAll<number>().as('rows'),
      eb.fn.max('part.digest').as('last'),
    ]),
);

/** The same of its manifests, each counted once however many repositories have it. */
export const manifestBytes = statement<{ registryId: number; last: string; limit: number }, CountedPart>((db, p) =>
  db
    .selectFrom((eb) =>
      eb
        .selectFrom('body')
        .select(['digest', sql<number>`length(bytes)`.as('size')])
        .where('registry_id', '=', p.registryId)
        .where('kind', '=', 'manifest')
        .where('digest', '>', p.last)
        .orderBy('digest')
        .limit(p.limit)
        .as('part'),
    )
    .select((eb) => [
      sql<number>`cast(coalesce(sum(part.size), 0) as bigint)`.as('bytes'),
      eb.fn.countAll<number>().as('rows'),
      eb.fn.max('part.digest').as('last'),
    ]),
);
