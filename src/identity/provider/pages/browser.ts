import { randomBytes } from 'node:crypto';
import type { Exchange } from '../../../http/index.ts';

/** Which browser it is, for the seal of forms. It says nothing of anybody, and is nobody's session. */
export interface BrowserMark {
  readonly value: string;
  /** To be sent with the page whose form carries the seal. */
  readonly headers: { readonly 'set-cookie': string };
}

/** Only this host sets a cookie of such a name, over TLS, for itself (`__Host-`). */
const name = '__Host-berth-browser';
const form = /^[\w-]{43}$/;

/** The mark that a browser has sent; empty when there is none. */
export function markOf(exchange: Exchange): string {
  for (const part of (exchange.header('cookie') ?? '').split(';')) {
    const [key = '', value = ''] = part.trim().split('=');
    if (key === name && form.test(value)) return value;
  }
  return '';
}

/**
 * The mark of a browser, made when it has none. `Lax`, because the way to the page begins at another site; what another
 * site posts comes without it.
 */
export function markBrowser(exchange: Exchange): BrowserMark {
  const value = markOf(exchange) || randomBytes(32).toString('base64url');
  return { value, headers: { 'set-cookie': `${name}=${value}; Path=/; Secure; HttpOnly; SameSite=Lax` } };
}
