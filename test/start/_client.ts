import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { type ClientRequest, type IncomingMessage, request } from 'node:http';

export interface Answer {
  readonly status: number;
  readonly headers: IncomingMessage['headers'];
  readonly body: Buffer;
}

export interface Account {
  readonly loginServer: string;
  readonly username: string;
  readonly password: string;
}

export function basic(username: string, password: string): string {
  return `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`;
}

export function digestOf(bytes: Uint8Array): string {
  return `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
}

/** One request over plain HTTP, on a connection of its own. */
export async function ask(
  loginServer: string,
  path: string,
  options: { method?: string; headers?: Record<string, string>; body?: Uint8Array | string } = {},
): Promise<Answer> {
  const asked = open(loginServer, path, options.method ?? 'GET', options.headers ?? {});
  asked.end(options.body);
  return answerOf(asked);
}

/** One request to the management socket. */
export async function askSocket(socketPath: string, path: string, method = 'GET'): Promise<Answer> {
  const asked = request({ socketPath, path, method, agent: false });
  asked.end();
  return answerOf(asked);
}

/** Begins a request whose body the caller writes. */
export function open(
  loginServer: string,
  path: string,
  method: string,
  headers: Record<string, string>,
): ClientRequest {
  return request(`http://${loginServer}${path}`, { method, headers, agent: false });
}

/** Waits for the answer of a request that was ended, and reads it whole. */
export async function answerOf(asked: ClientRequest): Promise<Answer> {
  const [response] = (await once(asked, 'response')) as [IncomingMessage];
  return { status: response.statusCode ?? 0, headers: response.headers, body: await bodyOf(response) };
}

export async function bodyOf(response: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of response as AsyncIterable<Buffer>) chunks.push(chunk);
  return Buffer.concat(chunks);
}

/** Opens an upload session and answers its path. */
export async function startUpload(account: Account, repository: string): Promise<string> {
  const started = await ask(account.loginServer, `/v2/${repository}/blobs/uploads/`, {
    method: 'POST',
    headers: { authorization: basic(account.username, account.password) },
  });
  const location = started.headers['location'];
  if (started.status !== 202 || location === undefined) throw new Error(`no session: ${started.status}`);
  const { pathname, search } = new URL(location, `http://${account.loginServer}`);
  return `${pathname}${search}`;
}

/** Begins the PUT that brings a whole blob, and answers it before any byte of the body is sent. */
export async function openPut(account: Account, repository: string, bytes: Uint8Array): Promise<ClientRequest> {
  const session = await startUpload(account, repository);
  const mark = session.includes('?') ? '&' : '?';
  return open(account.loginServer, `${session}${mark}digest=${digestOf(bytes)}`, 'PUT', {
    authorization: basic(account.username, account.password),
    'content-type': 'application/octet-stream',
    'content-length': String(bytes.length),
  });
}

/** Pushes a blob and answers its path. */
export async function pushBlob(account: Account, repository: string, bytes: Uint8Array): Promise<string> {
  const put = await openPut(account, repository, bytes);
  put.end(bytes);
  const { status } = await answerOf(put);
  if (status !== 201) throw new Error(`the blob was answered with ${status}`);
  return `/v2/${repository}/blobs/${digestOf(bytes)}`;
}
