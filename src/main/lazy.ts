import type { Exchange } from '../http/index.ts';
import type { Handle } from './planes-by-host.ts';

/** Makes something at the first call and answers the same ever after; what could not be made is tried again. */
export function lazy<T>(make: () => Promise<T>): () => Promise<T> {
  let made: Promise<T> | undefined;
  return () => {
    made ??= make().catch((error: unknown) => {
      made = undefined;
      throw error;
    });
    return made;
  };
}

/**
 * A plane that is opened by its first request, so that a start does not load it. While it cannot be opened (the database is
 * away), its clients hear 503 and the operator why.
 */
export function lazyHandle(
  open: () => Promise<Handle>,
  failed: (exchange: Exchange, error: unknown) => void,
): (exchange: Exchange) => Promise<void> {
  return async (exchange) => {
    let handle: Handle;
    try {
      handle = await open();
    } catch (error) {
      failed(exchange, error);
      exchange.facts.error = 'unavailable';
      exchange.send(503, { 'retry-after': 5, 'x-ms-correlation-request-id': exchange.requestId });
      return;
    }
    await handle(exchange);
  };
}
