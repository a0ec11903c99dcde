import { readFileSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { connect as secure } from 'node:tls';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { basic } from './_client.ts';
import { digestOf, pushImage } from './_content.ts';
import { exchangeRaw, rawConnection } from './_raw.ts';
import { type Berth, startBerth } from './_server.ts';

const slowClientMs = 1000;
/** How long the server may take to notice: it looks every five seconds. */
const noticedMs = slowClientMs + 9_000;

const headOf = (address: string, line: string, ...fields: string[]) =>
  `${line} HTTP/1.1\r\nHost: ${address}\r\n${fields.map((field) => `${field}\r\n`).join('')}\r\n`;
const statusOf = (answer: string) => Number(/^HTTP\/1\.1 (\d{3})/.exec(answer)?.[1]);
const portOf = (loginServer: string) => loginServer.split(':')[1] ?? '443';

/** Sends `begin`, then one of `drops` every 100 ms, until the server ends it; answers what came and after how long. */
async function trickle(address: string, begin: string, drops: () => string): Promise<{ seen: string; ms: number }> {
  using connection = await rawConnection(address);
  const started = performance.now();
  connection.write(begin);
  const timer = setInterval(() => connection.write(drops()), 100);
  try {
    return { seen: await connection.toEnd(), ms: performance.now() - started };
  } finally {
    clearInterval(timer);
  }
}

async function memoryOf(berth: Berth): Promise<number> {
  const { pid } = await berth.operator('GET', '/status');
  const [, kib = '0'] = /^VmRSS:\s+([0-9]+) kB$/m.exec(readFileSync(`/proc/${String(pid)}/status`, 'utf8')) ?? [];
  return Number(kib) * 1024;
}

const mebibytes = (bytes: number) => `${(bytes / 2 ** 20).toFixed(1)} MiB`;

describe('a client that trickles', () => {
  let berth: Berth;
  let authorization: string;
  beforeAll(async () => {
    berth = await startBerth('--limits-slow-client', `${slowClientMs}ms`);
    authorization = `Authorization: ${basic(berth.username, berth.password)}`;
  });
  afterAll(() => berth[Symbol.asyncDispose]());

  it('its request head is let go', async () => {
    const { seen, ms } = await trickle(berth.address, 'GET /v2/ HTTP/1.1\r\nHost: x\r\n', () => 'X-Drop: 1\r\n');
    expect(statusOf(seen)).toBe(408);
    expect(ms).toBeLessThan(noticedMs);
  });

  it.each([
    ['an upload', () => [`POST /v2/slow/app/blobs/uploads/?digest=${digestOf('x')}`, authorization]],
    ['a manifest', () => ['PUT /v2/slow/app/manifests/v1', authorization]],
    ['a form, before anybody signed in', () => ['POST /oauth2/token']],
  ])('the body of %s is let go, though no silence is long', async (_, of) => {
    const [line = '', ...fields] = of();
    const head = headOf(berth.address, line, 'Content-Length: 4000', ...fields);
    expect((await trickle(berth.address, head, () => 'x')).ms).toBeLessThan(noticedMs);
    const chunked = headOf(berth.address, line, 'Transfer-Encoding: chunked', ...fields);
    expect((await trickle(berth.address, chunked, () => '1\r\nx\r\n')).ms).toBeLessThan(noticedMs);
  });

  it.each(['plain', 'TLS'])('no faster than a slow line is served all the same: %s', async (kind) => {
    const part = 'y'.repeat(100);
    const body = `${kind}${part.repeat(40)}`;
    const [name = ''] = berth.loginServer.split(':');
    const [host = '', port = ''] = berth.address.split(':');
    const socket =
      kind === 'TLS'
        ? secure({ host, port: Number(portOf(berth.loginServer)), servername: name, ca: readFileSync(berth.caFile) })
        : connect(Number(port), host);
    let seen = '';
    socket.setEncoding('latin1').on('data', (text: string) => (seen += text));
    try {
      const line = `POST /v2/slow/app/blobs/uploads/?digest=${digestOf(body)}`;
      const address = kind === 'TLS' ? berth.loginServer : berth.address;
      socket.write(headOf(address, line, `Content-Length: ${body.length}`, authorization));
      // A thousand bytes a second for four windows.
      let sent = kind.length;
      socket.write(kind);
      await new Promise<void>((resolve) => {
        const timer = setInterval(() => {
          socket.write(part);
          sent += part.length;
          if (sent < body.length) return;
          clearInterval(timer);
          resolve();
        }, 100);
      });
      await expect.poll(() => statusOf(seen)).toBe(201);
    } finally {
      socket.destroy();
    }
  });

  it('its TLS handshake is let go', async () => {
    // The head of a record that announces a ClientHello of 512 bytes.
    const hello = Buffer.from([0x16, 0x03, 0x01, 0x02, 0x00, 0x01, 0x00, 0x01, 0xfc, 0x03, 0x03]).toString('latin1');
    const address = `127.0.0.1:${portOf(berth.loginServer)}`;
    expect((await trickle(address, hello, () => 'x')).ms).toBeLessThan(noticedMs);
    using silent = await rawConnection(address);
    const started = performance.now();
    await silent.toEnd();
    expect(performance.now() - started).toBeLessThan(noticedMs);
  });
});

describe('a request head', () => {
  let berth: Berth;
  beforeAll(async () => {
    berth = await startBerth();
  });
  afterAll(() => berth[Symbol.asyncDispose]());

  it.each([
    ['of ten million bytes in one field', () => `X: ${'a'.repeat(10_000_000)}\r\n`],
    ['of a hundred thousand lines', () => 'a: b\r\n'.repeat(100_000)],
    ['of more lines than any client sends', () => 'a: b\r\n'.repeat(300)],
    ['with a path of a million characters', () => ''],
  ])('%s is 431, and costs no memory', async (name, fields) => {
    const before = await memoryOf(berth);
    const path = name.includes('path') ? `/v2/${'a'.repeat(1_000_000)}` : '/v2/';
    const answer = await exchangeRaw(berth.address, `GET ${path} HTTP/1.1\r\nHost: x\r\n${fields()}\r\n`);
    // What the server did not read any more makes the system reset the connection, which may overtake the answer.
    expect(answer === '' || statusOf(answer) === 431, answer).toBe(true);
    expect((await memoryOf(berth)) - before).toBeLessThan(64 * 2 ** 20);
  });

  it('of as many lines as proxies may add is served', async () => {
    const head = headOf(berth.address, 'GET /v2/', 'Connection: close', ...Array.from({ length: 200 }, () => 'a: b'));
    expect(statusOf(await exchangeRaw(berth.address, head))).toBe(401);
  });

  it('that asks again and again without reading the answers does not pile up work', async () => {
    await pushImage(berth.admin, 'flood/app', 'v1', 'flood');
    const authorization = `Authorization: ${basic(berth.username, berth.password)}`;
    const one = headOf(berth.address, 'GET /v2/flood/app/manifests/v1', authorization);
    const before = await memoryOf(berth);
    using connection = await rawConnection(berth.address);
    connection.socket.pause();
    connection.write(one.repeat(20_000));
    let most = 0;
    for (let sample = 0; sample < 20; sample++) {
      most = Math.max(most, Number((await berth.operator('GET', '/status'))['inFlight']));
      expect((await berth.admin('GET', '/v2/flood/app/manifests/v1')).status).toBe(200);
    }
    const grown = (await memoryOf(berth)) - before;
    console.log(`20,000 pipelined requests: at most ${most} in flight, memory grew by ${mebibytes(grown)}`);
    expect(most).toBeLessThanOrEqual(70);
    expect(grown).toBeLessThan(128 * 2 ** 20);
  });
});

describe('connections', () => {
  it('beyond the bound are closed at once, and there is room again when one ends', async () => {
    await using berth = await startBerth('--limits-connections', '20');
    const held = await Promise.all(Array.from({ length: 20 }, () => rawConnection(berth.address)));
    // A connection that is closed at once may be reset before it is seen to stand.
    const ask = () =>
      exchangeRaw(berth.address, headOf(berth.address, 'GET /v2/', 'Connection: close')).catch(() => '');
    expect(await ask()).toBe('');
    held.pop()?.socket.destroy();
    await expect.poll(async () => statusOf(await ask())).toBe(401);
    for (const connection of held) connection.socket.destroy();
  });

  const count = 9_900;
  const [, hard = '0'] = /^Max open files\s+\S+\s+(\S+)/m.exec(readFileSync('/proc/self/limits', 'utf8')) ?? [];
  const enough = hard === 'unlimited' || Number(hard) > count + 500;
  if (!enough) console.log(`skipped ${count} idle connections: a process may open ${hard} files here`);

  it.skipIf(!enough)(
    `of which ${count} are idle cost little, leave others their answers, and are let go`,
    async () => {
      // Node raises its own limit on files as far as the system lets it.
      await using berth = await startBerth('--limits-slow-client', '20s');
      for (let warm = 0; warm < 200; warm++) await berth.admin('GET', '/v2/');
      const before = await memoryOf(berth);
      const idle: Socket[] = [];
      let ended = 0;
      for (let batch = 0; batch < count; batch += 100) {
        const made = Array.from(
          { length: 100 },
          () =>
            new Promise<Socket>((resolve, reject) => {
              const [host = '', port = ''] = berth.address.split(':');
              const socket = connect(Number(port), host, () => resolve(socket));
              socket
                .on('error', reject)
                .on('close', () => ended++)
                .resume();
            }),
        );
        idle.push(...(await Promise.all(made)));
      }
      const grown = (await memoryOf(berth)) - before;
      const times: number[] = [];
      for (let asked = 0; asked < 200; asked++) {
        const started = performance.now();
        expect((await berth.admin('GET', '/v2/')).status).toBe(200);
        times.push(performance.now() - started);
      }
      times.sort((left, right) => left - right);
      const [median = 0, slow = 0] = [times[100], times[198]];
      console.log(
        `${idle.length - ended} idle connections: memory grew by ${mebibytes(grown)}, a request took ${median.toFixed(1)} ms, 99 in 100 below ${slow.toFixed(1)} ms`,
      );
      expect(grown).toBeLessThan(count * 32 * 1024);
      expect(slow).toBeLessThan(500);
      await expect.poll(() => ended, { timeout: 40_000, interval: 200 }).toBe(count);
    },
    120_000,
  );
});
