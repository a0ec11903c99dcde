import type { Database } from '../../ports/index.ts';
import { type PersonRecord, personById, personByName, personsAfter } from './people-store.ts';

/** A user as the directory shows it to others. */
export interface Person {
  readonly objectId: string;
  /** User principal name. */
  readonly name: string;
  readonly displayName: string;
  readonly enabled: boolean;
  readonly createdMs: number;
}

/** The users of the tenant, to be read. */
export interface People {
  byId(objectId: string): Promise<Person | undefined>;
  /** By user principal name, in any case. */
  byName(name: string): Promise<Person | undefined>;
  /** A page in the order of names, after `last` (the empty text for the first). */
  list(page: { last: string; limit: number }): Promise<Person[]>;
}

/** Makes the reader of users. */
export function people(database: Database): People {
  return {
    async byId(objectId) {
      const row = await database.first(personById, { objectId: objectId.toLowerCase() });
      return row && personOf(row);
    },
    async byName(name) {
      const row = await database.first(personByName, { nameKey: name.toLowerCase() });
      return row && personOf(row);
    },
    list: async ({ last, limit }) =>
      (await database.all(personsAfter, { last: last.toLowerCase(), limit })).map(personOf),
  };
}

function personOf(row: PersonRecord): Person {
  return {
    objectId: row.object_id,
    name: row.name,
    displayName: row.display_name,
    enabled: row.enabled === 1,
    createdMs: row.created_ms,
  };
}
