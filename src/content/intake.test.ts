import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage, request } from 'node:http';
import type { AddressInfo } from 'node:net';
import { PassThrough, Readable } from 'node:stream';
import { describe, expect, test } from 'vitest';
import { digestOf, startDigest } from '../kernel/index.ts';
import { receive } from './intake.ts';

describe('receiving a body', () => {
  test('takes an empty body as complete and calls no sink', async () => {
    const sink = memorySink();
    const hash = startDigest('sha256');
    expect(await receive(Readable.from([]), { position: 0, maxBytes: 0, hash, sink: sink.write })).toEqual({
      received: 0,
      complete: true,
    });
    expect(sink.writes).toEqual([]);
    expect(hash.digest()).toBe(digestOf(Buffer.alloc(0)));
  });

  test('takes a body that was read to its end before as complete', async () => {
    const source = new PassThrough().end();
    source.resume();
    await once(source, 'end');
    expect(await receive(source, { position: 0, maxBytes: 0, sink: memorySink().write })).toEqual({
      received: 0,
      complete: true,
    });
  });

  test('brings every byte in order, in batches, with the same hash', async () => {
    const content = randomBytes(1_000_003);
    const sink = memorySink();
    const hash = startDigest('sha256');
    const result = await receive(Readable.from(pieces(content, 7001)), {
      position: 500,
      maxBytes: content.length,
      batchBytes: 100_000,
      hash,
      sink: sink.write,
    });
    expect(result).toEqual({ received: content.length, complete: true });
    expect(Buffer.compare(sink.content(500), content)).toBe(0);
    expect(hash.digest()).toBe(digestOf(content));
    expect(sink.writes.length).toBeLessThanOrEqual(11);
    for (const each of sink.writes.slice(0, -1)) expect(each.bytes).toBeGreaterThanOrEqual(100_000);
  });

  test('continues the hash of earlier chunks', async () => {
    const hash = startDigest('sha512');
    const sink = memorySink();
    await receive(Readable.from([Buffer.from('first ')]), { position: 0, maxBytes: 6, hash, sink: sink.write });
    await receive(Readable.from([Buffer.from('second')]), { position: 6, maxBytes: 6, hash, sink: sink.write });
    expect(sink.content(0).toString()).toBe('first second');
    expect(hash.digest()).toBe(digestOf(Buffer.from('first second'), 'sha512'));
  });

  test('makes a batch of many tiny chunks before their memory piles up', async () => {
    const sink = memorySink();
    const result = await receive(Readable.from(pieces(randomBytes(5000), 1)), {
      position: 0,
      maxBytes: 5000,
      sink: sink.write,
    });
    expect(result.received).toBe(5000);
    expect(Math.max(...sink.writes.map((each) => each.chunks))).toBeLessThanOrEqual(2048);
  });

  test('hashes while the sink writes', async () => {
    const order: string[] = [];
    await receive(Readable.from([Buffer.from('abc')]), {
      position: 0,
      maxBytes: 3,
      hash: { ...startDigest('sha256'), update: () => void order.push('hash') },
      sink: async () => {
        order.push('write begins');
        await Promise.resolve();
        order.push('write ends');
      },
    });
    expect(order).toEqual(['write begins', 'hash', 'write ends']);
  });
});

describe('a slow sink', () => {
  test('holds the source back at two waiting batches and gets one batch at a time', async () => {
    const source = new PassThrough({ highWaterMark: 1000 });
    const gates: PromiseWithResolvers<void>[] = [];
    let running = 0;
    let total = 0;
    const receiving = receive(source, {
      position: 0,
      maxBytes: 1_000_000,
      batchBytes: 1000,
      sink: async (_, chunks) => {
        expect(++running).toBe(1);
        const gate = Promise.withResolvers<void>();
        gates.push(gate);
        await gate.promise;
        for (const chunk of chunks) total += chunk.byteLength;
        running--;
      },
    });
    let taken = 0;
    while (source.write(Buffer.alloc(500)) || !source.isPaused()) {
      taken += 500;
      await new Promise(setImmediate);
    }
    expect(taken).toBeLessThanOrEqual(6000);
    expect(gates.length).toBe(1);
    const offered = taken + 500;
    source.end();
    const openGates = async () => {
      for (let index = 0; ; index++) {
        await expect.poll(() => total === offered || gates.length > index).toBe(true);
        if (total === offered) return;
        gates[index]!.resolve();
      }
    };
    await openGates();
    expect(await receiving).toEqual({ received: offered, complete: true });
  });

  test('that throws ends the intake with its error and leaves the source alive', async () => {
    const source = new PassThrough();
    const full = new Error('disk full');
    let calls = 0;
    const receiving = receive(source, {
      position: 0,
      maxBytes: 1000,
      batchBytes: 10,
      sink: async () => {
        calls++;
        throw full;
      },
    });
    source.write(Buffer.alloc(10));
    source.write(Buffer.alloc(10));
    await expect(receiving).rejects.toBe(full);
    expect(calls).toBe(1);
    expect(source.destroyed).toBe(false);
    expect(source.isPaused()).toBe(true);
    expectNoListeners(source);
  });
});

describe('the limit of a body', () => {
  test('allows exactly so many bytes', async () => {
    const sink = memorySink();
    const source = Readable.from(pieces(Buffer.alloc(100), 33));
    expect(await receive(source, { position: 0, maxBytes: 100, sink: sink.write })).toEqual({
      received: 100,
      complete: true,
    });
  });

  test('refuses one byte more, and stops reading', async () => {
    const source = new PassThrough();
    const sink = memorySink();
    const receiving = receive(source, { position: 0, maxBytes: 100, sink: sink.write });
    source.write(Buffer.alloc(101));
    await expect(receiving).rejects.toMatchObject({ name: 'Fault', code: 'blob-too-large' });
    expect(sink.writes).toEqual([]);
    expect(source.isPaused()).toBe(true);
    expect(source.destroyed).toBe(false);
    expectNoListeners(source);
  });

  test('waits for the write in flight before it refuses', async () => {
    const source = new PassThrough();
    const gate = Promise.withResolvers<void>();
    let calls = 0;
    let ended = false;
    const sink = async () => {
      calls++;
      await gate.promise;
    };
    const receiving = receive(source, { position: 0, maxBytes: 100, batchBytes: 10, sink });
    const refused = Promise.allSettled([receiving]).finally(() => {
      ended = true;
    });
    source.write(Buffer.alloc(10));
    await expect.poll(() => calls).toBe(1);
    source.write(Buffer.alloc(91));
    await expect.poll(() => source.isPaused()).toBe(true);
    await new Promise(setImmediate);
    expect(ended).toBe(false);
    gate.resolve();
    expect(await refused).toMatchObject([{ status: 'rejected', reason: { code: 'blob-too-large' } }]);
    expect(calls).toBe(1);
  });
});

describe('a body that breaks off', () => {
  test('is written as far as it came, with a hash of just that', async () => {
    const source = new PassThrough();
    const sink = memorySink();
    const hash = startDigest('sha256');
    const receiving = receive(source, { position: 7, maxBytes: 100, hash, sink: sink.write });
    source.write('abc');
    await new Promise(setImmediate);
    const gone = new Error('gone');
    source.destroy(gone);
    expect(await receiving).toEqual({ received: 3, complete: false, error: gone });
    expect(sink.content(7).toString()).toBe('abc');
    expect(hash.digest()).toBe(digestOf(Buffer.from('abc')));
    expectNoListeners(source);
  });

  test('by a close without an error is not complete', async () => {
    const source = new PassThrough();
    const receiving = receive(source, { position: 0, maxBytes: 100, sink: memorySink().write });
    source.destroy();
    expect(await receiving).toEqual({ received: 0, complete: false, error: undefined });
  });

  test('before the intake began is not complete', async () => {
    const source = new PassThrough();
    source.destroy();
    await once(source, 'close');
    expect(await receive(source, { position: 0, maxBytes: 9, sink: memorySink().write })).toMatchObject({
      complete: false,
    });
  });

  test('by a signal is written as far as it came', async () => {
    const source = new PassThrough();
    const sink = memorySink();
    const stop = new AbortController();
    const receiving = receive(source, { position: 0, maxBytes: 100, sink: sink.write, signal: stop.signal });
    source.write('abc');
    await new Promise(setImmediate);
    stop.abort('draining');
    expect(await receiving).toEqual({ received: 3, complete: false, error: 'draining' });
    expect(source.destroyed).toBe(false);
    expectNoListeners(source);
  });

  test('by an earlier signal takes nothing', async () => {
    const source = Readable.from([Buffer.from('abc')]);
    const signal = AbortSignal.abort('stopped');
    expect(await receive(source, { position: 0, maxBytes: 9, sink: memorySink().write, signal })).toEqual({
      received: 0,
      complete: false,
      error: 'stopped',
    });
  });
});

describe('over HTTP', () => {
  test('receives a chunked upload', async () => {
    const content = randomBytes(3_000_000);
    const sink = memorySink();
    const hash = startDigest('sha256');
    await using server = await serve((body) =>
      receive(body, { position: 0, maxBytes: content.length, hash, sink: sink.write }),
    );
    const upload = request({ port: server.port, method: 'PUT', agent: false });
    for (const piece of pieces(content, 50_000)) upload.write(piece);
    upload.end();
    await once(upload, 'response');
    expect(await server.outcome).toEqual({ received: content.length, complete: true });
    expect(hash.digest()).toBe(digestOf(content));
    expect(Buffer.compare(sink.content(0), content)).toBe(0);
  });

  test('keeps what came from a client that went away', async () => {
    const sink = memorySink();
    await using server = await serve((body) =>
      receive(body, { position: 0, maxBytes: 1 << 20, batchBytes: 1000, sink: sink.write }),
    );
    const upload = request({ port: server.port, method: 'PUT', agent: false, headers: { 'content-length': 10_000 } });
    upload.on('error', () => undefined);
    upload.write(Buffer.alloc(2500, 'x'));
    await expect.poll(() => sink.writes.length).toBeGreaterThan(0);
    upload.destroy();
    const outcome = await server.outcome;
    expect(outcome).toMatchObject({ complete: false, error: { code: 'ECONNRESET' } });
    expect(sink.content(0).length).toBe(outcome.received);
  });
});

function memorySink() {
  const writes: { position: number; bytes: number; chunks: number; content: Buffer }[] = [];
  return {
    writes,
    write: async (position: number, chunks: readonly Uint8Array[]) => {
      await new Promise(setImmediate);
      const content = Buffer.concat(chunks);
      writes.push({ position, bytes: content.length, chunks: chunks.length, content });
    },
    /** All that was written, checked to be without gaps from `start`. */
    content(start: number): Buffer {
      let at = start;
      for (const each of writes) {
        expect(each.position).toBe(at);
        at += each.bytes;
      }
      return Buffer.concat(writes.map((each) => each.content));
    },
  };
}

function* pieces(content: Buffer, length: number): Generator<Buffer> {
  for (let at = 0; at < content.length; at += length) yield content.subarray(at, at + length);
}

function expectNoListeners(source: Readable): void {
  expect(['data', 'error', 'close'].filter((event) => source.listenerCount(event) > 0)).toEqual([]);
}

/** A server whose single request is handed to `take`. */
async function serve<T>(take: (body: IncomingMessage) => Promise<T>) {
  const outcome = Promise.withResolvers<T>();
  const server = createServer((body, response) => {
    take(body)
      .then(outcome.resolve, outcome.reject)
      .finally(() => response.end());
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
