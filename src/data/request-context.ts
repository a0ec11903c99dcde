import type { Exchange } from '../http/index.ts';
import type { RequestContext } from './feed.ts';

/** Who asks what, from where, as the feed and the tables keep it. `actor` is the stable name of the principal. */
export function requestContext(exchange: Exchange, actor: string): RequestContext {
  return {
    requestId: exchange.requestId,
    actor,
    host: exchange.host,
    method: exchange.method,
    userAgent: exchange.header('user-agent') ?? '',
    address: exchange.address,
    listener: exchange.listener.name,
    network: exchange.listener.network,
  };
}
