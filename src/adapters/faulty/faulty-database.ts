import { type Database, DatabaseError } from '../../ports/index.ts';
import type { FaultPlan } from './fault-plan.ts';

/** A database one of whose calls fails, as `plan` says: a failure after the call is a commit that nobody heard of. */
export function faultyDatabase(inner: Database, plan: FaultPlan): Database {
  const step = <T>(call: () => Promise<T>): Promise<T> =>
    plan.step(call, () => new DatabaseError('unavailable', 'the database failed as planned'));
  return {
    dialect: inner.dialect,
    lost: inner.lost,
    generation: () => inner.generation(),
    all: (statement, parameters) => step(() => inner.all(statement, parameters)),
    first: (statement, parameters) => step(() => inner.first(statement, parameters)),
    transact: (definition, input) => step(() => inner.transact(definition, input)),
    snapshot: (file) => step(() => inner.snapshot(file)),
    close: () => inner.close(),
  };
}
