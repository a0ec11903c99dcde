import type { Exchange } from '../../http/index.ts';

/** Carries the id of a request back, under which log and operator know it. */
export const correlationHeader = 'x-ms-correlation-request-id';

const plainHeaders = [
  'docker-distribution-api-version',
  'registry/2.0',
  'x-content-type-options',
  'nosniff',
  'access-control-expose-headers',
  'Docker-Content-Digest, WWW-Authenticate, Link, X-Ms-Correlation-Request-Id',
];
const tlsHeaders = [...plainHeaders, 'strict-transport-security', 'max-age=31536000; includeSubDomains'];

/** Headers of every answer of a listener, names and values in turn (ACR-FACTS §4.1). */
export function fixedHeaders(exchange: Exchange): readonly string[] {
  return exchange.listener.scheme === 'https' ? tlsHeaders : plainHeaders;
}
