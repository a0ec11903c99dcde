import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { basic } from './_client.ts';
import { digestOf, openUpload, pushBlob } from './_content.ts';
import { exchangeRaw, rawConnection } from './_raw.ts';
import { type Berth, startBerth } from './_server.ts';

const repository = 'team/wire';
const slowClientMs = 1000;

let berth: Berth;
let authorization: string;
beforeAll(async () => {
  berth = await startBerth(
    '--limits-slow-client',
    `${slowClientMs}ms`,
    '--limits-header-bytes',
    '16KiB',
    '--limits-layer-bytes',
    '1MiB',
  );
  authorization = `Authorization: ${basic(berth.username, berth.password)}\r\n`;
});
afterAll(() => berth[Symbol.asyncDispose]());

const head = (line: string, ...fields: string[]) =>
  `${line} HTTP/1.1\r\nHost: ${berth.address}\r\n${fields.map((field) => `${field}\r\n`).join('')}`;
const statusOf = (answer: string) => Number(/^HTTP\/1\.1 (\d{3})/.exec(answer)?.[1]);

describe('Expect: 100-continue', () => {
  it('is answered before the body is read, and the upload succeeds', async () => {
    const path = `/v2/${repository}/blobs/uploads/?digest=${digestOf('twelve bytes')}`;
    using connection = await rawConnection(berth.address);
    connection.write(
      `${head(`POST ${path}`, 'Content-Length: 12', 'Expect: 100-continue', 'Connection: close')}${authorization}\r\n`,
    );
    await connection.until('HTTP/1.1 100 Continue\r\n\r\n');
    connection.write('twelve bytes');
    expect(await connection.toEnd()).toContain('HTTP/1.1 201 Created');
  });

  it.each([
    ['nobody may push', (path: string) => path, 5, '', 401],
    ['the blob would be too large', (path: string) => `${path}?digest=${digestOf('x')}`, 2_000_000, 'admin', 413],
    ['the digest is none', (path: string) => `${path}?digest=none`, 5, 'admin', 400],
    ['the upload is unknown', (path: string) => `${path}${'0'.repeat(36)}`, 5, 'admin', 404],
  ])('is refused at once when %s', async (_, pathOf, length, who, status) => {
    const path = pathOf(`/v2/${repository}/blobs/uploads/`);
    const method = status === 404 ? 'PATCH' : 'POST';
    const fields = [`Content-Length: ${length}`, 'Expect: 100-continue'];
    const answer = await exchangeRaw(
      berth.address,
      `${head(`${method} ${path}`, ...fields)}${who === '' ? '' : authorization}\r\n`,
    );
    expect(statusOf(answer)).toBe(status);
    expect(answer).not.toContain('100 Continue');
  });

  it('of something else is 417', async () => {
    using connection = await rawConnection(berth.address);
    connection.write(`${head('GET /v2/', 'Expect: a-miracle')}\r\n`);
    expect(statusOf(await connection.until('\r\n\r\n'))).toBe(417);
  });
});

describe('a refusal while the body still comes', () => {
  it('reaches the client, which goes on sending for a while', async () => {
    using connection = await rawConnection(berth.address);
    connection.write(
      `${head(`POST /v2/${repository}/blobs/uploads/?digest=${digestOf('x')}`, 'Content-Length: 900000')}\r\n`,
    );
    connection.write(Buffer.alloc(300_000));
    const answer = await connection.until('authentication required');
    expect(statusOf(answer)).toBe(401);
    expect(answer.toLowerCase()).toContain('connection: close');
    connection.write(Buffer.alloc(600_000));
    expect(statusOf(await connection.toEnd())).toBe(401);
  });
});

describe('a request head', () => {
  it('that is too large is 431', async () => {
    const answer = await exchangeRaw(berth.address, `${head('GET /v2/', `X-Long: ${'x'.repeat(17_000)}`)}\r\n`);
    expect(statusOf(answer)).toBe(431);
    expect(answer).toContain('"errors":[{');
  });

  it('may be as large as a token with many groups needs', async () => {
    const answer = await berth.nobody('GET', '/v2/', { headers: { authorization: `Bearer ${'x'.repeat(15_000)}` } });
    expect(answer.status).toBe(401);
  });

  it('of 10 MB is refused without being taken in (S1)', async () => {
    using connection = await rawConnection(berth.address);
    connection.write(`${head('GET /v2/')}Authorization: Bearer `);
    connection.write(Buffer.alloc(10_000_000, 'x'));
    expect(statusOf(await connection.toEnd())).toBe(431);
    expect((await berth.admin('GET', '/v2/')).status).toBe(200);
  });

  it.each([
    ['no HTTP', 'hello\r\n\r\n'],
    ['a header without a colon', 'GET /v2/ HTTP/1.1\r\nHost: x\r\nbroken\r\n\r\n'],
    ['a blank before the colon', 'GET /v2/ HTTP/1.1\r\nHost: x\r\nContent-Length : 0\r\n\r\n'],
    ['two lengths', 'POST /v2/ HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab'],
    [
      'length and chunks',
      'POST /v2/ HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
    ],
    ['a negative length', 'POST /v2/ HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n'],
    ['no Host', 'GET /v2/ HTTP/1.1\r\n\r\n'],
    ['a control character in a header', 'GET /v2/ HTTP/1.1\r\nHost: x\r\nX: a\u0000b\r\n\r\n'],
    ['TLS', '\u0016\u0003\u0001\u0002\u0000\u0001\u0000\u0001'],
  ])('with %s is 400', async (_, text) => {
    expect(statusOf(await exchangeRaw(berth.address, Buffer.from(text, 'latin1')))).toBe(400);
  });

  it('with a Host that is no host never shows it in the challenge', async () => {
    for (const host of ['a"b', 'a b', 'x,y', 'evil.example/path', 'a\\b']) {
      const answer = await exchangeRaw(
        berth.address,
        `GET /v2/ HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`,
      );
      expect([400, 401]).toContain(statusOf(answer));
      expect(answer).not.toContain(host);
    }
  });
});

describe('a client that stops', () => {
  const endsInTime = async (...parts: string[]): Promise<string> => {
    using connection = await rawConnection(berth.address);
    const started = performance.now();
    for (const part of parts) connection.write(part);
    const seen = await connection.toEnd();
    const took = performance.now() - started;
    expect(took).toBeGreaterThan(slowClientMs * 0.8);
    expect(took).toBeLessThan(slowClientMs + 8_000);
    return seen;
  };

  it('in the middle of a request head is let go', async () => {
    const seen = await endsInTime('GET /v2/ HTTP/1.1\r\nHost: x\r\nAuthori');
    expect(seen === '' || statusOf(seen) === 408).toBe(true);
  });

  it('before it said anything is let go', async () => {
    expect(statusOf(await endsInTime('')) || 408).toBe(408);
  });

  it('in the middle of a manifest is let go, and nothing is stored', async () => {
    const line = `PUT /v2/${repository}/manifests/half`;
    await endsInTime(`${head(line, 'Content-Length: 1000')}${authorization}\r\n`, '{"schemaVersion":2');
    expect((await berth.admin('GET', `/v2/${repository}/manifests/half`)).status).toBe(404);
  });

  it('in the middle of a chunk is let go, and can go on where it stopped', async () => {
    const location = await openUpload(berth.admin, repository);
    await endsInTime(`${head(`PATCH ${location}`, 'Content-Length: 1000')}${authorization}\r\n`, '0123456789');
    await expect.poll(async () => (await berth.admin('GET', location)).headers['range']).toBe('0-9');
    const digest = digestOf('0123456789ab');
    const put = await berth.admin('PUT', `${location}?digest=${digest}`, {
      body: 'ab',
      headers: { 'content-range': '10-11' },
    });
    expect(put.status).toBe(201);
  });

  it('reading a large blob is let go', async () => {
    const large = Buffer.alloc(1_000_000, 7);
    await pushBlob(berth.admin, repository, large);
    using connection = await rawConnection(berth.address);
    connection.socket.pause();
    // Asked several times on one connection, so that no buffer on the way holds everything.
    const ask = `${head(`GET /v2/${repository}/blobs/${digestOf(large)}`)}${authorization}\r\n`;
    connection.write(ask.repeat(60));
    const inFlight = async () => Number((await berth.operator('GET', '/status'))['inFlight']);
    await expect.poll(inFlight).toBeGreaterThan(0);
    await expect.poll(inFlight, { timeout: slowClientMs + 8_000 }).toBe(0);
  });
});
