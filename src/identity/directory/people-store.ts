import { statement } from '../../data/index.ts';

/** A user as the directory shows it. */
export interface PersonRecord {
  object_id: string;
  name: string;
  display_name: string;
  enabled: number;
  created_ms: number;
}

const columns = ['object_id', 'name', 'display_name', 'enabled', 'created_ms'] as const;

export const personById = statement<{ objectId: string }, PersonRecord>((db, p) =>
  db
    .selectFrom('account')
    .select([...columns])
    .where('object_id', '=', p.objectId)
    .limit(1),
);

/** By user principal name, in lower case. */
export const personByName = statement<{ nameKey: string }, PersonRecord>((db, p) =>
  db
    .selectFrom('account')
    .select([...columns])
    .where('name_key', '=', p.nameKey)
    .limit(1),
);

/** A page of users after a name, in the order of names. */
export const personsAfter = statement<{ last: string; limit: number }, PersonRecord>((db, p) =>
  db
    .selectFrom('account')
    .select([...columns])
    .where('name_key', '>', p.last)
    .orderBy('name_key')
    .limit(p.limit),
);
