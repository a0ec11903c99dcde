import { statement } from '../../data/index.ts';

/** Stores a refusal. Ids are ours and never come twice; one that did would change nothing. */
export const addRefusal = statement<{ id: string; at: number; registry: string; told: string }>((db, p) =>
  db
    .insertInto('refusal')
    .values({ request_id: p.id, at_ms: p.at, registry: p.registry, told: p.told })
    .onConflict((conflict) => conflict.column('request_id').doNothing()),
);

export const refusalById = statement<{ id: string }, { told: string }>((db, p) =>
  db.selectFrom('refusal').select('told').where('request_id', '=', p.id).limit(1),
);

/** The newest rows. */
export const latestRefusals = statement<{ limit: number }, { told: string }>((db, p) =>
  db.selectFrom('refusal').select('told').orderBy('id', 'desc').limit(p.limit),
);

/** The newest rows of one registry. */
export const latestRefusalsOf = statement<{ registry: string; limit: number }, { told: string }>((db, p) =>
  db.selectFrom('refusal').select('told').where('registry', '=', p.registry).orderBy('id', 'desc').limit(p.limit),
);

/** Removes what is older than a time. */
export const forgetRefusalsBefore = statement<{ before: number }>((db, p) =>
  db.deleteFrom('refusal').where('at_ms', '<', p.before),
);

/** Removes all but the newest `count` rows. */
export const forgetRefusalsBeyond = statement<{ count: number }>((db, p) =>
  db
    .deleteFrom('refusal')
    .where('id', '<=', (eb) => eb.selectFrom('refusal').select('id').orderBy('id', 'desc').limit(1).offset(p.count)),
);
