import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { createServer, get, type IncomingMessage, type ServerResponse } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { Writable } from 'node:stream';
import { describe, expect, test } from 'vitest';
import { type BufferPool, bufferPool } from './buffer-pool.ts';
import { type PumpSource, pump } from './pump.ts';

const content = randomBytes(3_000_001);

describe('the buffer pool', () => {
  test('lends up to its bound and lends again what came back', () => {
    const pool = bufferPool({ bytes: 2048, bufferBytes: 1000 });
    const [first, second] = [pool.acquire()!, pool.acquire()!];
    expect(first.length).toBe(1000);
    expect(second).not.toBe(first);
    expect(pool.acquire()).toBeUndefined();
    pool.release(first);
    expect(pool.acquire()).toBe(first);
    expect(pool.lent).toBe(2);
  });

  test('never lends again a buffer that was forgotten', () => {
    const pool = bufferPool({ bytes: 1000, bufferBytes: 1000 });
    const first = pool.acquire()!;
    pool.forget(first);
    expect(pool.lent).toBe(0);
    expect(pool.acquire()).not.toBe(first);
  });

  test('refuses a buffer twice', () => {
    const pool = bufferPool({ bytes: 1000, bufferBytes: 1000 });
    const buffer = pool.acquire()!;
    pool.release(buffer);
    expect(() => pool.release(buffer)).toThrow('not lent');
    expect(() => pool.forget(buffer)).toThrow('not lent');
    expect(() => pool.release(Buffer.alloc(1000))).toThrow('not lent');
  });

  test('holds 64 MiB in buffers of 512 KiB unless told otherwise', () => {
    const pool = bufferPool();
    expect(pool.bufferBytes).toBe(524_288);
    let count = 0;
    while (pool.acquire()) count++;
    expect(count).toBe(128);
  });
});

describe('pumping over HTTP', () => {
  test.each([
    ['everything', 0, content.length - 1],
    ['one byte', 5, 5],
    ['the last byte', content.length - 1, content.length - 1],
    ['64 KiB', 1, 65_536],
    ['one byte more than 64 KiB', 0, 65_536],
    ['exactly one buffer', 0, 524_287],
    ['one byte more than a buffer', 7, 524_295],
    ['exactly two buffers', 0, 1_048_575],
    ['nothing', 0, -1],
  ])('sends %s', async (_, start, end) => {
    const pool = bufferPool();
    await using server = await serve(async (response) => {
      response.writeHead(200, { 'content-length': end - start + 1 });
      const sent = await pump(memorySource(), response, { start, end, pool });
      response.end();
      return sent;
    });
    const body = await download(server.port);
    expect(Buffer.compare(body, content.subarray(start, end + 1))).toBe(0);
    expect(await server.outcome).toBe(end - start + 1);
    expect(pool.lent).toBe(0);
  });

  test('sends the right bytes to many at once from a pool for few', async () => {
    const pool = bufferPool({ bytes: 3 << 17, bufferBytes: 1 << 17 });
    let most = 0;
    await using server = await serve(async (response) => {
      response.writeHead(200, { 'content-length': content.length });
      const source = memorySource(() => {
        most = Math.max(most, pool.lent);
      });
      const sent = await pump(source, response, { start: 0, end: content.length - 1, pool });
      response.end();
      return sent;
    });
    const bodies = await Promise.all(Array.from({ length: 6 }, () => download(server.port)));
    for (const body of bodies) expect(Buffer.compare(body, content)).toBe(0);
    expect(most).toBe(3);
    await expect.poll(() => pool.lent).toBe(0);
  });

  test('ends without an error when the client goes away, and lends no buffer any more', async () => {
    const pool = bufferPool();
    const size = 1 << 30;
    await using server = await serve(async (response) => {
      response.writeHead(200, { 'content-length': size });
      return await pump(endlessSource(), response, { start: 0, end: size - 1, pool });
    });
    const [response] = (await once(get({ port: server.port, agent: false }), 'response')) as [IncomingMessage];
    await once(response, 'readable');
    response.on('error', () => undefined);
    response.destroy();
    expect(await server.outcome).toBeLessThan(size);
    expect(pool.lent).toBe(0);
  });

  test('ends for requests that wait behind another one when their client goes away', async () => {
    const pool = bufferPool();
    const size = 1 << 30;
    let ended = 0;
    await using server = await serve(async (response) => {
      response.writeHead(200, { 'content-length': size });
      return await pump(endlessSource(), response, { start: 0, end: size - 1, pool }).finally(() => ended++);
    });
    const client = connect(server.port, '127.0.0.1');
    client.write('GET / HTTP/1.1\r\nhost: a\r\n\r\n'.repeat(3));
    await expect.poll(() => pool.lent).toBe(6);
    client.destroy();
    await expect.poll(() => ended).toBe(3);
    expect(pool.lent).toBe(0);
  });

  test('breaks the transfer and throws when the source ends early', async () => {
    const pool = bufferPool();
    await using server = await serve(async (response) => {
      response.writeHead(200, { 'content-length': content.length + 1 });
      return await pump(memorySource(), response, { start: 0, end: content.length, pool });
    });
    await Promise.all([
      expect(server.outcome).rejects.toThrow(`ends at byte ${content.length}`),
      expect(download(server.port)).rejects.toMatchObject({ code: 'ECONNRESET' }),
    ]);
    expect(pool.lent).toBe(0);
  });

  test('breaks the transfer and throws when the source fails', async () => {
    const pool = bufferPool();
    const broken = new Error('disk');
    let reads = 0;
    const source: PumpSource = {
      async read(buffer) {
        if (++reads === 3) throw broken;
        return buffer.length;
      },
    };
    await using server = await serve(async (response) => {
      response.writeHead(200, { 'content-length': content.length });
      return await pump(source, response, { start: 0, end: content.length - 1, pool });
    });
    await Promise.all([
      expect(server.outcome).rejects.toBe(broken),
      expect(download(server.port)).rejects.toMatchObject({ code: 'ECONNRESET' }),
    ]);
    expect(pool.lent).toBe(0);
  });

  test('breaks the transfer and throws the reason of a signal', async () => {
    const pool = bufferPool();
    const stop = new AbortController();
    const reason = new Error('draining');
    const size = 1 << 30;
    await using server = await serve(async (response) => {
      response.writeHead(200, { 'content-length': size });
      return await pump(endlessSource(), response, { start: 0, end: size - 1, pool, signal: stop.signal });
    });
    const broken = async () => {
      const [response] = (await once(get({ port: server.port, agent: false }), 'response')) as [IncomingMessage];
      const failed = once(response, 'error');
      await once(response, 'readable');
      stop.abort(reason);
      response.resume();
      return (await failed)[0] as unknown;
    };
    await Promise.all([
      expect(server.outcome).rejects.toBe(reason),
      expect(broken()).resolves.toMatchObject({ code: 'ECONNRESET' }),
    ]);
    expect(pool.lent).toBe(0);
  });
});

describe('the turns of the buffers', () => {
  test('one is read while the other is written, and none is read into while it is written', async () => {
    const { response, writing } = gatedWritable();
    const pool = bufferPool({ bytes: 300_000, bufferBytes: 100_000 });
    const reads: { buffer: ArrayBufferLike; position: number }[] = [];
    const source = memorySource((buffer, position) => reads.push({ buffer: buffer.buffer, position }));
    const pumping = pump(source, response, { start: 0, end: 399_999, pool });
    await expect.poll(() => reads.length).toBe(2);
    expect(pool.lent).toBe(2);
    for (let index = 0; index < 4; index++) {
      await expect.poll(() => writing.length).toBe(index + 1);
      expect(reads.length).toBe(Math.min(4, index + 2));
      expect(Buffer.compare(writing[index]!.chunk, content.subarray(index * 100_000, (index + 1) * 100_000))).toBe(0);
      writing[index]!.done();
      await expect.poll(() => reads.length).toBe(Math.min(4, index + 3));
    }
    expect(await pumping).toBe(400_000);
    expect(new Set(reads.map((read) => read.buffer)).size).toBe(2);
    expect(pool.lent).toBe(0);
  });

  test('a buffer whose write never settled is not lent again', async () => {
    const { response, writing } = gatedWritable();
    const pool = bufferPool({ bytes: 100_000, bufferBytes: 100_000 });
    const pumping = pump(memorySource(), response, { start: 0, end: 99_999, pool });
    await expect.poll(() => writing.length).toBe(1);
    response.destroy();
    expect(await pumping).toBe(0);
    expect(pool.lent).toBe(0);
    expect(pool.acquire()!.buffer).not.toBe(writing[0]!.chunk.buffer);
  });

  test('small ranges and an exhausted pool take nothing from the pool', async () => {
    const empty = bufferPool({ bytes: 0 });
    for (const length of [100, 65_536, 65_537, 700_000]) {
      const received: Buffer[] = [];
      const response = new Writable({
        write(chunk: Buffer, _, done) {
          received.push(Buffer.from(chunk));
          done();
        },
      });
      expect(await pump(memorySource(), response, { start: 3, end: length + 2, pool: empty })).toBe(length);
      expect(Buffer.compare(Buffer.concat(received), content.subarray(3, length + 3))).toBe(0);
      expect(Math.max(...received.map((chunk) => chunk.length))).toBeLessThanOrEqual(65_536);
    }
    const untouched: BufferPool = { ...empty, acquire: () => expect.unreachable('a small range needs no pool') };
    const { response, writing } = gatedWritable();
    const pumping = pump(memorySource(), response, { start: 0, end: 65_535, pool: untouched });
    await expect.poll(() => writing.length).toBe(1);
    writing[0]!.done();
    expect(await pumping).toBe(65_536);
  });

  test('a response that is closed already gets nothing', async () => {
    const { response, writing } = gatedWritable();
    response.destroy();
    const pool = bufferPool();
    expect(await pump(memorySource(), response, { start: 0, end: 999_999, pool })).toBe(0);
    expect(writing).toEqual([]);
    expect(pool.lent).toBe(0);
  });

  test('no listener stays behind', async () => {
    const { response, writing } = gatedWritable();
    const before = response.listenerCount('close');
    const pumping = pump(memorySource(), response, { start: 0, end: 9, pool: bufferPool() });
    await expect.poll(() => writing.length).toBe(1);
    writing[0]!.done();
    await pumping;
    expect(response.listenerCount('close')).toBe(before);
  });
});

function memorySource(onRead: (buffer: Uint8Array, position: number) => void = () => undefined): PumpSource {
  return {
    async read(buffer, position) {
      onRead(buffer, position);
      await new Promise(setImmediate);
      return content.copy(buffer, 0, Math.min(position, content.length));
    },
  };
}

function endlessSource(): PumpSource {
  return { read: async (buffer) => buffer.length };
}

/** A writable whose writes end when the test says so. */
function gatedWritable() {
  const writing: { chunk: Buffer; done: () => void }[] = [];
  const response = new Writable({
    write(chunk: Buffer, _, done) {
      writing.push({ chunk, done: () => done() });
    },
  });
  return { response, writing };
}

async function serve(answer: (response: ServerResponse) => Promise<number>) {
  const outcome = Promise.withResolvers<number>();
  const server = createServer((_, response) => {
    answer(response).then(outcome.resolve, outcome.reject);
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    outcome: outcome.promise,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

async function download(port: number): Promise<Buffer> {
  const [response] = (await once(get({ port, agent: false }), 'response')) as [IncomingMessage];
  const chunks: Buffer[] = [];
  for await (const chunk of response) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}
