import { createServer, type ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { connectTarget } from './connect-target.ts';

/** What the proxy may be told to spend on its clients. */
export interface ConnectProxyLimits {
  readonly maxHeaderBytes: number;
  /** Milliseconds for a whole request head to arrive. */
  readonly headersTimeoutMs: number;
  /** Connections at a time, tunnels among them; more are closed at once. */
  readonly maxConnections: number;
}

/** A CONNECT proxy that has its address and answers. */
export interface ConnectProxy {
  readonly host: string;
  readonly port: number;
  /** Connections that are open, tunnels among them. */
  connections(): number;
  /** Stops listening and ends every connection; tunnels that should finish must have done so before. */
  close(): Promise<void>;
}

/**
 * Listens as an HTTP CONNECT proxy for Berth's own names, so that clients told of it (`HTTPS_PROXY`) reach every host of
 * Berth where no resolver knows them. It resolves nothing and dials nothing: the connection itself is handed to `adopt`,
 * the TLS listener of this process, so there is nowhere else that it could lead. Whatever is not a CONNECT to one of
 * Berth's names is refused, with the reason on the status line, where clients show it. Rejects with the system's error
 * when the address cannot be had.
 */
export async function listenAsProxy(options: {
  where: { host: string; port: number; reusePort?: boolean };
  domain: string;
  /** Ports at which the names may be asked for. */
  ports: readonly number[];
  limits: ConnectProxyLimits;
  adopt: (connection: Socket) => void;
}): Promise<ConnectProxy> {
  const { limits } = options;
  const server = createServer(
    {
      maxHeaderSize: limits.maxHeaderBytes,
      requestTimeout: limits.headersTimeoutMs,
      keepAliveTimeout: 5_000,
      connectionsCheckingInterval: Math.min(5_000, limits.headersTimeoutMs),
      noDelay: true,
    },
    (_request, response) => refuseMethod(response),
  );
  server.maxConnections = limits.maxConnections;
  const open = new Set<Socket>();
  server.on('connection', (socket: Socket) => {
    open.add(socket);
    socket.once('close', () => open.delete(socket));
  });
  server.on('connect', (request, socket: Socket, head: Buffer) => {
    // From here on nobody else listens: a reset must end this connection, not the process.
    socket.on('error', () => socket.destroy());
    const target = connectTarget(request.url ?? '', options);
    if ('refused' in target) {
      // Node's servers let the client's half stay open; this one ends with the client's, or when its time is over.
      socket.setTimeout(limits.headersTimeoutMs, () => socket.destroy());
      socket.once('end', () => socket.destroy()).resume();
      socket.end(refusal(target.refused));
      return;
    }
    socket.write('HTTP/1.1 200 Connection established\r\n\r\n');
    if (head.length > 0) socket.unshift(head);
    options.adopt(socket);
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
    host: options.where.host,
    port: address !== null && typeof address === 'object' ? address.port : 0,
    connections: () => open.size,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        for (const socket of open) socket.destroy();
      }),
  };
}

function refuseMethod(response: ServerResponse): void {
  const text = 'this is a proxy for CONNECT; give it to clients as HTTPS_PROXY\n';
  response.writeHead(405, 'CONNECT only', {
    allow: 'CONNECT',
    connection: 'close',
    'content-type': 'text/plain',
    'content-length': Buffer.byteLength(text),
  });
  response.end(text);
}

function refusal(reason: string): string {
  return [
    `HTTP/1.1 403 ${reason}`,
    'content-type: text/plain',
    `content-length: ${reason.length + 1}`,
    'connection: close',
    '',
    `${reason}\n`,
  ].join('\r\n');
}
