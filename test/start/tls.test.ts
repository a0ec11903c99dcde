import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { request } from 'node:https';
import { connect, type TLSSocket } from 'node:tls';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { basic, bodyOf } from './_client.ts';
import { anyPorts, hasNobody, openScratch, startServer } from './_program.ts';

let world: Awaited<ReturnType<typeof startServer>>;
let ca: string;
beforeAll(async () => {
  world = await startServer();
  ca = await readFile(world.ready.caFile, 'utf8');
});
afterAll(() => world[Symbol.asyncDispose]());

const port = () => Number(new URL(world.ready.endpoints.registry).port);
const host = () => new URL(world.ready.endpoints.registry).hostname;

/** A handshake with full verification against Berth's own authority; answers the names of the certificate. */
async function handshake(servername: string | undefined): Promise<string> {
  // Without a server name Node verifies the address that it connects to.
  const name = servername === undefined ? {} : { servername };
  const socket: TLSSocket = connect({ host: '127.0.0.1', port: port(), ca, ...name });
  try {
    await once(socket, 'secureConnect');
    expect(socket.authorized).toBe(true);
    return socket.getPeerCertificate().subjectaltname ?? '';
  } finally {
    socket.destroy();
  }
}

describe('the TLS listener', () => {
  test('has a certificate of the registry that verifies against the authority file', async () => {
    expect(await handshake(host())).toBe(`DNS:${host()}`);
  });

  test('serves the registry under its name', async () => {
    const asked = request({
      host: '127.0.0.1',
      port: port(),
      path: '/v2/',
      ca,
      servername: host(),
      agent: false,
      headers: { host: world.ready.registry.loginServer, authorization: basic(world.username, world.password) },
    });
    asked.end();
    const [response] = await once(asked, 'response');
    await bodyOf(response);
    expect(response.statusCode).toBe(200);
  });

  test('is not trusted without the authority', async () => {
    const socket = connect({ host: '127.0.0.1', port: port(), servername: host() });
    await expect(once(socket, 'secureConnect')).rejects.toThrow(/certificate/);
  });

  test.each(['unknown.berth.localhost', 'berth.localhost', 'example.com'])(
    'refuses the name %s at the handshake',
    async (name) => {
      await expect(handshake(name)).rejects.toThrow(/handshake|alert|disconnected|ECONNRESET/i);
    },
  );

  test('works by address, without a server name', async () => {
    expect(await handshake(undefined)).toBe('DNS:localhost, IP Address:127.0.0.1, IP Address:0:0:0:0:0:0:0:1');
  });

  test('knows the name of a new registry at once, and of a deleted one no more', async () => {
    const name = `fresh.${host().split('.').slice(1).join('.')}`;
    await expect(handshake(name)).rejects.toThrow();
    expect((await world.berth(['registry', 'create', 'fresh', '--data', world.data])).code).toBe(0);
    expect(await handshake(name)).toBe(`DNS:${name}`);
    expect((await world.berth(['registry', 'delete', 'fresh', '--data', world.data])).code).toBe(0);
    await expect(handshake(name)).rejects.toThrow();
  });
});

describe('the default port of TLS', () => {
  test.runIf(hasNobody())('moves to 8443, or near it, where 443 is not permitted', async () => {
    await using scratch = await openScratch();
    await scratch.start('chown', ['65534', scratch.folder]).exit;
    const server = scratch.up(['--http', '127.0.0.1:0'], { asNobody: true });
    const ready = await server.ready();
    const moved = Number(new URL(ready.endpoints.registry).port);
    expect(moved).toBeGreaterThanOrEqual(8443);
    expect(moved).toBeLessThanOrEqual(8463);
    expect(ready.registry.loginServer).toBe(`${ready.registry.name}.berth.localhost:${moved}`);
    expect((await server.stop()).code).toBe(0);
  });

  test('does not move when it was asked for', async () => {
    await using scratch = await openScratch();
    const first = scratch.up(anyPorts);
    const taken = `127.0.0.1:${new URL((await first.ready()).endpoints.registry).port}`;
    const second = await scratch.berth(['up', '--data', `${scratch.data}2`, '--http', '127.0.0.1:0', '--https', taken]);
    expect(second).toMatchObject({ code: 1, stderr: expect.stringContaining(`cannot listen on ${taken}`) });
  });
});
