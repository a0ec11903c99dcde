import type { IncomingMessage, ServerResponse } from 'node:http';
import { Fault } from '../kernel/index.ts';

/** The door a request came through, decided at accept and carried to every log line and rule. */
export interface Listener {
  readonly name: string;
  /** Name of the network the listener stands in; `loopback` or `public` until networks are resources. */
  readonly network: string;
  readonly scheme: 'http' | 'https';
}

/** One request and its answer. Wires read and write through it; nothing else touches the socket. */
export interface Exchange {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  /** Whoever stands before a plane may replace it, the host and the address by what a trusted proxy told. */
  listener: Listener;
  /** Correlation id, sent back as `x-ms-correlation-request-id` and written to the log. */
  readonly requestId: string;
  readonly method: string;
  /** Raw path without query. */
  readonly path: string;
  readonly query: URLSearchParams;
  /** Path and query as they came. */
  readonly target: string;
  /** `Host` as the client sent it, checked for grammar; empty when absent or malformed. */
  host: string;
  address: string;
  readonly startedAt: number;
  /** Headers of every answer of the plane, names and values in turn; set before the first `send`. */
  always: readonly string[];
  /** Filled in by the plane as it learns them, for the access line. */
  readonly facts: ExchangeFacts;
  header(name: string): string | undefined;
  /** The body as a stream; answers `Expect: 100-continue` first. Called at most once. */
  body(): IncomingMessage;
  /** The whole body, refused with `request-invalid` above `maxBytes`. Only for bodies whose size we bound. */
  readBody(maxBytes: number, tooLarge?: () => Fault): Promise<Buffer>;
  /** Writes status and headers and, when `body` is given or the answer has none, ends it. */
  send(status: number, headers?: AnswerHeaders, body?: Uint8Array | string): void;
  sendJson(status: number, body: unknown, headers?: AnswerHeaders): void;
  /** The same from header names and values in turn, complete with `content-length`; `always` is not added. */
  sendLines(status: number, lines: string[], body: Uint8Array | string | undefined): void;
  /** Writes status and headers only; the caller streams the body to `response` and ends it. */
  sendHead(status: number, headers: AnswerHeaders): void;
}

/** Headers of one answer, names in lower case; a list becomes one header line each. */
export type AnswerHeaders = Readonly<Record<string, string | number | readonly string[]>>;

/** What a request turned out to be. */
export interface ExchangeFacts {
  operation: string;
  actor: string;
  registry: string;
  repository: string;
  reference: string;
  error: string;
  /** The rule that refused, more exact than `error`; for the operator. */
  rule: string;
}

const hostGrammar = /^(?:[a-zA-Z0-9._-]+|\[[0-9a-fA-F:.]+\])(?::[0-9]{1,5})?$/;

/** Wraps a request of `node:http`. */
export function openExchange(
  request: IncomingMessage,
  response: ServerResponse,
  options: { listener: Listener; requestId: string; startedAt: number; expectsContinue: boolean },
): Exchange {
  return new HttpExchange(request, response, options);
}

/** A class, because a dozen closures per request cost more than the request's route and rights together. */
class HttpExchange implements Exchange {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  listener: Listener;
  readonly requestId: string;
  readonly startedAt: number;
  readonly method: string;
  readonly path: string;
  host: string;
  address: string;
  readonly facts: ExchangeFacts = {
    operation: '',
    actor: '',
    registry: '',
    repository: '',
    reference: '',
    error: '',
    rule: '',
  };
  always: readonly string[] = [];
  readonly #url: string;
  readonly #expectsContinue: boolean;
  #bodyIsComing: boolean;
  #query: URLSearchParams | undefined;

  constructor(
    request: IncomingMessage,
    response: ServerResponse,
    options: { listener: Listener; requestId: string; startedAt: number; expectsContinue: boolean },
  ) {
    const target = request.url ?? '/';
    // A target may be a whole URL, whose host then counts instead of the header (RFC 9112 §3.2.2).
    const whole = target.charCodeAt(0) === 47 /* slash */ ? null : absoluteTarget.exec(target);
    const url = whole ? (whole[2] as string) : target;
    const mark = url.indexOf('?');
    this.request = request;
    this.response = response;
    this.listener = options.listener;
    this.requestId = options.requestId;
    this.startedAt = options.startedAt;
    this.method = request.method ?? 'GET';
    this.path = mark === -1 ? url : url.slice(0, mark);
    this.host = checkedHost(whole?.[1] ?? request.headers.host ?? '');
    this.address = request.socket.remoteAddress ?? '';
    this.#url = url;
    this.#expectsContinue = options.expectsContinue;
    this.#bodyIsComing = !options.expectsContinue;
  }

  get query(): URLSearchParams {
    if (this.#query === undefined) {
      const mark = this.#url.indexOf('?');
      this.#query = new URLSearchParams(mark === -1 ? '' : this.#url.slice(mark + 1));
    }
    return this.#query;
  }

  get target(): string {
    return this.#url;
  }

  header(name: string): string | undefined {
    const value = this.request.headers[name];
    return Array.isArray(value) ? value.join(', ') : value;
  }

  body(): IncomingMessage {
    const coding = this.request.headers['transfer-encoding']?.trim().toLowerCase();
    // Node undoes `chunked` alone; of `gzip, chunked` it would hand over bytes that are still coded (RFC 9112 §6.1).
    if (coding !== undefined && coding !== 'chunked') {
      throw new Fault('request-invalid', `the transfer coding "${coding.slice(0, 60)}" is not understood; use chunked`);
    }
    if (this.#expectsContinue) this.response.writeContinue();
    this.#bodyIsComing = true;
    return this.request;
  }

  async readBody(maxBytes: number, tooLarge?: () => Fault): Promise<Buffer> {
    const refuse = tooLarge ?? (() => new Fault('request-invalid', `the body is larger than ${maxBytes} bytes`));
    if (Number(this.request.headers['content-length'] ?? 0) > maxBytes) throw refuse();
    const chunks: Buffer[] = [];
    let size = 0;
    try {
      // A request that is destroyed takes its connection with it, and the refusal with that.
      for await (const chunk of this.body().iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
        size += chunk.length;
        if (size > maxBytes) break;
        chunks.push(chunk);
      }
    } catch (cause) {
      throw new Fault('request-invalid', 'the body broke off before its end', { cause });
    }
    if (size > maxBytes) throw refuse();
    return chunks.length === 1 ? (chunks[0] as Buffer) : Buffer.concat(chunks, size);
  }

  send(status: number, headers: AnswerHeaders = {}, body?: Uint8Array | string): void {
    if (this.response.headersSent) return;
    const lines = flat(this.always, headers);
    if (status !== 204 && status !== 304 && headers['content-length'] === undefined) {
      const length = body === undefined ? 0 : typeof body === 'string' ? Buffer.byteLength(body) : body.length;
      lines.push('content-length', String(length));
    }
    this.sendLines(status, lines, body);
  }

  sendLines(status: number, lines: string[], body: Uint8Array | string | undefined): void {
    const { request, response } = this;
    const content = this.method === 'HEAD' || body === undefined ? undefined : body;
    if (!hasUnreadBody(request)) {
      response.writeHead(status, lines);
      response.end(content);
      return;
    }
    // A body that nobody read would make the next request on this connection wait for all of it.
    lines.push('connection', 'close');
    response.writeHead(status, lines);
    if (this.#bodyIsComing) endPastBody(request, response, content);
    else response.end(content);
  }

  sendHead(status: number, headers: AnswerHeaders): void {
    this.response.writeHead(status, flat(this.always, headers));
  }

  sendJson(status: number, body: unknown, headers: AnswerHeaders = {}): void {
    this.send(status, { 'content-type': 'application/json; charset=utf-8', ...headers }, JSON.stringify(body));
  }
}

const absoluteTarget = /^https?:\/\/([^/?#]*)(.*)$/i;

function checkedHost(raw: string): string {
  return raw.length <= 260 && hostGrammar.test(raw) ? raw : '';
}

/** How long the rest of a refused body is still taken in. */
const lingerMs = 1_000;

/**
 * Ends an answer that is given while the request's body still comes. To close at once would reset the connection, and a
 * reset overtakes the answer: the client would see a failure of the network and try again. So the bytes are thrown away
 * until the body or the client's patience ends, for a moment at most.
 */
function endPastBody(request: IncomingMessage, response: ServerResponse, content: Uint8Array | string | undefined) {
  if (content === undefined) response.flushHeaders();
  else response.write(content);
  const end = () => {
    clearTimeout(timer);
    response.end();
  };
  const timer = setTimeout(end, lingerMs);
  request.once('close', end).resume();
}

/** A flat list is the form that Node writes without looking at each header again. */
function flat(always: readonly string[], headers: AnswerHeaders): string[] {
  const lines = [...always];
  for (const name in headers) {
    const value = headers[name];
    if (value === undefined) continue;
    if (typeof value === 'object') for (const one of value) lines.push(name, one);
    else lines.push(name, String(value));
  }
  return lines;
}

/** True while bytes of the request's body have not arrived or have not been read. */
export function hasUnreadBody(request: IncomingMessage): boolean {
  if (request.complete) return false;
  const length = request.headers['content-length'];
  return request.headers['transfer-encoding'] !== undefined || (length !== undefined && length !== '0');
}
