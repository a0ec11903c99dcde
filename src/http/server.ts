import { randomUUID } from 'node:crypto';
import type { IncomingMessage, Server, ServerResponse, ServerOptions as ServerSettings } from 'node:http';
import { createServer as createTlsServer, type Server as TlsServer } from 'node:https';
import type { Socket } from 'node:net';
import type { SecureContext } from 'node:tls';
import { type Exchange, hasUnreadBody, type Listener, openExchange } from './exchange.ts';
import { slowBodies } from './slow-bodies.ts';
import { endSlowHandshakes } from './slow-handshakes.ts';

// An import of node:http brings in a whole client for the web besides, which takes longer than the rest of this room.
const { createServer } = process.getBuiltinModule('node:http');

/** Bounds on what a client may cost before a handler sees it. */
export interface ServerLimits {
  readonly maxHeaderBytes: number;
  /** Milliseconds for the whole request head to arrive. */
  readonly headersTimeoutMs: number;
  /** A connection on which the client moves no byte for this long ends. */
  readonly idleMs: number;
  readonly maxConnections: number;
  /** Least bytes per second of a request body, averaged over `idleMs`; 0 is no bound. */
  readonly minBodyRate: number;
}

/** Header lines of one request. Clients send a dozen, proxies add a few; what Node drops beyond a bound would be unseen. */
const maxHeaderLines = 256;

/** Requests of one connection that wait for their answers. No client of a registry pipelines at all. */
const maxPipelined = 64;

/** What a connection waits for: the answer to its newest request, and how many in all. */
interface Pipeline {
  response: ServerResponse;
  open: number;
}

/** Certificates of a TLS server: by server name, and one for clients that send none. */
export interface Certificates {
  secureContextFor(servername: string): Promise<SecureContext | undefined>;
  /** Told when a certificate could not be renewed. */
  failed(error: unknown): void;
  /** Asked again when `renewAt` (Unix milliseconds) has come. */
  unnamed(): Promise<{ readonly certificate: string; readonly privateKey: string; readonly renewAt: number }>;
}

/** What a server does once it serves. */
export interface ServerDuties {
  /** Answers the exchange; must not throw or reject. Undefined when nothing more will be done for it. */
  handle(exchange: Exchange): Promise<void> | undefined;
  /** Called once per request when the answer has gone out or the connection is lost. */
  finished(exchange: Exchange): void;
  /** Needed when the listener's scheme is https. */
  readonly certificates?: Certificates;
}

/** A server that has its address. Until `serve` it refuses everybody; TLS has no certificate until then. */
export interface HttpServer {
  readonly listener: Listener;
  /** The port, also when any free one was asked for; 0 for a Unix socket. */
  readonly port: number;
  serve(duties: ServerDuties): Promise<void>;
  /** Requests being answered right now, and handlers that have not come to their end. */
  inFlight(): number;
  /** Serves a connection that another listener of this process took. It ends with `close`, forced, as if taken here. */
  adopt(connection: Socket): void;
  /** Stops listening and closes idle connections; `force` ends the others too. */
  close(options: { force: boolean }): Promise<void>;
}

/**
 * Takes an address. Done before anything else at a start, so that a start that cannot have its port leaves nothing behind.
 * Rejects with the system's error (`EADDRINUSE`, `EACCES`, `EADDRNOTAVAIL`).
 */
export async function listen(options: {
  listener: Listener;
  /** With `reusePort` several threads may listen at one address, and the system deals out connections among them. */
  where: { host: string; port: number; reusePort?: boolean } | { path: string };
  limits: ServerLimits;
  /** 48 bytes that TLS sessions are sealed with: servers that have the same take up each other's sessions. */
  ticketKeys?: Uint8Array;
}): Promise<HttpServer> {
  const { limits, listener } = options;
  let inFlight = 0;
  let duties: ServerDuties | undefined;
  const answering = new WeakMap<Socket, Pipeline>();
  const bodies = slowBodies({ bytesPerSecond: limits.minBodyRate, windowMs: limits.idleMs });

  const onRequest = (request: IncomingMessage, response: ServerResponse, expectsContinue: boolean): void => {
    if (!duties) {
      response.writeHead(503, { connection: 'close', 'retry-after': '1' }).end();
      return;
    }
    if (namesSeveralHosts(request.rawHeaders)) {
      response.writeHead(400, { connection: 'close' }).end();
      return;
    }
    let pipeline = answering.get(request.socket);
    if (pipeline) pipeline.response = response;
    else answering.set(request.socket, (pipeline = { response, open: 0 }));
    if (pipeline.open >= maxPipelined) {
      request.socket.destroy();
      return;
    }
    if (request.rawHeaders.length > 2 * maxHeaderLines) {
      const message = `a request has at most ${maxHeaderLines} header lines`;
      response.writeHead(431, { connection: 'close', 'content-type': 'application/json' }).end(refusalBody(message));
      return;
    }
    pipeline.open++;
    const waiting = pipeline;
    if (hasUnreadBody(request)) bodies.watch(request);
    const current = duties;
    inFlight++;
    const startedAt = performance.now();
    const exchange = openExchange(request, response, { listener, requestId: randomUUID(), startedAt, expectsContinue });
    // A request is over when its answer is out and its handler has nothing more to do: either may be last.
    let open = 2;
    const over = (): void => {
      if (--open === 0) inFlight--;
    };
    response.once('close', () => {
      waiting.open--;
      over();
      current.finished(exchange);
    });
    const handling = current.handle(exchange);
    if (handling === undefined) over();
    else void handling.finally(over);
  };

  const settings: ServerSettings = {
    maxHeaderSize: limits.maxHeaderBytes,
    headersTimeout: limits.headersTimeoutMs,
    requestTimeout: 0,
    keepAliveTimeout: 65_000,
    connectionsCheckingInterval: 5_000,
    noDelay: true,
  };
  const server: Server =
    listener.scheme === 'https'
      ? createTlsServer({
          ...settings,
          minVersion: 'TLSv1.2',
          ...(options.ticketKeys ? { ticketKeys: Buffer.from(options.ticketKeys) } : {}),
          SNICallback: (servername, callback) => void chooseContext(duties?.certificates, servername, callback),
        })
      : createServer(settings);
  if (listener.scheme === 'https') endSlowHandshakes(server as TlsServer, limits.headersTimeoutMs);
  server.maxConnections = limits.maxConnections;
  // One more than is taken, so that too many are seen and not cut off.
  server.maxHeadersCount = maxHeaderLines + 1;
  server.on('request', (request, response) => onRequest(request, response, false));
  server.on('checkContinue', (request: IncomingMessage, response: ServerResponse) =>
    onRequest(request, response, true),
  );
  server.on('clientError', (error, socket) => {
    const response = answering.get(socket as Socket)?.response;
    const isPending = response !== undefined && !response.writableFinished;
    // What is broken stands behind a whole request: a refusal now would be taken for the answer to that one.
    if (isPending && response.req.complete) response.once('close', () => socket.end());
    // Bytes of another answer are on their way: a refusal would stand in the midst of them.
    else if (isPending && response.headersSent) socket.destroy();
    else refuseBrokenRequest(error, socket as Socket);
  });
  server.setTimeout(limits.idleMs, (socket) => {
    // While the server itself is busy (a long sync), silence is not the client's fault.
    const response = answering.get(socket)?.response;
    if (response?.req.complete && !response.headersSent && !response.writableEnded) return;
    socket.destroy();
  });

  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(options.where, () => {
      server.removeListener('error', reject);
      resolve();
    });
  });
  const address = server.address();
  return {
    listener,
    port: address !== null && typeof address === 'object' ? address.port : 0,
    async serve(given) {
      if (given.certificates) await certify(server as TlsServer, given.certificates);
      duties = given;
    },
    inFlight: () => inFlight,
    adopt: (connection) => void server.emit('connection', connection),
    close: ({ force }) =>
      new Promise((resolve) => {
        bodies.stop();
        server.close(() => resolve());
        server.closeIdleConnections();
        if (force) server.closeAllConnections();
      }),
  };
}

/** Node asks no SNICallback for a client without a server name, so that certificate is set here and renewed in time. */
async function certify(server: TlsServer, certificates: Certificates): Promise<void> {
  let renewAt = 0;
  const renew = async (): Promise<void> => {
    if (Date.now() < renewAt) return;
    const next = await certificates.unnamed();
    renewAt = next.renewAt;
    server.setSecureContext({ key: next.privateKey, cert: next.certificate });
  };
  await renew();
  // A failure leaves the certificate that is there; it is good for a month more, and the next hour tries again.
  const renewal = setInterval(
    () => void renew().catch((error: unknown) => certificates.failed(error)),
    3_600_000,
  ).unref();
  server.once('close', () => clearInterval(renewal));
}

async function chooseContext(
  certificates: Certificates | undefined,
  servername: string,
  callback: (error: Error | null, context?: SecureContext) => void,
): Promise<void> {
  try {
    const context = await certificates?.secureContextFor(servername);
    if (context) callback(null, context);
    else callback(new Error('no certificate for this name'));
  } catch (error) {
    callback(error as Error);
  }
}

/** Node takes the first of several hosts, a proxy in front may have taken another; such a request is refused (RFC 9112 §3.2). */
function namesSeveralHosts(rawHeaders: readonly string[]): boolean {
  let hosts = 0;
  for (let index = 0; index < rawHeaders.length; index += 2) {
    const name = rawHeaders[index];
    if (name?.length === 4 && name.toLowerCase() === 'host') hosts++;
  }
  return hosts > 1;
}

function refuseBrokenRequest(error: Error & { code?: string }, socket: Socket): void {
  if (!socket.writable) return;
  const [status, message] =
    error.code === 'HPE_HEADER_OVERFLOW'
      ? ['431 Request Header Fields Too Large', 'the request header is too large']
      : error.code === 'ERR_HTTP_REQUEST_TIMEOUT'
        ? ['408 Request Timeout', 'the request header did not arrive in time']
        : ['400 Bad Request', 'this is not an HTTP/1.1 request'];
  const body = refusalBody(message);
  socket.end(
    `HTTP/1.1 ${status}\r\ncontent-type: application/json\r\ncontent-length: ${Buffer.byteLength(body)}\r\nconnection: close\r\n\r\n${body}`,
  );
}

function refusalBody(message: string): string {
  return JSON.stringify({ errors: [{ code: 'UNSUPPORTED', message, detail: null }] });
}
