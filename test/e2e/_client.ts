import { Agent, type IncomingHttpHeaders, type OutgoingHttpHeaders, request } from 'node:http';

/** What came back, whole. */
export interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  /** Every value of a header, also of one that came several times. */
  all(name: string): string[];
  readonly body: Buffer;
  readonly text: string;
  json<T = Record<string, unknown>>(): T;
  /** `code` of the first error in the body, or undefined when the body holds none. */
  readonly code: string | undefined;
}

export interface SendOptions {
  readonly headers?: OutgoingHttpHeaders;
  readonly body?: Uint8Array | string;
  /** Sends the body with chunked transfer coding instead of a length. */
  readonly chunked?: boolean;
}

/** Sends requests with one credential to one host of a running Berth. */
export interface Client {
  (method: string, path: string, options?: SendOptions): Promise<Answer>;
}

export interface Target {
  /** `127.0.0.1:port` to connect to. */
  readonly address: string;
  /** `Host` to send; the address when absent. */
  readonly host?: string;
  readonly authorization?: string;
}

/** Under other settings each request has its own connection, so that with several threads any of them may get it. */
const keepAlive = process.env['BERTH_TEST_FLAGS'] === undefined;
const agent = new Agent({ keepAlive, maxSockets: 16 });

export function client(target: Target): Client {
  const [hostname, port] = target.address.split(':');
  return (method, path, options = {}) =>
    new Promise((resolve, reject) => {
      const { body, chunked = false } = options;
      const bytes = body === undefined ? undefined : Buffer.from(body as Uint8Array);
      const outgoing = request({
        agent,
        hostname,
        port,
        method,
        path,
        headers: {
          host: target.host ?? target.address,
          ...(target.authorization === undefined ? {} : { authorization: target.authorization }),
          ...lengthOf(method, bytes, chunked),
          ...options.headers,
        },
      });
      let answered = false;
      outgoing.on('response', (response) => {
        answered = true;
        const chunks: Buffer[] = [];
        response.on('data', (chunk: Buffer) => chunks.push(chunk));
        response.on('end', () => resolve(answerOf(response.statusCode ?? 0, response, Buffer.concat(chunks))));
        response.on('error', reject);
      });
      // A refused body may break off after its answer has come.
      outgoing.on('error', (error) => {
        if (!answered) reject(error);
      });
      outgoing.end(bytes);
    });
}

export function basic(username: string, password: string): string {
  return `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`;
}

function lengthOf(method: string, bytes: Buffer | undefined, chunked: boolean): OutgoingHttpHeaders {
  if (chunked) return { 'transfer-encoding': 'chunked' };
  if (bytes === undefined) return ['POST', 'PUT', 'PATCH'].includes(method) ? { 'content-length': 0 } : {};
  return { 'content-length': bytes.length };
}

function answerOf(
  status: number,
  from: { headers: IncomingHttpHeaders; headersDistinct: NodeJS.Dict<string[]> },
  body: Buffer,
): Answer {
  const text = body.toString('utf8');
  return {
    status,
    headers: from.headers,
    all: (name) => from.headersDistinct[name] ?? [],
    body,
    text,
    json: <T>() => JSON.parse(text) as T,
    get code() {
      if (!text.startsWith('{')) return undefined;
      return (JSON.parse(text) as { errors?: { code: string }[] }).errors?.[0]?.code;
    },
  };
}
