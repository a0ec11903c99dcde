import { Fault } from './fault.ts';

/** Bytes from `start` to `end`, both counted from 0 and both included. */
export interface ByteRange {
  readonly start: number;
  readonly end: number;
}

const singleRange = /^bytes=(?:([0-9]+)-([0-9]*)|-([0-9]+))$/i;
const contentRange = /^(?:([0-9]{1,16})-([0-9]{1,16})|bytes +([0-9]{1,16})-([0-9]{1,16})\/(?:([0-9]{1,16})|\*))$/i;

/**
 * Reads a Range header (RFC 9110 §14.2) for a body of `size` bytes. One range of bytes is honoured and cut to the body;
 * several ranges, other units and bad syntax are ignored as §14.2 allows: `whole`. An empty body is always answered whole,
 * because some clients send a range with every request and 416 would fail them for nothing.
 */
export function parseRange(header: string | undefined, size: number): ByteRange | 'unsatisfiable' | 'whole' {
  const match = header === undefined ? null : singleRange.exec(header);
  if (match === null || size === 0) return 'whole';
  const [, first, last, suffix] = match;
  if (first === undefined) {
    const length = Number(suffix);
    return length === 0 ? 'unsatisfiable' : { start: Math.max(0, size - length), end: size - 1 };
  }
  if (last && isGreater(first, last)) return 'whole';
  const start = Number(first);
  if (start >= size) return 'unsatisfiable';
  return { start, end: last ? Math.min(Number(last), size - 1) : size - 1 };
}

/**
 * Reads the Content-Range of an upload chunk: `start-end` (distribution-spec, "Pushing a blob in chunks") or
 * `bytes start-end/total` with a number or `*` (RFC 9110 §14.4). Throws `upload-invalid` for anything else, for an end
 * before the start or not before the total, and for positions that are no safe integers.
 */
export function parseContentRange(header: string): ByteRange {
  const match = contentRange.exec(header);
  if (match === null) {
    throw new Fault(
      'upload-invalid',
      `Content-Range "${header.slice(0, 60)}" is not of the form start-end, as in 0-1023`,
    );
  }
  const start = Number(match[1] ?? match[3]);
  const end = Number(match[2] ?? match[4]);
  const total = match[5] === undefined ? Number.MAX_SAFE_INTEGER : Number(match[5]);
  if (start > end || end >= total || total > Number.MAX_SAFE_INTEGER) {
    throw new Fault('upload-invalid', `Content-Range "${header}" contradicts itself: start <= end < total expected`);
  }
  return { start, end };
}

/** Compares decimal numbers of any length exactly, which `Number` cannot beyond 2^53. */
function isGreater(left: string, right: string): boolean {
  const a = left.replace(/^0+/, '');
  const b = right.replace(/^0+/, '');
  return a.length === b.length ? a > b : a.length > b.length;
}
