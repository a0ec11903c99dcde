// S24, TLS off by accident. containers/image skipped verification in one path (CVE-2019-10214), Dragonfly in all
// (CVE-2025-59410), and zot's settings could leave TLS 1.0 on (#3982). That the source has no such switch is checked by
// tools/incidents.test.ts, names and trust by test/e2e/tls.test.ts and test/start/tls.test.ts.
import { once } from 'node:events';
import { readFile, writeFile } from 'node:fs/promises';
import { connect as connectPlain } from 'node:net';
import { join } from 'node:path';
import { type ConnectionOptions, connect, createServer, type TLSSocket } from 'node:tls';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { makeAuthority, makeServerCertificate } from '../../src/main/certificates.ts';
import { type Berth, startBerth } from '../e2e/_server.ts';
import { openScratch } from '../start/_program.ts';

let berth: Berth;
let ca: string;
beforeAll(async () => {
  berth = await startBerth();
  ca = await readFile(berth.caFile, 'utf8');
});
afterAll(() => berth[Symbol.asyncDispose]());

const name = () => berth.loginServer.split(':')[0] ?? '';
const port = () => Number(berth.loginServer.split(':')[1]);

/** Shakes hands and answers protocol and cipher, or why not. */
async function shake(options: ConnectionOptions): Promise<string> {
  const socket: TLSSocket = connect({ host: '127.0.0.1', port: port(), servername: name(), ca, ...options });
  try {
    await once(socket, 'secureConnect');
    return `${socket.getProtocol()} ${socket.getCipher().name}`;
  } catch (error) {
    return String((error as { code?: string }).code ?? error);
  } finally {
    socket.destroy();
  }
}

const weak: [string, ConnectionOptions][] = [
  ['TLS 1.0', { minVersion: 'TLSv1', maxVersion: 'TLSv1', ciphers: 'ALL:@SECLEVEL=0' }],
  ['TLS 1.1', { minVersion: 'TLSv1.1', maxVersion: 'TLSv1.1', ciphers: 'ALL:@SECLEVEL=0' }],
];
const weakCiphers = [
  'eNULL',
  'aNULL',
  'NULL-SHA256',
  'AES128-SHA',
  'DES-CBC3-SHA',
  'PSK',
  'AECDH',
  'RC4-SHA',
  'EXP',
  'CAMELLIA',
];

describe('the TLS listener (S24)', () => {
  it('speaks TLS 1.2 and 1.3', async () => {
    expect(await shake({})).toMatch(/^TLSv1\.3 TLS_/);
    expect(await shake({ maxVersion: 'TLSv1.2' })).toMatch(/^TLSv1\.2 ECDHE-/);
  });

  it.each(weak)('refuses %s, which this client could speak with others', async (_, options) => {
    const now = Date.now();
    const validity = { notBefore: now - 3_600_000, notAfter: now + 3_600_000 };
    const authority = await makeAuthority({ dnsNames: ['e2e.localhost'], commonName: 'test', ...validity });
    const made = await makeServerCertificate({ authority, names: ['old.e2e.localhost'], ...validity });
    const old = createServer({
      key: made.privateKey,
      cert: made.certificate,
      minVersion: 'TLSv1',
      ciphers: 'ALL:@SECLEVEL=0',
    });
    old.on('tlsClientError', () => undefined).listen(0, '127.0.0.1');
    await once(old, 'listening');
    try {
      const theirs = { ca: authority.certificate, servername: 'old.e2e.localhost' };
      const spoken = await shake({ ...options, ...theirs, port: (old.address() as { port: number }).port });
      expect(spoken).toMatch(/^TLSv1(\.1)? /);
    } finally {
      old.close();
    }
    expect(await shake(options)).toMatch(/PROTOCOL_VERSION|ECONNRESET|UNSUPPORTED/);
  });

  it.each(weakCiphers)('refuses the cipher %s', async (cipher) => {
    const found = await shake({ maxVersion: 'TLSv1.2', ciphers: `${cipher}:@SECLEVEL=0` }).catch((error: Error) =>
      String(error),
    );
    expect(found).not.toMatch(/^TLSv1/);
  });

  it('is proven by its own authority only, and for its own names only', async () => {
    expect(await shake({ ca: [] })).toMatch(/UNABLE_TO|SELF_SIGNED/);
    expect(await shake({ servername: 'unknown.e2e.localhost' })).not.toMatch(/^TLSv1/);
  });

  it('does not renegotiate and does not compress', async () => {
    const socket = connect({ host: '127.0.0.1', port: port(), servername: name(), ca, maxVersion: 'TLSv1.2' });
    await once(socket, 'secureConnect');
    const ended = once(socket, 'close');
    socket.on('error', () => undefined);
    const outcome = new Promise<string>((resolve) => {
      const started = socket.renegotiate({}, (error) => resolve(error ? 'refused' : 'renegotiated'));
      if (!started) resolve('refused');
    });
    const closed = ended.then(() => 'refused');
    // One renegotiation is harmless; what counts is that a client cannot go on for ever.
    expect(['refused', 'renegotiated']).toContain(await Promise.race([outcome, closed]));
    socket.destroy();
  });
});

describe('plain HTTP sent to the TLS port (S24)', () => {
  it.each([
    'GET /v2/ HTTP/1.1\r\nHost: x\r\n\r\n',
    'POST /oauth2/token HTTP/1.0\r\n\r\npassword=secret',
    '\0'.repeat(300),
    'x',
  ])('hears no answer of the registry, and the server goes on: %j', async (text) => {
    const socket = connectPlain(port(), '127.0.0.1');
    await once(socket, 'connect');
    let seen = '';
    socket.setEncoding('latin1').on('data', (chunk: string) => (seen += chunk));
    socket.on('error', () => undefined);
    socket.end(text);
    await once(socket, 'close');
    expect(seen).not.toContain('WWW-Authenticate');
    expect(seen).not.toContain('HTTP/1.1 2');
    expect(await shake({})).toMatch(/^TLSv1\.3/);
  });
});

describe('a configuration (S24)', () => {
  it.each([
    ['tls.enabled', 'tls:\n  enabled: false\n'],
    ['https.enabled', 'https:\n  enabled: false\n'],
    ['https.insecure', 'https:\n  insecure: true\n'],
    ['https.minVersion', 'https:\n  minVersion: TLSv1\n'],
    ['https.listn', 'https:\n  listn: 127.0.0.1:0\n'],
    ['HTTPS.listen', 'HTTPS:\n  listen: off\n'],
    ['two words for off', 'https:\n  listen: none\n'],
    ['a list with off', 'https:\n  listen: [off, "127.0.0.1:0"]\n'],
  ])('that would leave TLS off by mistake is refused: %s', async (_, text) => {
    await using scratch = await openScratch();
    const file = join(scratch.folder, 'berth.yaml');
    await writeFile(file, text);
    const { code, stderr } = await scratch.berth([
      'up',
      '--config',
      file,
      '--data',
      scratch.data,
      '--http',
      '127.0.0.1:0',
    ]);
    expect({ code, stderr }).toMatchObject({ code: 1, stderr: expect.stringMatching(/^berth: [^\n]+\n$/) });
  });

  it('puts plain HTTP on no address that others reach', async () => {
    await using scratch = await openScratch();
    for (const address of ['0.0.0.0:0', '[::]:0', '10.0.0.1:0', '[::ffff:10.0.0.1]:0', '[::ffff:127.0.0.1]:0', '0:0']) {
      const { code, stderr } = await scratch.berth(['up', '--http', address, '--https', 'off', '--data', scratch.data]);
      expect({ address, code }, stderr).toEqual({ address, code: 1 });
    }
  });
});
