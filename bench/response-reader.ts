import type { Answer, Request } from './connection.ts';

/** Status and headers (names in lower case). */
export interface ResponseHead {
  readonly status: number;
  readonly headers: ReadonlyMap<string, string>;
}

/** Reads HTTP/1.1 answers from the pieces a socket delivers, one answer at a time (RFC 9112, section 6). */
export interface ResponseReader {
  /** Says which method the next answer belongs to: an answer to HEAD has no body. */
  expect(method: Request['method']): void;
  /** Takes bytes; the buffer may be reused afterwards. Throws on framing it does not understand. */
  feed(bytes: Buffer): void;
}

const keptBytes = 2048;
const maxHeadBytes = 64 * 1024;

/*
 * head ──> sized ──────────────────────────────> done
 *     └──> chunk-size ──> chunk ──> chunk-end ─┐
 *              ▲  └─(0)─> trailer ─(blank)──> done
 *              └───────────────────────────────┘
 */
type State = 'head' | 'sized' | 'chunk-size' | 'chunk' | 'chunk-end' | 'trailer';

/** Makes a reader that calls `done` once per complete answer. */
export function responseReader(done: (answer: Answer) => void): ResponseReader {
  let state: State = 'head';
  let method: Request['method'] = 'GET';
  let partial: Buffer = Buffer.alloc(0);
  let head: ResponseHead | undefined;
  let remaining = 0;
  let bodyBytes = 0;
  let beginning = '';

  const finish = (): void => {
    if (head === undefined) throw new Error('an answer ended before it began');
    const answer = { ...head, bodyBytes, beginning };
    head = undefined;
    state = 'head';
    bodyBytes = 0;
    beginning = '';
    done(answer);
  };

  const begin = (text: string): void => {
    head = parseHead(text);
    const length = head.headers.get('content-length');
    if (head.status >= 100 && head.status < 200) return;
    if (method === 'HEAD' || head.status === 204 || head.status === 304 || length === '0') return finish();
    if (head.headers.get('transfer-encoding')?.toLowerCase() === 'chunked') {
      state = 'chunk-size';
      return;
    }
    if (length === undefined) throw new Error(`answer ${head.status} has neither Content-Length nor chunks`);
    remaining = Number(length);
    state = 'sized';
  };

  /** Takes body bytes from `offset`; returns the offset after them. */
  const takeBody = (bytes: Buffer, offset: number): number => {
    const count = Math.min(remaining, bytes.length - offset);
    if (beginning.length < keptBytes)
      beginning += bytes.toString('latin1', offset, offset + Math.min(count, keptBytes));
    bodyBytes += count;
    remaining -= count;
    return offset + count;
  };

  /** The text up to `mark`, or undefined (and the bytes put aside) when it has not arrived whole. */
  const takeUntil = (mark: string, bytes: Buffer, offset: number): { text: string; next: number } | undefined => {
    const rest = partial.length > 0 ? Buffer.concat([partial, bytes.subarray(offset)]) : bytes.subarray(offset);
    const end = rest.indexOf(mark);
    if (end < 0) {
      if (rest.length > maxHeadBytes) throw new Error(`no end of the header in ${rest.length} bytes`);
      partial = Buffer.from(rest);
      return undefined;
    }
    const next = offset + end + mark.length - partial.length;
    partial = Buffer.alloc(0);
    return { text: rest.toString('latin1', 0, end), next };
  };

  return {
    expect: (expected) => {
      method = expected;
    },
    feed: (bytes) => {
      let offset = 0;
      while (offset < bytes.length) {
        if (state === 'sized' || state === 'chunk') {
          offset = takeBody(bytes, offset);
          if (remaining > 0) return;
          if (state === 'sized') finish();
          else state = 'chunk-end';
          continue;
        }
        const taken = takeUntil(state === 'head' ? '\r\n\r\n' : '\r\n', bytes, offset);
        if (taken === undefined) return;
        offset = taken.next;
        if (state === 'head') begin(taken.text);
        else if (state === 'chunk-end') state = 'chunk-size';
        else if (state === 'chunk-size') {
          remaining = Number.parseInt(taken.text, 16);
          if (Number.isNaN(remaining)) throw new Error(`bad chunk size ${JSON.stringify(taken.text.slice(0, 40))}`);
          state = remaining === 0 ? 'trailer' : 'chunk';
        } else if (taken.text === '') finish();
      }
    },
  };
}

function parseHead(text: string): ResponseHead {
  const [statusLine = '', ...lines] = text.split('\r\n');
  const status = Number(statusLine.slice(9, 12));
  if (!statusLine.startsWith('HTTP/1.1 ') || !(status >= 100)) throw new Error(`bad status line "${statusLine}"`);
  const headers = new Map<string, string>();
  for (const line of lines) {
    const colon = line.indexOf(':');
    headers.set(line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim());
  }
  return { status, headers };
}
