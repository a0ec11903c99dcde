import { setTimeout as delay } from 'node:timers/promises';
import type { ClientBase, Pool, PoolClient } from 'pg';
import { Fault, type StampClock } from '../../kernel/index.ts';
import { DatabaseError, type TransactionDefinition } from '../../ports/index.ts';
import { databaseError, isWorthRetrying } from './engine-error.ts';
import type { Prepare } from './prepared.ts';
import { openTransaction } from './transaction.ts';

const maxAttempts = 10;
/** Back-off before attempt n + 1: up to 5 ms doubled n times, at most 320 ms. Ten attempts wait 1.3 s on average. */
const firstDelayMs = 5;
const maxDelayMs = 320;

/** What every transaction of one pool shares. */
export interface Transactor {
  readonly pool: Pool;
  readonly prepare: Prepare;
  readonly stamps: StampClock;
}

/** An attempt that ended without a result; `again` when the server asks for another. */
interface Failed {
  readonly error: Fault | DatabaseError;
  readonly again: boolean;
}

/** Runs one transaction until it commits, refuses, fails, or has been given up too often (`busy`). */
export async function transact<I, R>(
  transactor: Transactor,
  definition: TransactionDefinition<I, R>,
  call: { readonly input: I; readonly now: number },
): Promise<R> {
  for (let attempt = 1; ; attempt++) {
    const outcome = await runOnce(transactor, definition, call);
    if ('result' in outcome) return outcome.result;
    if (!outcome.again) throw outcome.error;
    if (attempt === maxAttempts) {
      throw new DatabaseError('busy', `transaction "${definition.name}" gave up after ${attempt} attempts`, {
        cause: outcome.error,
      });
    }
    await delay(Math.random() * Math.min(maxDelayMs, firstDelayMs * 2 ** attempt));
  }
}

async function runOnce<I, R>(
  { pool, prepare, stamps }: Transactor,
  definition: TransactionDefinition<I, R>,
  { input, now }: { readonly input: I; readonly now: number },
): Promise<{ readonly result: R } | Failed> {
  const { name } = definition;
  const doing = `transaction "${name}" failed`;
  let client: PoolClient;
  try {
    client = await pool.connect();
  } catch (error) {
    return { error: databaseError(error, doing), again: false };
  }
  let sound = true;
  try {
    await client.query('begin isolation level read committed');
    const open = openTransaction(client, { prepare, stamps }, { name, now });
    const outcome = await settled(async () => await definition.run(open.tx, input));
    await open.end();
    const failure = open.failure();
    if (failure === undefined && 'value' in outcome) {
      await client.query('commit');
      return { result: outcome.value };
    }
    sound = await rollBack(client);
    const error = 'reason' in outcome ? outcome.reason : failure;
    if (isWorthRetrying(failure)) return { error: databaseError(failure, doing), again: true };
    return { error: error instanceof Fault ? error : databaseError(error, doing), again: false };
  } catch (error) {
    // BEGIN or COMMIT itself failed. After a lost connection nobody knows whether the commit took place.
    sound = await rollBack(client);
    const translated = databaseError(error, doing);
    return { error: translated, again: isWorthRetrying(translated) };
  } finally {
    // A connection that cannot even roll back is not given to anyone else.
    client.release(!sound);
  }
}

function settled<T>(work: () => Promise<T>): Promise<{ readonly value: T } | { readonly reason: unknown }> {
  return work().then(
    (value) => ({ value }),
    (reason: unknown) => ({ reason }),
  );
}

/** True when the connection is fit for another transaction. */
async function rollBack(client: ClientBase): Promise<boolean> {
  try {
    await client.query('rollback');
    return true;
  } catch {
    return false;
  }
}
