import type { IncomingMessage, OutgoingHttpHeaders, ServerResponse } from 'node:http';
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
  readonly listener: Listener;
  /** Correlation id, sent back as `x-ms-correlation-request-id` and written to the log. */
  readonly requestId: string;
  readonly method: string;
  /** Raw path without query. */
  readonly path: string;
  readonly query: URLSearchParams;
  /** `Host` as the client sent it, checked for grammar; empty when absent or malformed. */
  readonly host: string;
  readonly address: string;
  readonly startedAt: number;
  /** Filled in by the plane as it learns them, for the access line. */
  readonly facts: ExchangeFacts;
  header(name: string): string | undefined;
  /** The body as a stream; answers `Expect: 100-continue` first. Called at most once. */
  body(): IncomingMessage;
  /** The whole body, refused with `request-invalid` above `maxBytes`. Only for bodies whose size we bound. */
  readBody(maxBytes: number, tooLarge?: () => Fault): Promise<Buffer>;
  send(status: number, headers?: OutgoingHttpHeaders, body?: Uint8Array | string): void;
  sendJson(status: number, body: unknown, headers?: OutgoingHttpHeaders): void;
}

/** What a request turned out to be. */
export interface ExchangeFacts {
  operation: string;
  actor: string;
  registry: string;
  repository: string;
  reference: string;
  error: string;
}

const hostGrammar = /^(?:[a-zA-Z0-9._-]+|\[[0-9a-fA-F:.]+\])(?::[0-9]{1,5})?$/;

/** Wraps a request of `node:http`. */
export function openExchange(
  request: IncomingMessage,
  response: ServerResponse,
  options: { listener: Listener; requestId: string; startedAt: number; expectsContinue: boolean },
): Exchange {
  const url = request.url ?? '/';
  const mark = url.indexOf('?');
  const path = mark === -1 ? url : url.slice(0, mark);
  let query: URLSearchParams | undefined;
  const rawHost = request.headers.host ?? '';
  const isHead = request.method === 'HEAD';

  const exchange: Exchange = {
    request,
    response,
    listener: options.listener,
    requestId: options.requestId,
    startedAt: options.startedAt,
    method: request.method ?? 'GET',
    path,
    get query() {
      query ??= new URLSearchParams(mark === -1 ? '' : url.slice(mark + 1));
      return query;
    },
    host: rawHost.length <= 260 && hostGrammar.test(rawHost) ? rawHost : '',
    address: request.socket.remoteAddress ?? '',
    facts: { operation: '', actor: '', registry: '', repository: '', reference: '', error: '' },
    header(name) {
      const value = request.headers[name];
      return Array.isArray(value) ? value.join(', ') : value;
    },
    body() {
      if (options.expectsContinue) response.writeContinue();
      return request;
    },
    async readBody(maxBytes, tooLarge) {
      const refuse = tooLarge ?? (() => new Fault('request-invalid', `the body is larger than ${maxBytes} bytes`));
      if (Number(request.headers['content-length'] ?? 0) > maxBytes) throw refuse();
      const chunks: Buffer[] = [];
      let size = 0;
      try {
        for await (const chunk of exchange.body() as AsyncIterable<Buffer>) {
          size += chunk.length;
          if (size > maxBytes) break;
          chunks.push(chunk);
        }
      } catch (cause) {
        throw new Fault('request-invalid', 'the body broke off before its end', { cause });
      }
      if (size > maxBytes) throw refuse();
      return chunks.length === 1 ? (chunks[0] as Buffer) : Buffer.concat(chunks, size);
    },
    send(status, headers = {}, body) {
      if (response.headersSent) return;
      const length = body === undefined ? 0 : typeof body === 'string' ? Buffer.byteLength(body) : body.length;
      const complete: OutgoingHttpHeaders = { ...headers };
      if (status !== 204 && status !== 304 && complete['content-length'] === undefined)
        complete['content-length'] = length;
      // A body that nobody read would make the next request on this connection wait for all of it.
      if (hasUnreadBody(request)) complete['connection'] = 'close';
      response.writeHead(status, complete);
      response.end(isHead || body === undefined ? undefined : body);
    },
    sendJson(status, body, headers = {}) {
      exchange.send(status, { 'content-type': 'application/json; charset=utf-8', ...headers }, JSON.stringify(body));
    },
  };
  return exchange;
}

/** True while bytes of the request's body have not arrived or have not been read. */
export function hasUnreadBody(request: IncomingMessage): boolean {
  if (request.complete) return false;
  const length = request.headers['content-length'];
  return request.headers['transfer-encoding'] !== undefined || (length !== undefined && length !== '0');
}
