import { connect, type Socket, type TcpNetConnectOpts } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { type ResponseHead, responseReader } from './response-reader.ts';

/** One HTTP/1.1 request; the body is sent with Content-Length. */
export interface Request {
  readonly method: 'GET' | 'HEAD' | 'POST' | 'PATCH' | 'PUT';
  /** Path with query, as it goes on the request line. */
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: Uint8Array;
}

/** What came back. The body is counted; only its first 2 KiB are kept, for messages about refusals. */
export interface Answer extends ResponseHead {
  readonly bodyBytes: number;
  readonly beginning: string;
}

/** Where a connection goes: over TLS 1.3, verified, where there are certificates (PEM) to trust. */
export interface Target {
  readonly host: string;
  readonly port: number;
  readonly ca: string | undefined;
  /** The name that the requests are for, with which the certificate is compared; otherwise the host. */
  readonly name?: string | undefined;
}

/** One keep-alive connection with one request in flight at a time (no pipelining). */
export interface Connection {
  /** Sends a request and resolves when its answer has been read whole. Rejects when the connection breaks before. */
  request(request: Request): Promise<Answer>;
  close(): void;
}

const readBufferBytes = 512 * 1024;

/**
 * Opens a connection on first use and again when the server closed it. A raw socket with one reused read buffer,
 * because node:http costs the load generator about as much CPU as a fast server spends.
 */
export function openConnection({ host, port, ca, name }: Target): Connection {
  const readBuffer = Buffer.allocUnsafe(readBufferBytes);
  let socket: Socket | undefined;
  let settle: { resolve: (answer: Answer) => void; reject: (error: Error) => void } | undefined;

  const fail = (error: Error): void => {
    const waiting = settle;
    settle = undefined;
    socket?.destroy();
    socket = undefined;
    waiting?.reject(error);
  };

  const reader = responseReader((answer) => {
    const waiting = settle;
    settle = undefined;
    if (answer.headers.get('connection')?.toLowerCase() === 'close') {
      socket?.destroy();
      socket = undefined;
    }
    waiting?.resolve(answer);
  });

  const open = (): Socket => {
    const options: TcpNetConnectOpts = {
      host,
      port,
      noDelay: true,
      onread: {
        buffer: readBuffer,
        callback: (count, buffer) => {
          try {
            reader.feed((buffer as Buffer).subarray(0, count));
          } catch (error) {
            fail(error as Error);
          }
          return true;
        },
      },
    };
    // tls.connect hands `onread` on to its socket, which its type does not say.
    const named = name === undefined ? {} : { servername: name };
    const fresh = ca === undefined ? connect(options) : connectTls({ ...options, ...named, ca, minVersion: 'TLSv1.3' });
    fresh.on('error', (error) => {
      if (fresh === socket) fail(error);
    });
    fresh.on('close', () => {
      if (fresh === socket) fail(new Error(`${host}:${port} closed the connection before its answer was complete`));
    });
    return fresh;
  };

  return {
    request: (request) =>
      new Promise((resolve, reject) => {
        settle = { resolve, reject };
        reader.expect(request.method);
        socket ??= open();
        socket.cork();
        socket.write(requestHead(request, `${name ?? host}:${port}`), 'latin1');
        if (request.body !== undefined && request.body.length > 0) socket.write(request.body);
        socket.uncork();
      }),
    close: () => {
      const closing = socket;
      socket = undefined;
      closing?.destroy();
    },
  };
}

function requestHead(request: Request, host: string): string {
  let head = `${request.method} ${request.path} HTTP/1.1\r\nHost: ${host}\r\n`;
  for (const [name, value] of Object.entries(request.headers)) head += `${name}: ${value}\r\n`;
  if (request.method !== 'GET' && request.method !== 'HEAD') head += `Content-Length: ${request.body?.length ?? 0}\r\n`;
  return `${head}\r\n`;
}
