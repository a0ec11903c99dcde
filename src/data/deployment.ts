import { statement } from './query.ts';

/** Holds the row of the deployment until the transaction ends, so that two hosts do not both make what is made once. */
export const lockDeployment = statement<Record<string, never>, { id: string }>((db, _p, dialect) =>
  db.selectFrom('deployment').select('id').limit(1).modifyEnd(dialect.forUpdate()),
);
