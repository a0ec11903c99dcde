import { once } from 'node:events';
import { request } from 'node:http';
import { connect } from 'node:net';
import { describe, expect, it } from 'vitest';
import type { Exchange } from './exchange.ts';
import { type HttpServer, listen } from './server.ts';

const limits = {
  maxHeaderBytes: 16_384,
  headersTimeoutMs: 5_000,
  idleMs: 5_000,
  maxConnections: 100,
  minBodyRate: 256,
};

async function serve(handle: (exchange: Exchange) => Promise<void>): Promise<HttpServer & AsyncDisposable> {
  const where = { host: '127.0.0.1', port: 0 };
  const server = await listen({ listener: { name: 'test', network: 'loopback', scheme: 'http' }, where, limits });
  await server.serve({ handle, finished: () => undefined });
  return { ...server, [Symbol.asyncDispose]: () => server.close({ force: true }) };
}

describe('server', () => {
  it('puts no refusal into the middle of an answer', async () => {
    await using server = await serve(async ({ response }) => {
      response.writeHead(200, { 'content-length': 1000 }).write('begin');
    });
    const socket = connect(server.port, '127.0.0.1');
    const received: Buffer[] = [];
    socket.on('data', (chunk: Buffer) => received.push(chunk));
    socket.on('error', () => undefined);
    socket.write('GET / HTTP/1.1\r\nhost: x\r\n\r\n');
    await once(socket, 'data');
    socket.write('\0\0 this is no request\r\n\r\n');
    await once(socket, 'close');
    const text = Buffer.concat(received).toString();
    expect(text).toContain('begin');
    expect(text).not.toContain('400 Bad Request');
  });

  it('refuses what is no request', async () => {
    await using server = await serve(async (exchange) => exchange.send(200));
    const socket = connect(server.port, '127.0.0.1');
    socket.write('\0\0 this is no request\r\n\r\n');
    const [answer] = (await once(socket, 'data')) as [Buffer];
    expect(answer.toString()).toMatch(/^HTTP\/1\.1 400 /);
    socket.destroy();
  });

  it('counts a request until its handler has come to its end, also when the client is gone', async () => {
    let release: () => void = () => {};
    const held = new Promise<void>((resolve) => {
      release = resolve;
    });
    let left: () => void = () => {};
    const gone = new Promise<void>((resolve) => {
      left = resolve;
    });
    await using server = await serve(async ({ response }) => {
      response.once('close', left);
      await held;
    });
    const asked = request({ port: server.port, host: '127.0.0.1' });
    asked.on('error', () => undefined).end();
    await expect.poll(() => server.inFlight()).toBe(1);
    asked.destroy();
    await gone;
    expect(server.inFlight()).toBe(1);
    release();
    await expect.poll(() => server.inFlight()).toBe(0);
  });
});
