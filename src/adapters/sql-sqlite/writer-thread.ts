import { DatabaseSync, type SQLInputValue } from 'node:sqlite';
import { type MessagePort, parentPort, receiveMessageOnPort, workerData } from 'node:worker_threads';
import { parseStamp, type Stamp, stampClock } from '../../kernel/index.ts';
import { DatabaseError, type TransactionDefinition } from '../../ports/index.ts';
import { transactionPositions } from '../sql/index.ts';
import { cacheSize } from './cache-size.ts';
import { databaseError } from './engine-error.ts';
import { groupCommit, type Job, type Outcome } from './group-commit.ts';
import {
  type Answers,
  type Attach,
  type Batch,
  batchStride,
  type Closed,
  type PackedError,
  packError,
  type WriterGreeting,
  type WriterStart,
} from './messages.ts';
import { migrate } from './migrate.ts';

/** Entry of the writer thread: the only connection that writes. */
const start = workerData as WriterStart;
if (parentPort === null) throw new Error('the writer runs in a worker thread only');
await begin(parentPort);

async function begin(port: MessagePort): Promise<void> {
  let greeting: WriterGreeting = { ready: true };
  try {
    const definitions = await loadTransactions();
    const db = openForWriting();
    serve(port, db, definitions);
  } catch (error) {
    greeting = { ready: false, error: packError(databaseError(error, 'the database could not be opened')) };
  }
  port.postMessage(greeting);
}

/** Finds the functions by loading their modules here; they come in the order that the caller has them in. */
async function loadTransactions(): Promise<TransactionDefinition<never, unknown>[]> {
  const definitions: TransactionDefinition<never, unknown>[] = [];
  for (const url of start.transactionUrls) {
    const module = (await import(url)) as { transactions?: readonly TransactionDefinition<never, unknown>[] };
    if (module.transactions === undefined) {
      throw new DatabaseError('incompatible', `the module ${url} does not export its transactions`);
    }
    definitions.push(...module.transactions);
  }
  const names = [...transactionPositions([{ transactions: definitions }]).keys()];
  const unlike = names.findIndex((name, index) => name !== start.transactionNames[index]);
  if (unlike !== -1 || names.length !== start.transactionNames.length) {
    throw new DatabaseError(
      'incompatible',
      'the modules loaded by the writer list other transactions than the caller has',
    );
  }
  return definitions;
}

function openForWriting(): DatabaseSync {
  const db = new DatabaseSync(start.file, { timeout: 5_000, enableForeignKeyConstraints: true });
  try {
    const journal = db.prepare('pragma journal_mode = wal').get() as { journal_mode: string };
    if (journal.journal_mode !== 'wal') {
      throw new DatabaseError('incompatible', 'the file system of the database cannot hold a write-ahead log');
    }
    db.exec('pragma synchronous = full');
    // Pages of 4 KiB: a checkpoint every 16 MiB, and at most 64 MiB of log kept after a burst.
    db.exec('pragma wal_autocheckpoint = 4000');
    db.exec('pragma journal_size_limit = 67108864');
    db.exec(cacheSize(start.pageCacheBytes));
    migrate(db, start.migrations);
    return db;
  } catch (error) {
    db.close();
    throw error;
  }
}

/** Takes batches of all clients until the first one asks to close. */
function serve(
  first: MessagePort,
  db: DatabaseSync,
  definitions: readonly TransactionDefinition<never, unknown>[],
): void {
  let now = 0;
  // The thread has no clock of its own: physical time is that of the job taken last, as its caller read it.
  const stamps = stampClock({ now: () => now, regionOrdinal: start.regionOrdinal, last: readLastStamp(db) });
  const commitGroup = groupCommit(db, stamps);
  const generation = new Int32Array(start.generation);
  const clients = new Set<MessagePort>();
  /** Clients that asked to close. */
  const leaving = new Set<MessagePort>();
  let queue: { readonly job: Job; readonly client: MessagePort }[] = [];
  let head = 0;
  /** Whose jobs the group at work took, in order. */
  let askers: MessagePort[] = [];
  let working = false;

  function accept(client: MessagePort, message: Batch | Attach | 'close'): void {
    if (message === 'close') {
      leaving.add(client);
      return;
    }
    if ('attach' in message) {
      attend(message.attach);
      return;
    }
    for (let at = 0; at < message.length; at += batchStride) {
      const definition = definitions[message[at] as number];
      if (definition === undefined)
        throw new RangeError('a batch names a transaction by a position that does not exist');
      const job: Job = { definition, now: message[at + 1] as number, input: message[at + 2] as never };
      queue.push({ job, client });
    }
  }

  /** True when a job waits, even while the event loop had no turn to deliver it. */
  function hasNext(): boolean {
    if (head < queue.length) return true;
    queue = [];
    head = 0;
    for (const client of clients) {
      for (let received = receiveMessageOnPort(client); received; received = receiveMessageOnPort(client)) {
        accept(client, received.message as Batch | Attach | 'close');
      }
    }
    return queue.length > 0;
  }

  function next(): Job | undefined {
    if (!hasNext()) return undefined;
    const entry = queue[head++];
    if (entry === undefined) return undefined;
    now = entry.job.now;
    askers.push(entry.client);
    return entry.job;
  }

  async function work(): Promise<void> {
    working = true;
    while (hasNext()) {
      askers = [];
      const outcomes = await commitGroup(next);
      // Before any answer: whoever hears that something was committed finds nothing kept from before, on no thread.
      Atomics.add(generation, 0, 1);
      for (const [client, own] of byClient(askers, outcomes)) answer(client, own);
    }
    working = false;
    for (const client of leaving) if (client !== first) dismiss(client);
    if (leaving.has(first)) shut(first, db);
  }

  function dismiss(client: MessagePort): void {
    const closed: Closed = { closed: true };
    client.postMessage(closed);
    client.close();
  }

  function attend(client: MessagePort): void {
    clients.add(client);
    client.on('message', (message: Batch | Attach | 'close') => {
      accept(client, message);
      if (!working) void work();
    });
    client.once('close', () => {
      clients.delete(client);
      leaving.delete(client);
    });
  }

  attend(first);
}

/** Outcomes by who asked, each in the order of the asking. */
function byClient(askers: readonly MessagePort[], outcomes: readonly Outcome[]): Map<MessagePort, readonly Outcome[]> {
  const [first] = askers;
  if (first === undefined) return new Map();
  if (askers.every((asker) => asker === first)) return new Map([[first, outcomes]]);
  const groups = new Map<MessagePort, Outcome[]>();
  for (const [index, asker] of askers.entries()) {
    const own = groups.get(asker) ?? [];
    own.push(outcomes[index] as Outcome);
    groups.set(asker, own);
  }
  return groups;
}

function readLastStamp(db: DatabaseSync): Stamp | null {
  const { sql, values } = start.lastStamp;
  const row = db.prepare(sql).get(...(values as SQLInputValue[])) as { stamp: string | null } | undefined;
  return row?.stamp == null ? null : parseStamp(row.stamp);
}

/** Sends the outcomes of one group in one message. */
function answer(port: MessagePort, outcomes: readonly Outcome[]): void {
  try {
    port.postMessage(answersOf(outcomes));
  } catch (error) {
    if (outcomes.length > 1) {
      for (const outcome of outcomes) answer(port, [outcome]);
      return;
    }
    const refusal = databaseError(error, 'the transaction ran, but what it answered cannot be cloned');
    port.postMessage(answersOf([{ error: refusal }]));
  }
}

function answersOf(outcomes: readonly Outcome[]): Answers {
  const results: unknown[] = [];
  const failures: { index: number; error: PackedError }[] = [];
  for (const [index, outcome] of outcomes.entries()) {
    if (outcome.error === undefined) results.push(outcome.result);
    else {
      results.push(undefined);
      failures.push({ index, error: packError(outcome.error) });
    }
  }
  return { results, failures };
}

function shut(port: MessagePort, db: DatabaseSync): void {
  let closed: Closed = { closed: true };
  try {
    db.exec('pragma wal_checkpoint(truncate)');
  } catch (error) {
    const refusal = databaseError(error, 'the log could not be written back into the database');
    // On a full disk the log stays where it is, as durable as the database; the next opening takes it up.
    if (refusal.kind !== 'full') closed = { closed: true, error: packError(refusal) };
  } finally {
    db.close();
  }
  port.postMessage(closed);
}
