import type { ProviderCall } from '../call.ts';
import type { OAuthRefusal } from '../refusal.ts';
import { sentence } from './authorize.ts';
import { html, sendPage } from './html.ts';

/** A refusal where a person looks at a page, and there is nowhere to lead them. */
export function sendErrorPage(
  { exchange, correlationId }: Pick<ProviderCall, 'exchange' | 'correlationId'>,
  refusal: OAuthRefusal,
): void {
  exchange.facts.error = refusal.kind;
  const body = html`<p role="alert">${sentence(refusal.message)}</p>
<p>AADSTS${String(refusal.number)}, request <strong>${exchange.requestId}</strong>${correlationId === exchange.requestId ? '' : ` (${correlationId})`}</p>`;
  sendPage(exchange, 'This does not work', body, {
    status: refusal.status,
    headers: refusal.retryAfterSeconds === null ? {} : { 'retry-after': refusal.retryAfterSeconds },
  });
}
