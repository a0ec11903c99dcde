import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ask, basic } from './_client.ts';
import { anyPorts, openScratch, startServer, until } from './_program.ts';

const listenForProxies = ['--ingress-listen', '127.0.0.1:0', '--ingress-trusted', '127.0.0.1'];
let world: Awaited<ReturnType<typeof startServer>>;
let proxyListener: string;
beforeAll(async () => {
  world = await startServer([...anyPorts, ...listenForProxies]);
  proxyListener = await listenerOf(world, 'ingress');
});
afterAll(() => world[Symbol.asyncDispose]());

async function listenerOf(from: Pick<typeof world, 'berth' | 'data'>, name: string): Promise<string> {
  const status = JSON.parse((await from.berth(['status', '--json', '--data', from.data])).stdout) as {
    listeners: { name: string; host: string; port: number }[];
  };
  const found = status.listeners.find((one) => one.name === name);
  return `${found?.host}:${found?.port}`;
}

const forged = {
  host: 'registry.example.com',
  'x-forwarded-for': '203.0.113.7',
  'x-forwarded-proto': 'https',
  'x-forwarded-host': 'evil.example.com',
};

/** The access line of a request, by its correlation id. */
async function lineOf(from: Pick<typeof world, 'server'>, id: unknown): Promise<Record<string, unknown>> {
  return until('the access line', () => {
    const line = from.server
      .stderr()
      .split('\n')
      .find((one) => one.includes(String(id)));
    return line === undefined ? undefined : (JSON.parse(line) as Record<string, unknown>);
  });
}

describe('the listener for proxies', () => {
  test('takes scheme and client from a declared proxy, and the host from Host', async () => {
    const answer = await ask(proxyListener, '/v2/', { headers: forged });
    expect(answer.status).toBe(401);
    expect(answer.headers['www-authenticate']).toContain('realm="https://registry.example.com/oauth2/token"');
    expect(answer.headers['strict-transport-security']).toBeDefined();
    const line = await lineOf(world, answer.headers['x-ms-correlation-request-id']);
    expect(line).toMatchObject({ listener: 'ingress', address: '203.0.113.7', host: 'registry.example.com' });
  });

  test('serves the first registry, with its own credentials, under the host that the proxy passes on', async () => {
    const headers = { host: 'registry.example.com', authorization: basic(world.username, world.password) };
    expect((await ask(proxyListener, '/v2/', { headers })).status).toBe(200);
    expect(
      (await ask(proxyListener, '/v2/', { headers: { ...headers, host: world.ready.registry.loginServer } })).status,
    ).toBe(200);
    expect((await ask(proxyListener, '/v2/', { headers: { ...headers, host: 'other1.berth.localhost' } })).status).toBe(
      404,
    );
  });

  test('takes the host from X-Forwarded-Host when it is told to, and refuses one that no proxy writes', async () => {
    await using told = await startServer([...anyPorts, ...listenForProxies, '--ingress-forwarded-host', 'true']);
    const listener = await listenerOf(told, 'ingress');
    const headers = { ...forged, host: 'inner:80', 'x-forwarded-host': 'registry.example.com' };
    const answer = await ask(listener, '/v2/', { headers });
    expect(answer.headers['www-authenticate']).toContain('realm="https://registry.example.com/oauth2/token"');
    const refused = await ask(listener, '/v2/', { headers: { ...forged, 'x-forwarded-host': 'a", evil="b' } });
    expect(refused.status).toBe(400);
    expect(refused.body.toString()).toContain('X-Forwarded-Host');
  });

  test('refuses headers that no proxy writes', async () => {
    const answer = await ask(proxyListener, '/v2/', { headers: { ...forged, 'x-forwarded-proto': 'a", evil="b' } });
    expect(answer.status).toBe(400);
    expect(answer.body.toString()).toContain('X-Forwarded-Proto');
  });

  test('refuses everybody else, without reading what they claim', async () => {
    await using other = await startServer([
      ...anyPorts,
      '--ingress-listen',
      '127.0.0.1:0',
      '--ingress-trusted',
      '10.9.8.7',
    ]);
    const headers = { ...forged, authorization: basic(other.username, other.password), 'x-forwarded-for': '10.9.8.7' };
    const answer = await ask(await listenerOf(other, 'ingress'), '/v2/', { headers });
    expect(answer.status).toBe(403);
    expect(answer.body.toString()).toContain('127.0.0.1 is not in ingress.trusted');
    const lines = other.server.stderr().split('\n');
    expect(lines.some((line) => line.includes('"address":"10.9.8.7"'))).toBe(false);
  });

  test('does not exist for a start that names no proxy', async () => {
    await using scratch = await openScratch();
    const ended = await scratch.berth(['up', '--data', scratch.data, ...anyPorts, '--ingress-listen', '127.0.0.1:0']);
    expect(ended).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('name their addresses in ingress.trusted'),
    });
  });
});

test('the other listeners do not read what a proxy would say', async () => {
  const answer = await ask(world.ready.loginServer, '/v2/', { headers: forged });
  expect(answer.headers['www-authenticate']).toContain('realm="http://registry.example.com/oauth2/token"');
  const line = await lineOf(world, answer.headers['x-ms-correlation-request-id']);
  expect(line).toMatchObject({ address: '127.0.0.1', host: 'registry.example.com' });
});
