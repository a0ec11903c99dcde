import { once } from 'node:events';
import { type ClientRequest, Agent as HttpAgent, request as httpRequest, type IncomingMessage } from 'node:http';
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https';
import { setTimeout as pause } from 'node:timers/promises';
import type { Random } from './_random.ts';

export interface Ask {
  readonly method: string;
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: Uint8Array;
  /** The body leaves in so many pieces with short pauses between, as from a slow client. */
  readonly pieces?: number;
  /** Called before the last byte leaves: from then on the server may do what is asked. */
  readonly leaving?: () => void;
  /** Told how many bytes of the body are about to have left. */
  readonly sent?: (bytes: number) => void;
}

export interface Answer {
  readonly status: number;
  readonly headers: IncomingMessage['headers'];
  readonly body: Buffer;
}

/** The way into a running registry: keep-alive connections, and every now and then one for a single request. */
export interface Door {
  /** Rejects when the connection breaks before the answer is whole. */
  ask(ask: Ask): Promise<Answer>;
  /** Sends the head and `bytes` of the body, then breaks the connection. */
  breakOff(ask: Ask, bytes: number): Promise<void>;
  /** Reads the beginning of the answer, then breaks the connection. Answers the status. */
  breakAnswer(ask: Ask): Promise<number>;
  close(): void;
}

export interface DoorOptions {
  readonly address: string;
  /** With this the connections are TLS: the authority's certificate, and the name that the server has. */
  readonly tls?: { readonly ca: string; readonly name: string };
  readonly random: Random;
  readonly pauseMs?: number;
}

/** A request that has no answer after this time hangs. */
const hangMs = 30_000;

export function openDoor({ address, tls, random, pauseMs = 4 }: DoorOptions): Door {
  const keeping = { keepAlive: true, maxSockets: 64 };
  const agent = tls ? new HttpsAgent(keeping) : new HttpAgent(keeping);
  const [host = '', port = ''] = address.split(':');

  const open = (ask: Ask): ClientRequest => {
    const length = ask.body === undefined && ['GET', 'HEAD', 'DELETE'].includes(ask.method) ? {} : lengthOf(ask.body);
    const options = {
      agent: random.chance(0.25) ? (false as const) : agent,
      host,
      port,
      method: ask.method,
      path: ask.path,
      headers: { host: tls?.name ?? address, ...length, ...ask.headers },
      signal: AbortSignal.timeout(hangMs),
    };
    const outgoing = tls
      ? httpsRequest({ ...options, ca: tls.ca, servername: tls.name.replace(/:.*/, '') })
      : httpRequest(options);
    // A connection may break at any time; whoever waits for the answer hears of it.
    outgoing.on('error', () => undefined);
    return outgoing;
  };

  return {
    async ask(ask) {
      const outgoing = open(ask);
      const answer = answerOf(outgoing);
      answer.catch(() => undefined);
      const { body = Buffer.alloc(0), pieces = 1 } = ask;
      const step = Math.max(1, Math.ceil(body.length / pieces));
      let at = 0;
      for (; at + step < body.length && !outgoing.destroyed; at += step) {
        ask.sent?.(at + step);
        outgoing.write(body.subarray(at, at + step));
        await pause(random.below(pauseMs));
      }
      if (outgoing.destroyed) return answer;
      ask.sent?.(body.length);
      ask.leaving?.();
      outgoing.end(body.subarray(at));
      return answer;
    },
    async breakOff(ask, bytes) {
      const outgoing = open(ask);
      const closed = closeOf(outgoing);
      ask.sent?.(bytes);
      const gone = new Promise<void>((resolve) => {
        outgoing.write(ask.body?.subarray(0, bytes) ?? Buffer.alloc(0), () => resolve());
      });
      await Promise.race([closed, gone]);
      outgoing.destroy();
      await closed;
    },
    async breakAnswer(ask) {
      const outgoing = open(ask);
      outgoing.end();
      const [response] = (await once(outgoing, 'response')) as [IncomingMessage];
      // The end comes before the answer's, and is no failure here.
      response.on('error', () => undefined);
      const closed = closeOf(response);
      response.once('data', () => outgoing.destroy());
      response.resume();
      await closed;
      return response.statusCode ?? 0;
    },
    close: () => agent.destroy(),
  };
}

/** Also where an error comes first, which `once` would pass on. */
function closeOf(stream: ClientRequest | IncomingMessage): Promise<void> {
  return new Promise((resolve) => stream.once('close', () => resolve()));
}

function lengthOf(body: Uint8Array | undefined): Record<string, string> {
  return { 'content-length': String(body?.length ?? 0) };
}

function answerOf(outgoing: ClientRequest): Promise<Answer> {
  return new Promise((resolve, reject) => {
    outgoing.on('error', reject);
    outgoing.once('response', (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('error', reject);
      response.on('close', () => {
        const { statusCode = 0, headers } = response;
        if (response.complete) resolve({ status: statusCode, headers, body: Buffer.concat(chunks) });
        else reject(Object.assign(new Error(`the answer ${statusCode} broke off`), { code: 'ECONNRESET' }));
      });
    });
  });
}

/** True for what a connection says that broke, as opposed to an answer that was not foretold. */
export function isConnectionError(error: unknown): boolean {
  return error instanceof Error && 'code' in error && /^E[A-Z]+$/.test(String(error.code));
}
