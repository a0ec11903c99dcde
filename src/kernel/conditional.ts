import { Fault } from './fault.ts';

/** One entity tag (RFC 9110 §8.8.3) with the commas before it, up to the next comma or the end. */
const listed = /[ \t,]*((?:W\/)?"[\x21\x23-\x7e\x80-\xff]*")[ \t]*(?=,|$)/gy;

/**
 * True when `ifNoneMatch` names `etag`, so that a GET is answered 304 (RFC 9110 §13.1.2): `*`, or a list of entity tags
 * under weak comparison. `etag` is in wire form, with its quotes. What follows a syntax error is not read: at worst the
 * body is sent once more.
 */
export function etagMatches(ifNoneMatch: string | undefined, etag: string): boolean {
  if (ifNoneMatch === undefined) return false;
  if (ifNoneMatch.trim() === '*') return true;
  const wanted = opaque(etag);
  for (const [, tag] of ifNoneMatch.matchAll(listed)) {
    if (tag !== undefined && opaque(tag) === wanted) return true;
  }
  return false;
}

/**
 * True when a Range may be honoured (RFC 9110 §13.1.5): no If-Range, or the same strong entity tag. A date never
 * matches, because Berth sends no Last-Modified that is strong.
 */
export function ifRangeMatches(ifRange: string | undefined, etag: string): boolean {
  if (ifRange === undefined) return true;
  return ifRange.trim() === etag && !etag.startsWith('W/');
}

/** What a request that changes something expects to find, as its headers say it (RFC 9110 §13.1.1, §13.1.2). */
export interface Conditions {
  readonly ifMatch: string | null;
  readonly ifNoneMatch: string | null;
}

export const noConditions: Conditions = { ifMatch: null, ifNoneMatch: null };

/**
 * Throws `precondition-failed` unless what is there is what the request expects. `etag` is in wire form, null where nothing
 * is there. Belongs into the transaction that makes the change: before it, another one may come between.
 */
export function requireConditions(conditions: Conditions, etag: string | null): void {
  const { ifMatch, ifNoneMatch } = conditions;
  if (ifMatch !== null && (etag === null || !namesStrongly(ifMatch, etag))) {
    const found = etag === null ? 'nothing is there' : `it is ${etag} now`;
    throw new Fault('precondition-failed', `If-Match does not hold: ${found}; read it again and repeat the change`);
  }
  if (ifNoneMatch !== null && etag !== null && etagMatches(ifNoneMatch, etag)) {
    throw new Fault('precondition-failed', 'If-None-Match does not hold: it is there already');
  }
}

/** Strong comparison: a weak entity tag matches nothing. */
function namesStrongly(list: string, etag: string): boolean {
  if (list.trim() === '*') return true;
  for (const [, tag] of list.matchAll(listed)) if (tag === etag) return true;
  return false;
}

function opaque(tag: string): string {
  return tag.startsWith('W/') ? tag.slice(2) : tag;
}
