import { once } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';
import type { InUse } from '../content/index.ts';
import type { SharedPlaces } from './listeners.ts';
import type { Log } from './log.ts';
import type { MetricsReport } from './metrics.ts';
import type { ProbeWatch } from './probe-watch.ts';
import { handlersWithinMs, type Serving } from './serving.ts';
import { StartRefusal } from './start-refusal.ts';
import type { Asked, AskName, Heard, Said, ThreadAsks, ThreadStart } from './thread-messages.ts';
import { turnKeeper } from './thread-turns.ts';

/** The threads that serve, and what the managing thread learns from them. */
export interface ServingThreads extends Serving {
  /** All take the addresses and serve; nobody may have these any more. Throws a StartRefusal. */
  listen(places: SharedPlaces, ticketKeys: Uint8Array): Promise<void>;
  metrics(): Promise<readonly MetricsReport[]>;
  inUse(): Promise<InUse>;
}

/** Above this a thread that was told to end, and hangs, is ended. */
const endWithinMs = handlersWithinMs + 5_000;

/**
 * Starts one thread for each of `starts`; resolves when the plane of each stands. A thread that ends without being told to
 * aborts `lost`: what it served and kept is gone, and a process with fewer threads than it was given would be half dead
 * without anybody's noticing. Throws a StartRefusal with what the first one that failed said.
 */
export async function startServingThreads(options: {
  readonly starts: readonly ThreadStart[];
  readonly log: Log;
  /** Opens the probes that the threads then answer, and ends them when their time is over. */
  readonly probes: ProbeWatch;
  /** The module that a thread runs; tests give another. */
  readonly entry?: URL;
}): Promise<ServingThreads> {
  const { log, probes } = options;
  // Source and compiled program have the same layout; only the file's extension differs.
  const file = import.meta.url.endsWith('.ts') ? './serving-thread.ts' : './serving-thread.js';
  const entry = options.entry ?? new URL(file, import.meta.url);
  const lost = new AbortController();
  const told = (error: Error, thread: number): void => {
    log.error('thread-lost', error, { thread });
    lost.abort(error);
  };
  const keeper = turnKeeper();
  const threads = options.starts.map((start, index) =>
    startThread(entry, start, {
      name: `serving-${index + 1}`,
      lines: (text) => log.lines(text),
      lost: (error) => told(error, index + 1),
      turns: {
        take: (ticket, name, granted) => keeper.take(index, ticket, name, granted),
        give: (ticket) => keeper.give(index, ticket),
      },
    }),
  );
  const terminate = async (): Promise<void> => {
    await Promise.all(threads.map((thread) => thread.terminate()));
  };
  const all = <K extends AskName>(ask: K, input: ThreadAsks[K]['input']): Promise<ThreadAsks[K]['answer'][]> =>
    Promise.all(threads.map((thread) => thread.ask(ask, input)));
  try {
    await Promise.all(threads.map((thread) => thread.ready));
  } catch (error) {
    await terminate();
    throw new StartRefusal(`a serving thread did not start: ${(error as Error).message}`, { cause: error });
  }

  return {
    async listen(places, ticketKeys) {
      const outcomes = await all('listen', { places, ticketKeys });
      const refused = outcomes.find((outcome) => outcome.refused !== null)?.refused;
      if (refused == null) return;
      throw new StartRefusal(
        refused === 'ENOTSUP'
          ? 'this system does not share ports among threads; set workers to 1'
          : `the threads cannot share the ports (${refused}); another program may have taken one just now, start again`,
      );
    },
    async inFlight() {
      const counts = await Promise.allSettled(threads.map((thread) => thread.ask('inFlight', null)));
      // A thread that is gone answers nobody any more.
      return counts.reduce((sum, one) => sum + (one.status === 'fulfilled' ? one.value : 0), 0);
    },
    metrics: () => all('metrics', null),
    async inUse() {
      const reports = await all('inUse', null);
      return { sessions: reports.flatMap((one) => one.sessions), keys: reports.flatMap((one) => one.keys) };
    },
    probes: {
      async open() {
        const probe = probes.open();
        await all('openProbe', probe);
        return probe;
      },
      async report(id) {
        const own = probes.report(id);
        const reports = await all('probeReport', { id });
        return { requests: [...own.requests, ...reports.flatMap((one) => one.requests)] };
      },
      async close(id) {
        probes.close(id);
        await all('closeProbe', { id });
      },
    },
    refusals: {
      async find(id) {
        // The thread that refused it knows it at once, and every other one looks into the rows.
        const found = await all('refusal', { id });
        return found.find((one) => one !== null) ?? undefined;
      },
      async latest(registry, limit) {
        const found = (await all('latestRefusals', { registry, limit })).flat();
        const unique = new Map(found.map((one) => [one.id, one]));
        return [...unique.values()].toSorted((left, right) => right.at - left.at).slice(0, limit);
      },
    },
    async drain() {
      await Promise.allSettled(threads.map((thread) => thread.ask('drain', null)));
    },
    async end(patience) {
      const hurry = (): void => {
        for (const thread of threads) thread.ask('hurry', null).catch(() => undefined);
      };
      patience.addEventListener('abort', hurry);
      if (patience.aborted) hurry();
      const ended = Promise.all(threads.map((thread) => thread.end()));
      const late = new AbortController();
      const hung = delay(endWithinMs, undefined, { signal: late.signal, ref: false }).then(
        () => Promise.reject(new Error('a serving thread did not come to its end')),
        () => undefined,
      );
      try {
        await Promise.race([ended, hung]);
      } finally {
        late.abort();
        patience.removeEventListener('abort', hurry);
        await terminate();
      }
    },
    lost: lost.signal,
  };
}

interface Thread {
  readonly ready: Promise<unknown>;
  ask<K extends AskName>(ask: K, input: ThreadAsks[K]['input']): Promise<ThreadAsks[K]['answer']>;
  /** Asks for the end, which is then no loss. A thread that is gone already has ended. */
  end(): Promise<void>;
  terminate(): Promise<unknown>;
}

function startThread(
  entry: URL,
  start: ThreadStart,
  told: {
    readonly name: string;
    readonly lines: (text: string) => void;
    readonly lost: (error: Error) => void;
    readonly turns: {
      take(ticket: number, name: string, granted: () => void): void;
      give(ticket: number): void;
    };
  },
): Thread {
  const worker = new Worker(entry, {
    name: told.name,
    workerData: start,
    transferList: start.database === null ? [] : [start.database.port],
  });
  const hear = (heard: Heard): void => worker.postMessage(heard);
  const waiting = new Map<number, { resolve: (answer: unknown) => void; reject: (error: Error) => void }>();
  const ready = Promise.withResolvers<void>();
  let isReady = false;
  let ending = false;
  let gone: Error | undefined;
  let asked = 0;

  worker.on('message', (said: Said) => {
    if ('lines' in said) {
      told.lines(said.lines);
      return;
    }
    if ('take' in said) {
      told.turns.take(said.take, said.name, () => hear({ granted: said.take }));
      return;
    }
    if ('give' in said) {
      told.turns.give(said.give);
      return;
    }
    if ('ready' in said) {
      isReady = true;
      ready.resolve();
      return;
    }
    const asker = waiting.get(said.id);
    waiting.delete(said.id);
    if ('error' in said) asker?.reject(new Error(said.error));
    else asker?.resolve(said.answer);
  });
  const lose = (error: Error): void => {
    if (gone) return;
    gone = error;
    for (const { reject } of waiting.values()) reject(error);
    waiting.clear();
    ready.reject(error);
    if (isReady && !ending) told.lost(error);
  };
  worker.on('error', lose);
  worker.on('exit', (code) => lose(new Error(`the thread ended by itself with ${code}`)));

  const ask = <K extends AskName>(name: K, input: ThreadAsks[K]['input']): Promise<ThreadAsks[K]['answer']> =>
    new Promise((resolve, reject) => {
      if (gone) {
        reject(gone);
        return;
      }
      const question: Asked<K> = { id: asked++, ask: name, input };
      waiting.set(question.id, { resolve: resolve as (answer: unknown) => void, reject });
      hear(question);
    });

  return {
    ready: ready.promise,
    ask,
    async end() {
      if (gone) return;
      ending = true;
      await ask('end', null);
    },
    async terminate() {
      ending = true;
      if (gone) return;
      const exited = once(worker, 'exit');
      await worker.terminate();
      await exited;
    },
  };
}
