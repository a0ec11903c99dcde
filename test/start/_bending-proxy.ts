import { once } from 'node:events';
import { createServer, type IncomingMessage, type OutgoingHttpHeaders, request, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { pipeline } from 'node:stream/promises';
import { createGzip } from 'node:zlib';

/** What a proxy does to the requests that pass it; nothing of it is what a good one does. */
export interface Bending {
  readonly host?: string;
  readonly scheme?: string;
  readonly method?: (method: string) => string;
  readonly target?: (target: string) => string;
  readonly withoutRequestHeaders?: readonly string[];
  readonly withoutAnswerHeaders?: readonly string[];
  readonly gzip?: boolean;
  readonly redirectTo?: string;
  /** Cuts the connection behind this many bytes of a body. */
  readonly cutBehind?: number;
  readonly date?: string;
}

/** An HTTP proxy before a listener, on `http://localhost:port`. */
export async function startBendingProxy(upstream: string, bending: Bending = {}) {
  const server = createServer((incoming, answer) => void pass(upstream, bending, incoming, answer));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://localhost:${(server.address() as AddressInfo).port}`,
    async [Symbol.asyncDispose]() {
      const closed = once(server, 'close');
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
}

async function pass(upstream: string, bending: Bending, incoming: IncomingMessage, answer: ServerResponse) {
  if (bending.redirectTo !== undefined) {
    answer.writeHead(301, { location: bending.redirectTo }).end();
    return;
  }
  const headers: OutgoingHttpHeaders = {
    ...incoming.headers,
    host: bending.host ?? incoming.headers.host,
    'x-forwarded-for': '203.0.113.7',
    'x-forwarded-proto': bending.scheme ?? 'http',
  };
  for (const name of bending.withoutRequestHeaders ?? []) delete headers[name];
  const asked = request(`http://${upstream}`, {
    method: bending.method?.(incoming.method ?? 'GET') ?? incoming.method ?? 'GET',
    path: bending.target?.(incoming.url ?? '/') ?? incoming.url ?? '/',
    headers,
    agent: false,
  });
  let passed = 0;
  incoming.on('data', (chunk: Buffer) => {
    passed += chunk.length;
    if (passed > (bending.cutBehind ?? Number.POSITIVE_INFINITY)) incoming.socket.destroy();
  });
  asked.once('response', (response) => void give(bending, response, answer));
  // Either side may go: then so does the other, which is all that a proxy can do.
  pipeline(incoming, asked).catch(() => answer.destroy());
}

async function give(bending: Bending, response: IncomingMessage, answer: ServerResponse): Promise<void> {
  const headers: OutgoingHttpHeaders = { ...response.headers };
  for (const name of bending.withoutAnswerHeaders ?? []) delete headers[name];
  if (bending.date !== undefined) headers['date'] = bending.date;
  try {
    if (bending.gzip) {
      delete headers['content-length'];
      answer.writeHead(response.statusCode ?? 502, { ...headers, 'content-encoding': 'gzip' });
      await pipeline(response, createGzip(), answer);
    } else {
      answer.writeHead(response.statusCode ?? 502, headers);
      await pipeline(response, answer);
    }
  } catch {
    answer.destroy();
  }
}
