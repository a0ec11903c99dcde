import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { describe, expect, test } from 'vitest';
import { type ConnectProxyLimits, listenAsProxy } from './connect-proxy.ts';

const usual: ConnectProxyLimits = { maxHeaderBytes: 8192, headersTimeoutMs: 20_000, maxConnections: 100 };
const established = 'HTTP/1.1 200 Connection established\r\n\r\n';

/** A proxy whose tunnels end in a listener that answers every chunk with itself, in capitals. */
async function openProxy(limits: Partial<ConnectProxyLimits> = {}) {
  const adopted: Socket[] = [];
  const proxy = await listenAsProxy({
    where: { host: '127.0.0.1', port: 0 },
    domain: 'berth.localhost',
    ports: [443],
    limits: { ...usual, ...limits },
    adopt(connection) {
      adopted.push(connection);
      connection.on('data', (chunk: Buffer) => connection.write(chunk.toString('latin1').toUpperCase()));
      connection.on('end', () => connection.end());
    },
  });
  const clients: Client[] = [];
  return {
    proxy,
    adopted,
    async client(text: string): Promise<Client> {
      const made = await openClient(proxy.port, text);
      clients.push(made);
      return made;
    },
    async [Symbol.asyncDispose]() {
      for (const { socket } of clients) socket.destroy();
      await proxy.close();
    },
  };
}

interface Client {
  readonly socket: Socket;
  read(): string;
  /** Waits until this has arrived. */
  sees(text: string): Promise<void>;
  /** Waits until the proxy has ended the connection; everything that it said. */
  ended(): Promise<string>;
}

async function openClient(port: number, text: string, options = { allowHalfOpen: false }): Promise<Client> {
  const socket = connect({ port, host: '127.0.0.1', ...options });
  let heard = '';
  socket.setEncoding('latin1').on('data', (chunk: string) => (heard += chunk));
  socket.on('error', () => undefined);
  const closed = once(socket, 'close');
  socket.write(text);
  return {
    socket,
    read: () => heard,
    async sees(wanted) {
      while (!heard.includes(wanted)) await once(socket, 'data', { signal: AbortSignal.timeout(10_000) });
    },
    async ended() {
      await closed;
      return heard;
    },
  };
}

/** A request head. */
function head(...lines: string[]): string {
  return `${lines.join('\r\n')}\r\n\r\n`;
}

const connectHead = head('CONNECT team.berth.localhost:443 HTTP/1.1', 'Host: team.berth.localhost:443');

describe('a CONNECT to a host of Berth', () => {
  test('hands the connection to the listener of this process', async () => {
    await using world = await openProxy();
    const client = await world.client(connectHead);
    await client.sees(established);
    client.socket.write('hello');
    await client.sees('HELLO');
    expect(world.adopted).toHaveLength(1);
  });

  test('loses nothing of what the client sent in one packet with it', async () => {
    await using world = await openProxy();
    const client = await world.client(`${connectHead}early`);
    await client.sees('EARLY');
    expect(client.read()).toBe(`${established}EARLY`);
  });

  test.each(['closes', 'resets'])('is forgotten when the client %s it', async (how) => {
    await using world = await openProxy();
    const client = await world.client(connectHead);
    await client.sees(established);
    expect(world.proxy.connections()).toBe(1);
    const closed = new Promise((resolve) => world.adopted[0]?.once('close', resolve));
    if (how === 'closes') client.socket.end();
    else client.socket.resetAndDestroy();
    await closed;
    expect(world.proxy.connections()).toBe(0);
  });
});

describe('anything else', () => {
  test.each(['example.com:443', '[::1]:443', '127.0.0.1:22', 'team.berth.localhost:22', '169.254.169.254:80'])(
    'CONNECT %s is refused with the reason on the status line',
    async (authority) => {
      await using world = await openProxy();
      const client = await world.client(`${head(`CONNECT ${authority} HTTP/1.1`, `Host: ${authority}`)}GET / HTTP/1.1`);
      const heard = await client.ended();
      expect(heard).toMatch(/^HTTP\/1\.1 403 this proxy leads to /);
      expect(world.adopted).toEqual([]);
      await expect.poll(() => world.proxy.connections()).toBe(0);
    },
  );

  test.each(['GET http://team.berth.localhost/v2/ HTTP/1.1', 'POST / HTTP/1.1', 'OPTIONS * HTTP/1.1'])(
    '%s is refused',
    async (line) => {
      await using world = await openProxy();
      const client = await world.client(head(line, 'Host: team.berth.localhost', 'Content-Length: 0'));
      const heard = await client.ended();
      expect(heard).toMatch(/^HTTP\/1\.1 405 CONNECT only\r\nallow: CONNECT\r\n/);
      expect(heard).toContain('give it to clients as HTTPS_PROXY');
      expect(world.adopted).toEqual([]);
    },
  );

  test('an upgrade is no way around it', async () => {
    await using world = await openProxy();
    const client = await world.client(
      head('GET / HTTP/1.1', 'Host: team.berth.localhost', 'Connection: upgrade', 'Upgrade: websocket'),
    );
    expect(await client.ended()).toMatch(/^HTTP\/1\.1 405 /);
  });

  test('what is not HTTP is refused', async () => {
    await using world = await openProxy();
    const client = await world.client('\x16\x03\x01\x02\x00\x01\x00\x01');
    expect(await client.ended()).toMatch(/^HTTP\/1\.1 400 /);
  });
});

describe('the bounds of the proxy', () => {
  test('a head that is too large is refused', async () => {
    await using world = await openProxy();
    const client = await world.client(connectHead.replace('\r\n\r\n', `\r\nX-Long: ${'x'.repeat(9000)}\r\n\r\n`));
    expect(await client.ended()).toMatch(/^HTTP\/1\.1 431 /);
    expect(world.adopted).toEqual([]);
  });

  test.each([
    ['nothing at all', ''],
    ['half a head', 'CONNECT team.berth.localhost:443 HTTP/1.1\r\nHost: te'],
  ])('a client that sends %s is not waited for', async (_what, text) => {
    await using world = await openProxy({ headersTimeoutMs: 50 });
    const client = await world.client(text);
    expect(await client.ended()).toMatch(/^(?:HTTP\/1\.1 408 |$)/);
    await expect.poll(() => world.proxy.connections()).toBe(0);
  });

  test('a refused client that stays is ended', async () => {
    await using world = await openProxy({ headersTimeoutMs: 50 });
    const request = head('CONNECT example.com:443 HTTP/1.1', 'Host: example.com');
    const client = await openClient(world.proxy.port, request, { allowHalfOpen: true });
    await client.sees('403');
    // Its half stays open until the proxy has enough of it.
    expect(world.proxy.connections()).toBe(1);
    await expect.poll(() => world.proxy.connections()).toBe(0);
    client.socket.destroy();
  });

  test('no more connections than configured are held, tunnels among them', async () => {
    await using world = await openProxy({ maxConnections: 2 });
    for (const client of [await world.client(connectHead), await world.client(connectHead)]) {
      await client.sees(established);
    }
    const third = await world.client(connectHead);
    expect(await third.ended()).toBe('');
    expect(world.adopted).toHaveLength(2);
  });

  test('closing ends every tunnel', async () => {
    await using world = await openProxy();
    const client = await world.client(connectHead);
    await client.sees(established);
    await world.proxy.close();
    await client.ended();
    expect(world.proxy.connections()).toBe(0);
    await expect(once(connect(world.proxy.port, '127.0.0.1'), 'connect')).rejects.toThrow('ECONNREFUSED');
  });
});
