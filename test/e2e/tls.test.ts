import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { type IncomingMessage, request } from 'node:http';
import { connect } from 'node:tls';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { basic } from './_client.ts';
import { pushImage } from './_content.ts';
import { type Berth, startBerth } from './_server.ts';

let berth: Berth;
let ca: string;
beforeAll(async () => {
  berth = await startBerth();
  ca = await readFile(berth.caFile, 'utf8');
  await pushImage(berth.admin, 'team/tls', 'v1', 'tls');
});
afterAll(() => berth[Symbol.asyncDispose]());

const port = () => Number(berth.loginServer.split(':')[1]);

/** One request over TLS to a name that no resolver knows. Rejects when the handshake fails. */
async function ask(servername: string, host: string, headers: Record<string, string> = {}): Promise<IncomingMessage> {
  const socket = connect({ host: '127.0.0.1', port: port(), servername, ca });
  await once(socket, 'secureConnect');
  const asked = request({
    createConnection: () => socket,
    path: '/v2/',
    headers: { host, connection: 'close', ...headers },
  });
  asked.end();
  const [response] = (await once(asked, 'response')) as [IncomingMessage];
  response.resume();
  await once(response, 'end');
  return response;
}

describe('a registry under TLS', () => {
  it('is proven by its own authority and challenges with its own name', async () => {
    const host = berth.loginServer;
    const name = host.split(':')[0] ?? '';
    const refused = await ask(name, host);
    expect(refused.statusCode).toBe(401);
    expect(refused.headers['www-authenticate']).toBe(`Bearer realm="https://${host}/oauth2/token",service="${host}"`);
    expect(refused.headers['strict-transport-security']).toContain('max-age=');
    const authorization = basic(berth.username, berth.password);
    expect((await ask(name, host, { authorization })).statusCode).toBe(200);
  });

  it('is chosen by the host that is asked, and a name that is none is refused', async () => {
    const name = berth.loginServer.split(':')[0] ?? '';
    await berth.operator('POST', '/registries', { name: 'beside' });
    expect((await ask('beside.e2e.localhost', `beside.e2e.localhost:${port()}`)).statusCode).toBe(401);
    expect((await ask(name, `nosuch.e2e.localhost:${port()}`)).statusCode).toBe(404);
    expect((await ask(name, 'evil.example')).statusCode).toBe(404);
    await expect(ask('nosuch.example', 'nosuch.example')).rejects.toThrow();
  });
});
