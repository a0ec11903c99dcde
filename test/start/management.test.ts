import { once } from 'node:events';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ask, askSocket } from './_client.ts';
import { anyPorts, startServer } from './_program.ts';

let world: Awaited<ReturnType<typeof startServer>>;
let listener: string;
beforeAll(async () => {
  // Only the plain and the TLS listener are in the ready line, so the port of this one is chosen here.
  const probe = createServer().listen(0, '127.0.0.1');
  await once(probe, 'listening');
  listener = `127.0.0.1:${(probe.address() as { port: number }).port}`;
  probe.close();
  await once(probe, 'close');
  world = await startServer([...anyPorts, '--management-listen', listener]);
});
afterAll(() => world[Symbol.asyncDispose]());

const socketPath = () => join(world.data, 'berth.sock');

describe.each([
  ['the socket', (path: string) => askSocket(socketPath(), path)],
  ['management.listen', (path: string) => ask(listener, path)],
])('%s', (_name, get) => {
  test('answers probes', async () => {
    expect(await get('/healthz')).toMatchObject({ status: 200, body: Buffer.from('{"status":"ok"}') });
    expect(await get('/readyz')).toMatchObject({ status: 200, body: Buffer.from('{"status":"ready"}') });
  });

  test('answers metrics', async () => {
    await ask(world.ready.loginServer, '/v2/');
    const page = await get('/metrics');
    expect(page.status).toBe(200);
    expect(page.headers['content-type']).toContain('text/plain');
    expect(page.body.toString()).toMatch(
      /^berth_requests_total\{operation="v2\.base",method="GET",status="401"\} [1-9]/m,
    );
    expect(page.body.toString()).toMatch(/^berth_requests_in_flight 0$/m);
  });
});

describe('registries, tokens and settings', () => {
  const first = () => world.ready.registry.name;
  const paths = () => [
    '/status',
    '/config',
    '/registries',
    `/registries/${first()}`,
    '/registries/-/credentials',
    `/registries/${first()}/tokens`,
  ];

  test('are on the socket', async () => {
    for (const path of paths()) expect((await askSocket(socketPath(), path)).status).toBe(200);
  });

  test('are not on management.listen', async () => {
    for (const path of [...paths(), ...paths().map((path) => `/${path}`), '/healthz/../registries']) {
      for (const method of ['GET', 'POST', 'PATCH', 'DELETE']) {
        const answer = await ask(listener, path, { method });
        expect([answer.status, answer.body.toString()]).toEqual([404, expect.not.stringContaining(first())]);
      }
    }
  });

  test('are not on the public listener, nor are probes and metrics', async () => {
    for (const path of [...paths(), '/healthz', '/readyz', '/metrics']) {
      const answer = await ask(world.ready.loginServer, path);
      expect([answer.status, answer.body.toString()]).toEqual([404, expect.stringContaining('nothing at this path')]);
    }
  });
});
