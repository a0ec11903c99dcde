import type { DatabaseSync } from 'node:sqlite';
import { Fault, type StampClock } from '../../kernel/index.ts';
import { DatabaseError, type TransactionDefinition } from '../../ports/index.ts';
import { databaseError } from './engine-error.ts';
import { preparedStatements } from './prepared.ts';
import { openTransaction } from './transaction.ts';

/** A transaction to run. */
export interface Job {
  readonly definition: TransactionDefinition<never, unknown>;
  readonly now: number;
  readonly input: never;
}

/** How it ended. */
export type Outcome = { readonly result: unknown; readonly error?: never } | { readonly error: Fault | DatabaseError };

/** A group ends here, so that the first of it does not wait long for its commit. */
const maxGroupSize = 256;
const maxGroupMs = 20;

/**
 * Runs many transactions in one commit:
 *
 *   BEGIN IMMEDIATE ─▶ (SAVEPOINT ─▶ function ─▶ RELEASE | ROLLBACK TO)… ─▶ COMMIT ─▶ outcomes
 *                         └── engine rolled everything back, or COMMIT failed ──▶ each again, alone
 *
 * The returned function takes jobs from `next` until it answers undefined or the group is full, and resolves when their
 * outcomes are durable. It must not be called again before that.
 */
export function groupCommit(db: DatabaseSync, stamps: StampClock): (next: () => Job | undefined) => Promise<Outcome[]> {
  const prepare = preparedStatements(db);
  const begin = db.prepare('begin immediate');
  const commit = db.prepare('commit');
  const rollback = db.prepare('rollback');
  const savepoint = db.prepare('savepoint job');
  const release = db.prepare('release job');
  const rollbackJob = db.prepare('rollback to job');
  let interrupt = () => {};

  /** Runs one function to its end, or to the moment when it is seen to wait for something other than SQL. */
  function attempt({ definition, now, input }: Job): Promise<Outcome> {
    const { name } = definition;
    const open = openTransaction(prepare, stamps, { name, now });
    return new Promise((resolve) => {
      const settle = (outcome: Outcome) => {
        open.end();
        resolve(outcome);
      };
      const refuse = (error: unknown) =>
        settle({ error: error instanceof Fault ? error : databaseError(error, `transaction "${name}" failed`) });
      interrupt = () =>
        refuse(new DatabaseError('internal', `transaction "${name}" waited for something other than its database`));
      try {
        definition.run(open.tx, input).then((result) => {
          const error = open.failure();
          settle(error === undefined ? { result } : { error });
        }, refuse);
      } catch (error) {
        refuse(error);
      }
    });
  }

  async function runInGroup(job: Job): Promise<Outcome> {
    savepoint.run();
    const outcome = await attempt(job);
    if (!db.isTransaction) return outcome;
    if (outcome.error !== undefined) rollbackJob.run();
    release.run();
    return outcome;
  }

  async function runAlone(job: Job): Promise<Outcome> {
    try {
      begin.run();
      const outcome = await attempt(job);
      if (outcome.error === undefined) commit.run();
      else abandon();
      return outcome;
    } catch (error) {
      abandon();
      return { error: databaseError(error, `transaction "${job.definition.name}" failed`) };
    }
  }

  function abandon(): void {
    if (db.isTransaction) rollback.run();
  }

  function refuseGroup(next: () => Job | undefined, error: DatabaseError): Outcome[] {
    const outcomes: Outcome[] = [];
    while (outcomes.length < maxGroupSize && next() !== undefined) outcomes.push({ error });
    return outcomes;
  }

  async function runGroup(next: () => Job | undefined): Promise<Outcome[]> {
    const jobs: Job[] = [];
    const outcomes: Outcome[] = [];
    const deadline = performance.now() + maxGroupMs;
    try {
      begin.run();
    } catch (error) {
      return refuseGroup(next, databaseError(error, 'no transaction could begin'));
    }
    try {
      while (jobs.length < maxGroupSize && performance.now() < deadline) {
        const job = next();
        if (job === undefined) break;
        jobs.push(job);
        outcomes.push(await runInGroup(job));
        if (!db.isTransaction) break;
      }
      if (db.isTransaction) {
        commit.run();
        return outcomes;
      }
    } catch {
      // Whatever failed for the group is met again by the transaction it belongs to, and answered there.
      abandon();
    }
    const alone: Outcome[] = [];
    for (const job of jobs) alone.push(await runAlone(job));
    return alone;
  }

  return async (next) => {
    // A group runs in microtasks only. When the event loop turns meanwhile, the function at work waits for something else.
    const watch = () => {
      interrupt();
      watching = setImmediate(watch);
    };
    let watching = setImmediate(watch);
    try {
      return await runGroup(next);
    } finally {
      clearImmediate(watching);
    }
  };
}
