import { once } from 'node:events';
import { type ClientRequest, request as httpRequest, type IncomingHttpHeaders, type IncomingMessage } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { getCACertificates } from 'node:tls';

/** Sends requests to the public address, as a client on this machine would. */
export interface FrontClient {
  readonly url: URL;
  /** Begins a request, whose body the caller writes. */
  open(method: string, path: string, headers?: Readonly<Record<string, string>>): ClientRequest;
  ask(method: string, path: string, options?: AskOptions): Promise<FrontAnswer>;
}

export interface AskOptions {
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | Uint8Array;
  readonly timeoutMs?: number;
}

export interface FrontAnswer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
}

const defaultTimeoutMs = 30_000;
/** Answers that the doctor reads whole are small. */
const maxAnswerBytes = 1 << 20;

/**
 * Makes the client. `authorities` (PEM) are trusted beside those of Node and of the system, as somebody who installed them
 * would.
 */
export function frontClient(url: URL, authorities: readonly string[]): FrontClient {
  const secure = url.protocol === 'https:';
  const ca = secure ? [...getCACertificates('default'), ...getCACertificates('system'), ...authorities] : [];
  const open: FrontClient['open'] = (method, path, headers = {}) => {
    const options = { method, headers: { 'user-agent': 'berth-doctor', ...headers }, agent: false };
    const target = {
      ...options,
      protocol: url.protocol,
      host: url.hostname.replace(/^\[|\]$/g, ''),
      port: url.port === '' ? (secure ? 443 : 80) : Number(url.port),
      path,
      headers: { host: url.host, ...options.headers },
    };
    return secure ? httpsRequest({ ...target, ca }) : httpRequest(target);
  };
  return {
    url,
    open,
    async ask(method, path, options = {}) {
      const { body } = options;
      const length = body === undefined ? undefined : { 'content-length': String(Buffer.byteLength(body)) };
      const asked = open(method, path, { ...length, ...options.headers });
      asked.end(body);
      return readAnswer(asked, options.timeoutMs);
    },
  };
}

/** Waits for the answer of a request that was ended, and reads it whole. Rejects when the connection breaks or time is up. */
export async function readAnswer(asked: ClientRequest, timeoutMs = defaultTimeoutMs): Promise<FrontAnswer> {
  const late = setTimeout(
    () => asked.destroy(new Error(`no answer within ${Math.round(timeoutMs / 1000)} s`)),
    timeoutMs,
  );
  try {
    const [response] = (await once(asked, 'response')) as [IncomingMessage];
    const chunks: Buffer[] = [];
    let size = 0;
    for await (const chunk of response as AsyncIterable<Buffer>) {
      size += chunk.length;
      if (size > maxAnswerBytes) throw new Error('the answer is longer than any that Berth gives here');
      chunks.push(chunk);
    }
    return { status: response.statusCode ?? 0, headers: response.headers, body: Buffer.concat(chunks) };
  } finally {
    clearTimeout(late);
    asked.on('error', () => undefined).destroy();
  }
}
