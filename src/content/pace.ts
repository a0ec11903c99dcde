import { setTimeout as delay } from 'node:timers/promises';

/** Keeps work to a rate, on the average of about a second. */
export interface Pace {
  /** Waits until `bytes` more may be read. Rejects when `signal` is aborted. */
  take(bytes: number, signal: AbortSignal): Promise<void>;
}

/** Time that was not used is made up for at most this far. */
const burstMs = 100;

/** A pace of so many bytes a second as `rate` answers at the time; 0 is as fast as it goes. */
export function pace(rate: () => number): Pace {
  let free = performance.now();
  return {
    async take(bytes, signal) {
      signal.throwIfAborted();
      const perSecond = rate();
      if (perSecond <= 0) return;
      const now = performance.now();
      free = Math.max(free, now - burstMs) + (bytes / perSecond) * 1000;
      if (free > now) await delay(free - now, undefined, { signal });
    },
  };
}
