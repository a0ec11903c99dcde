import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { request } from 'node:http';
import { request as requestTls } from 'node:https';
import { connect, createServer, type Socket } from 'node:net';
import { join } from 'node:path';
import { connect as connectTls } from 'node:tls';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { basic, bodyOf, digestOf } from './_client.ts';
import { openScratch, startServer, until } from './_program.ts';

const hasCurl = spawnSync('curl', ['--version']).status === 0;

let world: Awaited<ReturnType<typeof startServer>>;
let ca: string;
beforeAll(async () => {
  world = await startServer();
  ca = await readFile(world.ready.caFile, 'utf8');
});
afterAll(() => world[Symbol.asyncDispose]());

type World = typeof world;
const proxyPort = (of: World = world) => Number(new URL(String(of.ready.endpoints.proxy)).port);
const host = (of: World = world) => new URL(of.ready.endpoints.registry).hostname;

/** A tunnel through the proxy; rejects with the status line of a refusal. */
async function tunnel(authority: string, of: World = world): Promise<Socket> {
  const asked = request({ host: '127.0.0.1', port: proxyPort(of), method: 'CONNECT', path: authority, agent: false });
  asked.end();
  const [response, socket] = (await once(asked, 'connect')) as [{ statusCode: number; statusMessage: string }, Socket];
  if (response.statusCode === 200) return socket;
  socket.destroy();
  throw new Error(`${response.statusCode} ${response.statusMessage}`);
}

/** TLS to a host of Berth through the proxy, verified against its authority. */
async function secured(name: string, authority = `${name}:443`, of: World = world) {
  const roots = of === world ? ca : await readFile(of.ready.caFile, 'utf8');
  const socket = connectTls({ socket: await tunnel(authority, of), servername: name, ca: roots });
  await once(socket, 'secureConnect');
  return socket;
}

describe('the proxy', () => {
  test.each(['443', 'the port of the listener'])('leads to the registry at %s', async (port) => {
    const number = port === '443' ? port : new URL(world.ready.endpoints.registry).port;
    const socket = await secured(host(), `${host()}:${number}`);
    const asked = requestTls({
      createConnection: () => socket,
      path: '/v2/',
      headers: { host: host(), authorization: basic(world.username, world.password) },
    });
    asked.end();
    const [response] = await once(asked, 'response');
    await bodyOf(response);
    expect(response.statusCode).toBe(200);
    socket.destroy();
  });

  test.runIf(hasCurl)('serves curl where no resolver knows the name', async () => {
    const args = ['--silent', '--show-error', '--cacert', world.ready.caFile, '--output', '/dev/null'];
    const auth = ['--user', `${world.username}:${world.password}`, '--write-out', '%{http_code} %{http_connect}'];
    const ask = (url: string) =>
      world.start('curl', [...args, ...auth, '--proxy', String(world.ready.endpoints.proxy), url]);
    const served = ask(`https://${host()}/v2/`);
    expect(await served.exit).toMatchObject({ code: 0 });
    expect(served.stdout()).toBe('200 200');
    const elsewhere = ask('https://example.com/');
    expect(await elsewhere.exit).not.toMatchObject({ code: 0 });
    expect(elsewhere.stdout()).toBe('000 403');
  });

  test('takes the first bytes of TLS in one packet with the request', async () => {
    const hello = await clientHello(host());
    const socket = connect(proxyPort(), '127.0.0.1');
    socket.write(Buffer.concat([Buffer.from(`CONNECT ${host()}:443 HTTP/1.1\r\nHost: ${host()}:443\r\n\r\n`), hello]));
    let heard = Buffer.alloc(0);
    socket.on('data', (chunk) => (heard = Buffer.concat([heard, chunk])));
    const answer = await until('the answer of TLS', () => {
      const end = heard.indexOf('\r\n\r\n');
      return end > 0 && heard.length > end + 10 ? heard.subarray(end + 4) : undefined;
    });
    // A handshake record with a ServerHello.
    expect([answer[0], answer[5]]).toEqual([22, 2]);
    socket.destroy();
  });

  test('a registry that does not exist is refused by TLS, as it is without the proxy', async () => {
    await expect(secured('unknown.berth.localhost')).rejects.toThrow(/handshake|alert|disconnected|ECONNRESET/i);
  });

  test('dials nobody, whatever it is asked for', async () => {
    const visitors: Socket[] = [];
    const bystander = createServer((socket) => visitors.push(socket));
    bystander.listen(0, '127.0.0.1');
    await once(bystander, 'listening');
    const { port } = bystander.address() as { port: number };
    for (const authority of [`127.0.0.1:${port}`, `localhost:${port}`, `[::1]:${port}`, `${host()}:${port}`]) {
      await expect(tunnel(authority)).rejects.toThrow(/^403 this proxy leads to /);
    }
    const plain = new URL(`http://${world.ready.loginServer}`).port;
    await expect(tunnel(`127.0.0.1:${plain}`)).rejects.toThrow(/^403 this proxy leads to /);
    expect(visitors).toEqual([]);
    bystander.close();
  });

  test('is named by berth status and in run.json', async () => {
    const status = await world.berth(['status', '--data', world.data, '--json']);
    expect(JSON.parse(status.stdout)).toMatchObject({ endpoints: { proxy: world.ready.endpoints.proxy } });
    const run = JSON.parse(await readFile(join(world.data, 'run.json'), 'utf8')) as { endpoints: object };
    expect(run.endpoints).toMatchObject({ proxy: [world.ready.endpoints.proxy] });
  });
});

describe('a stop', () => {
  test('lets a request in a tunnel finish, and ends the tunnels that carry none', async () => {
    await using own = await startServer();
    const idle = await secured(host(own), undefined, own);
    const idleClosed = once(idle, 'close');
    idle.on('error', () => undefined);
    const busy = await secured(host(own), undefined, own);
    const authorization = basic(own.username, own.password);
    const asked = requestTls({
      createConnection: () => busy,
      method: 'POST',
      path: `/v2/drain/blobs/uploads/?digest=${digestOf(Buffer.from('hello'))}`,
      headers: { host: host(own), authorization, 'content-length': '5' },
    });
    const answered = once(asked, 'response');
    asked.write('hel');
    await until('the upload under way', async () => {
      const status = await own.berth(['status', '--data', own.data, '--json']);
      return (JSON.parse(status.stdout) as { inFlight: number }).inFlight === 1 ? true : undefined;
    });
    const ended = own.server.stop();
    await until('the drain', () => (own.server.stderr().includes('"draining"') ? true : undefined));
    asked.end('lo');
    const [response] = await answered;
    await bodyOf(response);
    expect(response.statusCode).toBe(201);
    expect(await ended).toEqual({ code: 0, signal: null });
    await idleClosed;
    busy.destroy();
  });
});

describe('proxy.listen', () => {
  test('is off without a TLS listener, and refused when it was asked for then', async () => {
    await using scratch = await openScratch();
    const ready = await scratch.up(['--http', '127.0.0.1:0', '--https', 'off']).ready();
    expect(ready.endpoints).not.toHaveProperty('proxy');
    const args = ['--http', '127.0.0.1:0', '--https', 'off', '--proxy-listen', '127.0.0.1:0'];
    const refused = await scratch.berth(['up', '--data', `${scratch.data}2`, ...args]);
    expect(refused).toMatchObject({ code: 1, stderr: expect.stringContaining('https.listen is off') });
  });

  test('takes addresses of this machine only', async () => {
    await using scratch = await openScratch();
    const refused = await scratch.berth(['up', '--data', scratch.data, '--proxy-listen', '0.0.0.0:0']);
    expect(refused).toMatchObject({ code: 1, stderr: expect.stringContaining('is not a loopback address') });
  });

  test('moves to another port by default, and does not when it was asked for', async () => {
    await using scratch = await openScratch();
    const ports = ['--http', '127.0.0.1:0', '--https', '127.0.0.1:0'];
    const first = await scratch.up(ports).ready();
    const taken = String(first.endpoints.proxy).replace('http://', '');
    const second = await scratch.up([...ports, '--data', `${scratch.data}2`]).ready();
    expect(second.endpoints.proxy).toMatch(/^http:\/\/127\.0\.0\.1:[0-9]+$/);
    expect(second.endpoints.proxy).not.toBe(first.endpoints.proxy);
    const refused = await scratch.berth(['up', '--data', `${scratch.data}3`, ...ports, '--proxy-listen', taken]);
    expect(refused).toMatchObject({ code: 1, stderr: expect.stringContaining('(proxy.listen)') });
  });
});

/** The first flight of a TLS client that asks for `name`. */
async function clientHello(name: string): Promise<Buffer> {
  const listener = createServer();
  listener.listen(0, '127.0.0.1');
  await once(listener, 'listening');
  const client = connectTls({
    host: '127.0.0.1',
    port: (listener.address() as { port: number }).port,
    servername: name,
  });
  client.on('error', () => undefined);
  const [peer] = (await once(listener, 'connection')) as [Socket];
  const [hello] = (await once(peer, 'data')) as [Buffer];
  client.destroy();
  peer.destroy();
  listener.close();
  return hello;
}
