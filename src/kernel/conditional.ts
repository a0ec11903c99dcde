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

function opaque(tag: string): string {
  return tag.startsWith('W/') ? tag.slice(2) : tag;
}
