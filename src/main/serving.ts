import type { Refusals } from '../content/index.ts';
import type { Listeners } from './listeners.ts';
import { type Plane, untilIdle } from './plane.ts';
import type { ProbeDesk } from './probe-watch.ts';

/**
 * The serving of clients by this process, seen from the thread that manages it:
 *
 *   workers: 1    main thread: management, background work, data plane
 *   workers: N    main thread: management, background work ──asks──▶ N threads, each with a data plane of its own
 */
export interface Serving {
  /** Requests being answered right now. */
  inFlight(): Promise<number>;
  readonly probes: ProbeDesk;
  readonly refusals: Pick<Refusals, 'find' | 'latest'>;
  /** From now on new requests hear 503. */
  drain(): Promise<void>;
  /** Ends every connection, waits for handlers, writes down what waits. */
  end(patience: AbortSignal): Promise<void>;
  /** Aborted when a part of it is gone that does not come back. */
  readonly lost: AbortSignal;
}

/** How long handlers may take to notice that their connection was closed. */
export const handlersWithinMs = 10_000;

/**
 * How many requests were being answered when it was asked last; each look asks again. For what only goes slower while the
 * server is busy.
 */
export function lastInFlight(serving: Pick<Serving, 'inFlight'>): () => number {
  let last = 0;
  let asking = false;
  return () => {
    if (!asking) {
      asking = true;
      void serving
        .inFlight()
        .then((count) => (last = count))
        .finally(() => (asking = false));
    }
    return last;
  };
}

/** Serves in this thread. */
export async function serveHere(plane: Plane, listeners: Pick<Listeners, 'serving' | 'proxy'>): Promise<Serving> {
  const servers = listeners.serving.map(({ server }) => server);
  await plane.serve(servers);
  const background = plane.background();
  return {
    inFlight: async () => plane.inFlight(),
    probes: plane.probes,
    refusals: plane.refusals,
    drain: async () => plane.drain(),
    async end(patience) {
      await Promise.all(servers.map((server) => server.close({ force: true })));
      await listeners.proxy?.close();
      // Handlers whose connection is gone come to their end before the database is closed under them.
      await untilIdle(() => plane.inFlight(), handlersWithinMs, patience);
      for (const task of background) await task.stop();
      await plane.flush();
    },
    lost: new AbortController().signal,
  };
}
