import type { ArmCall } from './provider.ts';
import { ArmError } from './provider.ts';

/** Items of a page where the client does not say `$top`, and most where it does. */
export const pageSize = 1000;

/** A page of a list as it is asked for: at most `limit` items after `last`, a key of the list. */
export interface ArmPage {
  readonly limit: number;
  readonly last: string | null;
}

const maxPlaceLength = 4096;

/**
 * Reads `$top` and `$skipToken`. A token is a place in the list and no right: what it leads to is filtered like everything
 * else. Throws 400 for one that `nextLink` did not make.
 */
export function parseArmPage(query: URLSearchParams): ArmPage {
  const top = parameter(query, '$top');
  if (top !== null && !/^[1-9][0-9]{0,8}$/.test(top)) {
    throw new ArmError(400, 'InvalidTopQueryParameter', `$top must be a whole number from 1, and is '${cut(top)}'.`);
  }
  const limit = top === null ? pageSize : Math.min(Number(top), pageSize);
  const place = parameter(query, '$skiptoken');
  if (place === null) return { limit, last: null };
  const bytes = Buffer.from(place, 'base64url');
  const last = bytes.toString('utf8');
  if (place.length > maxPlaceLength || bytes.toString('base64url') !== place || !/^[\u0020-\u{10ffff}]+$/u.test(last)) {
    throw new ArmError(400, 'InvalidSkipToken', '$skipToken is none of an earlier answer.');
  }
  return { limit, last };
}

/** Wraps the items of a page. `next` is the key after which the list goes on; null at its end. */
export function armList(
  call: Pick<ArmCall, 'exchange' | 'urls'>,
  value: readonly unknown[],
  next: string | null,
): { value: readonly unknown[]; nextLink?: string } {
  if (next === null) return { value };
  const { exchange, urls } = call;
  const kept = [...exchange.query].filter(([name]) => name.toLowerCase() !== '$skiptoken');
  // Clients compare names of parameters as they know them, so `$` stays as it is.
  const query = [...kept, ['$skipToken', Buffer.from(next).toString('base64url')]]
    .map(([name, one]) => `${encodeURIComponent(name ?? '').replaceAll('%24', '$')}=${encodeURIComponent(one ?? '')}`)
    .join('&');
  return { value, nextLink: `${urls.management}${exchange.path.replaceAll(/\/{2,}/g, '/')}?${query}` };
}

/** A query parameter by its name in lower case. */
export function parameter(query: URLSearchParams, name: string): string | null {
  for (const [key, value] of query) if (key.toLowerCase() === name) return value;
  return null;
}

function cut(text: string): string {
  return text.slice(0, 40);
}
