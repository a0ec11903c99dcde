import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { type IncomingHttpHeaders, type IncomingMessage, request } from 'node:http';
import { connect } from 'node:tls';
import type { Berth } from './_server.ts';

export const azureCli = '04b07795-8ddb-461a-bbee-02f9e1bf7b46';
export const azurePowerShell = '1950a258-227b-4e31-a9cf-717495945fc2';

export interface LoginAnswer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly text: string;
  json<T = Record<string, unknown>>(): T;
}

export interface LoginOptions {
  readonly headers?: Record<string, string>;
  /** Sent as a form. */
  readonly form?: Readonly<Record<string, string>>;
  readonly body?: string;
  /** Another host of the domain; `login` otherwise. */
  readonly label?: string;
}

/** Speaks TLS to the identity provider of a running Berth, each request on a connection of its own. */
export interface LoginClient {
  (method: string, path: string, options?: LoginOptions): Promise<LoginAnswer>;
  readonly base: string;
  readonly management: string;
  /** Posts a form to the token endpoint. */
  token(form: Readonly<Record<string, string>>, path?: string): Promise<LoginAnswer>;
}

export async function loginClient(berth: Pick<Berth, 'caFile' | 'loginServer'>): Promise<LoginClient> {
  const ca = await readFile(berth.caFile, 'utf8');
  const port = Number(berth.loginServer.split(':')[1]);
  const domain = 'e2e.localhost';
  const send = async (method: string, path: string, options: LoginOptions = {}): Promise<LoginAnswer> => {
    const name = `${options.label ?? 'login'}.${domain}`;
    const socket = connect({ host: '127.0.0.1', port, servername: name, ca });
    await once(socket, 'secureConnect');
    const body = options.form ? new URLSearchParams(options.form).toString() : options.body;
    const outgoing = request({
      createConnection: () => socket,
      method,
      path,
      headers: {
        host: `${name}:${port}`,
        connection: 'close',
        ...(options.form ? { 'content-type': 'application/x-www-form-urlencoded' } : {}),
        ...(body === undefined ? {} : { 'content-length': Buffer.byteLength(body) }),
        ...options.headers,
      },
    });
    outgoing.end(body);
    const [response] = (await once(outgoing, 'response')) as [IncomingMessage];
    const chunks: Buffer[] = [];
    for await (const chunk of response) chunks.push(chunk as Buffer);
    const text = Buffer.concat(chunks).toString('utf8');
    return {
      status: response.statusCode ?? 0,
      headers: response.headers,
      text,
      json: <T>() => JSON.parse(text) as T,
    };
  };
  return Object.assign(send, {
    base: `https://login.${domain}:${port}`,
    management: `https://management.${domain}:${port}`,
    token: (form: Readonly<Record<string, string>>, path = '/organizations/oauth2/v2.0/token') =>
      send('POST', path, { form }),
  });
}

/** Claims of a token, unverified. */
export function claimsOf(token: unknown): Record<string, unknown> {
  const [, payload = ''] = String(token).split('.');
  return JSON.parse(Buffer.from(payload, 'base64url').toString('utf8')) as Record<string, unknown>;
}
