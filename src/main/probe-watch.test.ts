import { once } from 'node:events';
import { request } from 'node:http';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type HttpServer, listen } from '../http/index.ts';
import { manualClock, randomIds } from '../kernel/index.ts';
import { plainAnswer, probeHeader, probeLabelHeader, probeWatch } from './probe-watch.ts';

const clock = manualClock();
const watch = probeWatch({ clock, ids: randomIds });
let server: HttpServer;
beforeAll(async () => {
  server = await listen({
    listener: { name: 'test', network: 'loopback', scheme: 'http' },
    where: { host: '127.0.0.1', port: 0 },
    limits: { maxHeaderBytes: 16_384, headersTimeoutMs: 5_000, idleMs: 5_000, maxConnections: 100, minBodyRate: 0 },
  });
  const handle = watch.around(async (exchange) => exchange.send(404, {}, 'the plane'));
  await server.serve({ handle, finished: () => undefined });
});
afterAll(() => server.close({ force: true }));

async function ask(headers: Record<string, string>, body = ''): Promise<{ status: number; text: string }> {
  const asked = request({
    host: '127.0.0.1',
    port: server.port,
    method: 'PATCH',
    path: '/a%2Fb?c=+',
    headers,
    agent: false,
  });
  asked.end(body);
  const [response] = (await once(asked, 'response')) as [NodeJS.ReadableStream & { statusCode: number }];
  const chunks: Buffer[] = [];
  for await (const chunk of response) chunks.push(chunk as Buffer);
  return { status: response.statusCode, text: Buffer.concat(chunks).toString() };
}

describe('a probe', () => {
  test('sees its own requests as they arrive, and keeps no secret', async () => {
    const { id, secret } = watch.open();
    const answer = await ask({ [probeHeader]: secret, [probeLabelHeader]: 'one', 'x-more': 'y' }, 'body');
    expect(answer).toEqual({ status: 200, text: plainAnswer });
    const { requests } = watch.report(id);
    expect(requests).toMatchObject([
      {
        label: 'one',
        method: 'PATCH',
        target: '/a%2Fb?c=+',
        received: 4,
        listener: 'test',
        headers: { 'x-more': 'y' },
      },
    ]);
    expect(JSON.stringify(requests)).not.toContain(secret);
    watch.close(id);
  });

  test('leaves all others to the plane', async () => {
    const { id, secret } = watch.open();
    expect((await ask({})).text).toBe('the plane');
    expect((await ask({ [probeHeader]: id })).text).toBe('the plane');
    expect((await ask({ [probeHeader]: `${secret}x` })).text).toBe('the plane');
    expect(watch.report(id).requests).toEqual([]);
    watch.close(id);
  });

  test('is over when it is closed', async () => {
    const { id, secret } = watch.open();
    watch.close(id);
    expect((await ask({ [probeHeader]: secret })).text).toBe('the plane');
    expect(() => watch.report(id)).toThrow(/no such probe/);
  });

  test('is over after ten minutes, and there are four at most', async () => {
    const probes = [1, 2, 3, 4].map(() => watch.open());
    expect(() => watch.open()).toThrow(/4 probes are open/);
    clock.advance(10 * 60_000);
    expect((await ask({ [probeHeader]: probes[0]?.secret ?? '' })).text).toBe('the plane');
    watch.close(watch.open().id);
  });
});
