import { once } from 'node:events';
import { MessageChannel, type MessagePort, Worker } from 'node:worker_threads';
import { DatabaseError } from '../../ports/index.ts';
import { databaseError } from './engine-error.ts';
import {
  type Answers,
  type Attach,
  type Batch,
  type Closed,
  unpackError,
  type WriterGreeting,
  type WriterStart,
} from './messages.ts';
import { withOwnBytes } from './own-bytes.ts';

/** The caller's end of the writer thread. */
export interface Writer {
  /** Runs the transaction at `position`; settles after its commit or its failure. */
  submit(position: number, now: number, input: unknown): Promise<unknown>;
  /**
   * Lets everything submitted finish. The writer's first client then has the log written back into the database and ends
   * the thread; others only leave. Call it once.
   */
  close(): Promise<void>;
}

/** The end of the writer thread that the thread has which started it. */
export interface OwnWriter extends Writer {
  /** Opens a port for a client in another thread. */
  attach(): MessagePort;
}

/** What the writer tells besides answers. */
export interface WriterEvents {
  /** Once, when the thread has died: nothing can be written any more. */
  broken(error: DatabaseError): void;
}

interface Pending {
  readonly resolve: (result: unknown) => void;
  readonly reject: (error: unknown) => void;
}

interface Submission extends Pending {
  readonly position: number;
  readonly now: number;
  readonly input: unknown;
}

/**
 * Starts the writer; resolves when the schema is up to date and it takes transactions. Throws `DatabaseError`.
 */
export async function startWriter(start: WriterStart, told: WriterEvents): Promise<OwnWriter> {
  // Source and compiled program have the same layout; only the file's extension differs.
  const file = import.meta.url.endsWith('.ts') ? './writer-thread.ts' : './writer-thread.js';
  const worker = new Worker(new URL(file, import.meta.url), { name: 'database-writer', workerData: start });
  const ended = once(worker, 'exit').then(() => Promise.reject(new Error('it ended before it was ready')));
  const [greeting] = (await Promise.race([once(worker, 'message'), ended]).catch((error: unknown) => {
    throw crashed(error);
  })) as [WriterGreeting];
  if (!greeting.ready) {
    await worker.terminate();
    throw unpackError(greeting.error);
  }
  const { writer, fail } = attend(worker, () => worker.terminate(), told);
  worker.on('error', (error) => fail(crashed(error)));
  worker.on('exit', () => fail(crashed(undefined)));
  return {
    ...writer,
    attach() {
      const { port1, port2 } = new MessageChannel();
      const message: Attach = { attach: port1 };
      worker.postMessage(message, [port1]);
      return port2;
    },
  };
}

/** Becomes a client of a writer that another thread has started, by a port that it opened. */
export function joinWriter(port: MessagePort, told: WriterEvents): Writer {
  const { writer, fail } = attend(port, async () => port.close(), told);
  port.on('close', () => fail(crashed(undefined)));
  return writer;
}

/** Carries submissions to a ready writer and answers back. `end` lets go of the line once the writer has closed it. */
function attend(
  line: Pick<Worker | MessagePort, 'on' | 'postMessage'>,
  end: () => Promise<unknown>,
  told: WriterEvents,
): { writer: Writer; fail: (error: DatabaseError) => void } {
  /** Sent and not answered, in order. */
  let pending: Pending[] = [];
  /** Waiting for the end of this turn of the event loop, to travel as one message. */
  let outgoing: Submission[] = [];
  let broken: DatabaseError | undefined;
  let finish: Pending | undefined;
  let closing = false;

  line.on('message', (message: Answers | Closed) => {
    if ('closed' in message) {
      if (message.error === undefined) finish?.resolve(undefined);
      else finish?.reject(unpackError(message.error));
      return;
    }
    const answered = pending.splice(0, message.results.length);
    for (const { index, error } of message.failures) answered[index]?.reject(unpackError(error));
    // Settling twice has no effect: the failures above stay failures.
    for (const [index, { resolve }] of answered.entries()) resolve(message.results[index]);
  });

  function fail(error: DatabaseError): void {
    const first = broken === undefined;
    broken ??= error;
    if (first && !closing) told.broken(broken);
    const lost = [...pending, ...outgoing];
    pending = [];
    outgoing = [];
    for (const { reject } of lost) reject(broken);
    finish?.reject(broken);
  }

  function flush(): void {
    const submissions = outgoing;
    outgoing = [];
    if (submissions.length === 0) return;
    try {
      send(submissions);
    } catch {
      // One input that cannot be cloned spoils the message of all: each is sent for itself.
      for (const submission of submissions) {
        try {
          send([submission]);
        } catch (error) {
          submission.reject(databaseError(error, 'the input of a transaction cannot be cloned'));
        }
      }
    }
  }

  function send(submissions: readonly Submission[]): void {
    const batch: Batch = [];
    for (const { position, now, input } of submissions) batch.push(position, now, withOwnBytes(input));
    line.postMessage(batch);
    pending.push(...submissions);
  }

  const writer: Writer = {
    submit(position, now, input) {
      return new Promise((resolve, reject) => {
        if (broken !== undefined) {
          reject(broken);
          return;
        }
        if (outgoing.length === 0) setImmediate(flush);
        outgoing.push({ position, now, input, resolve, reject });
      });
    },
    async close() {
      closing = true;
      if (broken === undefined) {
        flush();
        const closed = new Promise((resolve, reject) => {
          finish = { resolve, reject };
        });
        line.postMessage('close');
        try {
          await closed;
        } finally {
          await end();
        }
      }
    },
  };
  return { writer, fail };
}

function crashed(cause: unknown): DatabaseError {
  const text = cause instanceof Error ? `: ${cause.message}` : '';
  return new DatabaseError(
    'unavailable',
    `the writer of the database has stopped${text}; what it was doing may be lost`,
    {
      cause,
    },
  );
}
