import type { Exchange } from '../../http/index.ts';
import { GraphError } from './errors.ts';
import { type Condition, parseFilter } from './filter.ts';

/** The query of a list, as far as every list understands it. */
export interface ListQuery {
  readonly conditions: readonly Condition[];
  readonly limit: number;
  /** The place after which the page begins; null for the first. */
  readonly last: { readonly name: string; readonly id: string } | null;
}

const defaultLimit = 100;
const maxLimit = 999;

/** Reads `$filter`, `$top`, `$skiptoken`; what a list cannot do is refused by its name. Throws a GraphError. */
export function listQueryOf({ query }: Exchange): ListQuery {
  for (const [name, value] of query) {
    const harmless = name === '$count' && value === 'false';
    const ordered = name === '$orderby' && /^displayName(?: asc)?$/i.test(value);
    if (!name.startsWith('$') || known.has(name) || harmless || ordered) continue;
    throw new GraphError(
      400,
      'Request_UnsupportedQuery',
      `${name.slice(0, 40)} is not supported here in this version of Berth`,
    );
  }
  const filter = query.get('$filter');
  return {
    conditions: filter === null || filter.trim() === '' ? [] : parseFilter(filter),
    limit: limitOf(query.get('$top')),
    last: placeOf(query.get('$skiptoken')),
  };
}

const known: ReadonlySet<string> = new Set(['$filter', '$top', '$skiptoken', '$select']);

function limitOf(text: string | null): number {
  if (text === null) return defaultLimit;
  const limit = /^[0-9]{1,6}$/.test(text) ? Number(text) : 0;
  if (limit < 1) throw new GraphError(400, 'Request_BadRequest', '$top is not a number of 1 and more');
  return Math.min(limit, maxLimit);
}

function placeOf(token: string | null): ListQuery['last'] {
  if (token === null) return null;
  const [name, id, ...rest] = Buffer.from(token, 'base64url').toString('utf8').split('\n');
  if (name === undefined || id === undefined || rest.length > 0 || /\p{Cc}/u.test(name + id)) {
    throw new GraphError(400, 'Request_BadRequest', '$skiptoken is none that a page here has answered');
  }
  return { name, id };
}

/** Answers a page: `value`, and where there may be more the address of the next one. */
export function sendList(
  exchange: Exchange,
  items: readonly Record<string, unknown>[],
  next: { readonly name: string; readonly id: string } | null,
): void {
  const base = `https://${exchange.host}${exchange.path}`;
  const query = new URLSearchParams(exchange.query);
  if (next !== null) query.set('$skiptoken', Buffer.from(`${next.name}\n${next.id}`).toString('base64url'));
  exchange.sendJson(200, {
    ...(next === null ? {} : { '@odata.nextLink': `${base}?${query.toString()}` }),
    value: items.map((item) => selected(exchange, item)),
  });
}

/** Answers one object. */
export function sendObject(exchange: Exchange, status: number, item: Record<string, unknown>): void {
  exchange.sendJson(status, selected(exchange, item));
}

/** What `$select` leaves of an object; ids and types stay. */
function selected(exchange: Exchange, item: Record<string, unknown>): Record<string, unknown> {
  const select = exchange.query.get('$select');
  if (select === null || select.trim() === '') return item;
  const names = new Set(select.split(',').map((name) => name.trim().toLowerCase()));
  return Object.fromEntries(
    Object.entries(item).filter(
      ([name]) => names.has(name.toLowerCase()) || name === 'id' || name.startsWith('@odata.'),
    ),
  );
}
