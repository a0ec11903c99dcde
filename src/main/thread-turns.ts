import type { SharedTurns } from '../content/index.ts';

/**
 * Turns among the threads that serve, kept by the thread that manages them:
 *
 *   thread ──take(ticket, name)──▶ keeper ──granted(ticket)──▶ thread ──give(ticket)──▶ keeper ─▶ next in line
 *
 * Node's own locks among threads (`locks` of node:worker_threads, 24.21) were tried first: under contention a waiter was
 * woken seconds late, or not before somebody else came.
 */
export interface TurnKeeper {
  /** Puts a thread in line. `granted` is called, now or later, when the turn is its. Tickets are unique within a thread. */
  take(thread: number, ticket: number, name: string, granted: () => void): void;
  /** Ends a turn, or leaves the line. */
  give(thread: number, ticket: number): void;
}

/** The thread's end: what it tells the keeper. */
export interface TurnLine {
  take(ticket: number, name: string): void;
  give(ticket: number): void;
}

interface Place {
  readonly key: string;
  readonly name: string;
  readonly granted: () => void;
}

/** Makes the keeper. Who comes first has the turn; the others follow in order. */
export function turnKeeper(): TurnKeeper {
  const lines = new Map<string, Place[]>();
  const places = new Map<string, Place>();
  const keyOf = (thread: number, ticket: number): string => `${thread}:${ticket}`;
  return {
    take(thread, ticket, name, granted) {
      const place: Place = { key: keyOf(thread, ticket), name, granted };
      places.set(place.key, place);
      const line = lines.get(name);
      if (line) {
        line.push(place);
        return;
      }
      lines.set(name, [place]);
      granted();
    },
    give(thread, ticket) {
      const place = places.get(keyOf(thread, ticket));
      const line = place && lines.get(place.name);
      if (!line) return;
      places.delete(place.key);
      const had = line[0] === place;
      line.splice(line.indexOf(place), 1);
      if (line.length === 0) lines.delete(place.name);
      else if (had) line[0]?.granted();
    },
  };
}

/** Turns as a thread takes them. `granted` is to be called with what the keeper says. */
export function keptTurns(line: TurnLine): SharedTurns & { granted(ticket: number): void } {
  let tickets = 0;
  const waiting = new Map<number, () => void>();
  return {
    granted(ticket) {
      waiting.get(ticket)?.();
      waiting.delete(ticket);
    },
    async alone<T>(
      name: string,
      wait: { readonly waitMs: number; readonly busy: () => Error },
      work: () => Promise<T>,
    ): Promise<T> {
      const ticket = tickets++;
      const turn = Promise.withResolvers<void>();
      waiting.set(ticket, turn.resolve);
      const late = setTimeout(() => turn.reject(wait.busy()), wait.waitMs);
      line.take(ticket, name);
      try {
        await turn.promise;
        clearTimeout(late);
        return await work();
      } finally {
        waiting.delete(ticket);
        line.give(ticket);
      }
    },
  };
}
