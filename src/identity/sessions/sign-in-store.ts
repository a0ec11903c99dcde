import { sql } from 'kysely';
import { statement } from '../../data/index.ts';

/** One try to sign in, as it is stored. */
export interface SignInRecord {
  at_ms: number;
  request_id: string;
  flow: string;
  principal_id: string;
  principal: string;
  client_id: string;
  resource: string;
  error: string;
  address: string;
  user_agent: string;
}

const columns = [
  'at_ms',
  'request_id',
  'flow',
  'principal_id',
  'principal',
  'client_id',
  'resource',
  'error',
  'address',
  'user_agent',
] as const;

export const insertSignIn = statement<{
  at: number;
  requestId: string;
  flow: string;
  principalId: string;
  principal: string;
  clientId: string;
  resource: string;
  error: string;
  address: string;
  userAgent: string;
}>((db, p) =>
  db.insertInto('sign_in').values({
    at_ms: p.at,
    request_id: p.requestId,
    flow: p.flow,
    principal_id: p.principalId,
    principal: p.principal,
    client_id: p.clientId,
    resource: p.resource,
    error: p.error,
    address: p.address,
    user_agent: p.userAgent,
  }),
);

/** The newest rows. */
export const latestSignIns = statement<{ limit: number }, SignInRecord>((db, p) =>
  db
    .selectFrom('sign_in')
    .select([...columns])
    .orderBy('id', 'desc')
    .limit(p.limit),
);

/** The newest rows of one principal. */
export const latestSignInsOf = statement<{ principalId: string; limit: number }, SignInRecord>((db, p) =>
  db
    .selectFrom('sign_in')
    .select([...columns])
    .where('principal_id', '=', p.principalId)
    .orderBy('id', 'desc')
    .limit(p.limit),
);

/** A success of a principal from an address. */
export const signedInFrom = statement<{ principalId: string; address: string; since: number }, { at_ms: number }>(
  (db, p) =>
    db
      .selectFrom('sign_in')
      .select('at_ms')
      .where('principal_id', '=', p.principalId)
      .where('address', '=', p.address)
      .where('at_ms', '>=', p.since)
      .where('error', '=', '')
      .limit(1),
);

export const forgetSignInsBefore = statement<{ before: number }>((db, p) =>
  db.deleteFrom('sign_in').where('at_ms', '<', p.before),
);

/** Removes all refused tries but the newest `count`. */
export const forgetRefusedBeyond = statement<{ count: number }>((db, p) =>
  db
    .deleteFrom('sign_in')
    .where('error', '<>', sql.lit(''))
    .where('id', '<=', (eb) =>
      eb
        .selectFrom('sign_in')
        .select('id')
        .where('error', '<>', sql.lit(''))
        .orderBy('id', 'desc')
        .limit(1)
        .offset(p.count),
    ),
);

/** Removes all rows but the newest `count`. */
export const forgetSignInsBeyond = statement<{ count: number }>((db, p) =>
  db
    .deleteFrom('sign_in')
    .where('id', '<=', (eb) => eb.selectFrom('sign_in').select('id').orderBy('id', 'desc').limit(1).offset(p.count)),
);
