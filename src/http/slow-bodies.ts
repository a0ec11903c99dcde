import type { IncomingMessage } from 'node:http';

/** Watches bodies under way and ends connections on which they trickle. */
export interface SlowBodies {
  watch(request: IncomingMessage): void;
  stop(): void;
}

interface Watched {
  /** Bytes that the connection had brought when the window began. */
  bytes: number;
  /** When the window began, monotonic milliseconds. */
  since: number;
}

/**
 * Holds every request body to `bytesPerSecond`, averaged over `windowMs`; 0 watches nothing. An idle time-out alone lets a
 * client hold a connection for ever with a byte now and then. While bytes wait to be taken in, the server is the slow one,
 * and the window begins anew.
 */
export function slowBodies(options: { bytesPerSecond: number; windowMs: number }): SlowBodies {
  const { bytesPerSecond, windowMs } = options;
  if (bytesPerSecond === 0) return { watch: () => undefined, stop: () => undefined };
  const least = (bytesPerSecond * windowMs) / 1000;
  const watched = new Map<IncomingMessage, Watched>();

  const look = (): void => {
    const now = performance.now();
    for (const [request, state] of watched) {
      const { socket } = request;
      if (request.complete || socket.destroyed) {
        watched.delete(request);
      } else if (
        request.readableLength > 0 ||
        (now - state.since >= windowMs && socket.bytesRead - state.bytes >= least)
      ) {
        state.bytes = socket.bytesRead;
        state.since = now;
      } else if (now - state.since >= windowMs) {
        watched.delete(request);
        socket.destroy();
      }
    }
  };
  const timer = setInterval(look, Math.max(250, windowMs / 4)).unref();
  return {
    watch(request) {
      watched.set(request, { bytes: request.socket.bytesRead, since: performance.now() });
      request.once('close', () => watched.delete(request));
    },
    stop: () => clearInterval(timer),
  };
}
