import { spawnSync } from 'node:child_process';
import { X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { type AddressInfo, isIP } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect, createServer, type SecureContext } from 'node:tls';
import { describe, expect, test } from 'vitest';
import { manualClock } from '../kernel/index.ts';
import type { KeyWrapper } from '../ports/index.ts';
import { makeServerCertificate } from './certificates.ts';
import { StartRefusal } from './start-refusal.ts';
import { type TrustStore, type TrustStoreOptions, trustStore } from './trust.ts';

const day = 86_400_000;
const hasOpenssl = spawnSync('openssl', ['version']).status === 0;

/** Seals by reversing (PEM is ASCII): the store's use of contexts is what these tests look at, not the cipher. */
function plainWrapper(keyId = 'plain'): KeyWrapper {
  const reverse = (text: string) => text.split('').toReversed().join('');
  return {
    keyId,
    seal: (secret, context) => `${keyId}:${context}:${reverse(secret)}`,
    open(sealed, context) {
      const prefix = `${keyId}:${context}:`;
      if (!sealed.startsWith(prefix)) throw new Error('sealed with another key or context');
      return reverse(sealed.slice(prefix.length));
    },
  };
}

async function makeWorld() {
  const folder = await mkdtemp(join(tmpdir(), 'berth-trust-'));
  const names = new Set(['x.berth.localhost', 'y.berth.localhost', 'a.b.berth.localhost', 'x.example.com']);
  const asked: string[] = [];
  const clock = manualClock(Date.now());
  return {
    folder,
    names,
    asked,
    clock,
    open: (changes: Partial<TrustStoreOptions> = {}) =>
      trustStore({
        folder,
        domain: 'berth.localhost',
        keyWrapper: plainWrapper(),
        clock,
        async nameExists(host) {
          asked.push(host);
          return names.has(host);
        },
        ...changes,
      }),
    async [Symbol.asyncDispose]() {
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/**
 * The certificate that a client sees who trusts only the store's authority, and connects by server name, or by address
 * without one. Rejects when the client does not accept it.
 */
async function visit(store: TrustStore, servername?: string): Promise<X509Certificate> {
  const local = await store.localCertificate();
  const answer = async (name: string, done: (error: Error | null, context?: SecureContext) => void) =>
    done(null, await store.secureContextFor(name));
  const server = createServer({
    cert: local.certificate,
    key: local.privateKey,
    SNICallback: (name, done) => void answer(name, done),
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const named = servername === undefined ? {} : { servername };
  const client = connect({ port, host: '127.0.0.1', ca: store.caPem, ...named });
  try {
    await once(client, 'secureConnect');
    const certificate = client.getPeerX509Certificate();
    if (certificate === undefined) throw new Error('the server showed no certificate');
    return certificate;
  } finally {
    client.destroy();
    server.close();
    await once(server, 'close');
  }
}

describe('a first start', () => {
  test('makes an authority that may only sign for its names, with its key sealed beside it', async () => {
    await using world = await makeWorld();
    const store = await world.open();
    const ca = new X509Certificate(await readFile(store.caFile));
    expect(store.caPem).toBe(await readFile(store.caFile, 'utf8'));
    expect(ca.ca).toBe(true);
    expect(ca.verify(ca.publicKey)).toBe(true);
    expect(ca.subject).toBe('O=Berth\nCN=Berth berth.localhost');
    const years = (ca.validToDate.getTime() - ca.validFromDate.getTime()) / (365.25 * day);
    expect(years).toBeCloseTo(10, 1);
    const sealed = await readFile(join(world.folder, 'ca.json'), 'utf8');
    expect(sealed).not.toContain('BEGIN PRIVATE KEY');
    expect((await stat(join(world.folder, 'ca.json'))).mode & 0o777).toBe(0o600);
  });

  test('that was interrupted before ca.pem begins again', async () => {
    await using world = await makeWorld();
    const first = await world.open();
    await rm(first.caFile);
    const second = await world.open();
    expect(second.caPem).not.toBe(first.caPem);
    expect((await visit(second, 'x.berth.localhost')).checkHost('x.berth.localhost')).toBe('x.berth.localhost');
  });
});

describe('a later start', () => {
  test('has the same authority', async () => {
    await using world = await makeWorld();
    const first = await world.open();
    const second = await world.open();
    expect(second.caPem).toBe(first.caPem);
    expect((await visit(second, 'x.berth.localhost')).checkHost('x.berth.localhost')).toBe('x.berth.localhost');
  });

  test('refuses another domain and says what that means', async () => {
    await using world = await makeWorld();
    await world.open();
    const refused = world.open({ domain: 'registry.example' });
    await expect(refused).rejects.toThrow(StartRefusal);
    await expect(refused).rejects.toThrow(/is for berth.localhost, and the domain is now registry.example/);
  });

  test('refuses another root key, a lost key, a damaged one and a foreign one', async () => {
    await using world = await makeWorld();
    await world.open();
    await expect(world.open({ keyWrapper: plainWrapper('other') })).rejects.toThrow(/does not open with this root key/);
    const keyFile = join(world.folder, 'ca.json');
    await using other = await makeWorld();
    await other.open();
    await writeFile(keyFile, await readFile(join(other.folder, 'ca.json')));
    await expect(world.open()).rejects.toThrow(/do not belong together/);
    await writeFile(keyFile, '{');
    await expect(world.open()).rejects.toThrow(/ca.json is damaged/);
    await rm(keyFile);
    await expect(world.open()).rejects.toThrow(/ca.json is gone/);
  });

  test('refuses an authority that is about to end', async () => {
    await using world = await makeWorld();
    await world.open();
    world.clock.advance(3630 * day);
    await expect(world.open()).rejects.toThrow(/ends on \d{4}-\d\d-\d\d; remove/);
  });
});

describe('server certificates', () => {
  test('are refused by clients when the name is not one of theirs', async () => {
    await using world = await makeWorld();
    const store = await world.open();
    const local = await store.secureContextFor('localhost');
    await expect(visit({ ...store, secureContextFor: async () => local }, 'x.berth.localhost')).rejects.toThrow(
      /altnames/,
    );
  });

  test('are made for names that exist, and clients that trust the authority accept them', async () => {
    await using world = await makeWorld();
    const store = await world.open();
    for (const name of ['x.berth.localhost', 'a.b.berth.localhost']) {
      const certificate = await visit(store, name);
      expect(certificate.subjectAltName).toBe(`DNS:${name}`);
      expect(certificate.keyUsage).toEqual(['1.3.6.1.5.5.7.3.1']);
      expect(certificate.ca).toBe(false);
      const days = (certificate.validToDate.getTime() - world.clock.now()) / day;
      expect(days).toBeGreaterThan(89.9);
      expect(days).toBeLessThanOrEqual(90);
    }
  });

  test('are made for localhost and loopback addresses, for clients with and without a server name', async () => {
    await using world = await makeWorld();
    const store = await world.open();
    for (const name of ['localhost', undefined]) {
      const certificate = await visit(store, name);
      expect(certificate.checkHost('localhost')).toBe('localhost');
      for (const address of ['127.0.0.1', '::1']) expect(certificate.checkIP(address)).toBe(address);
    }
    expect(world.asked).toEqual([]);
  });

  test.each([
    'gone.berth.localhost',
    'x.example.com',
    'xberth.localhost',
    'berth.localhost.example.com',
    '*.berth.localhost',
    'a_b.berth.localhost',
    `${'a.'.repeat(130)}berth.localhost`,
  ])('are not made for %s', async (name) => {
    await using world = await makeWorld();
    const store = await world.open();
    expect(await store.secureContextFor(name)).toBeUndefined();
  });

  test('are asked for by lower-case name without the final dot', async () => {
    await using world = await makeWorld();
    const store = await world.open();
    expect(await store.secureContextFor('X.Berth.LocalHost.')).toBe(await store.secureContextFor('x.berth.localhost'));
    expect(world.asked).toEqual(['x.berth.localhost', 'x.berth.localhost']);
  });

  test('are not given out for a name that has stopped to exist', async () => {
    await using world = await makeWorld();
    const store = await world.open();
    expect(await store.secureContextFor('x.berth.localhost')).toBeDefined();
    world.names.delete('x.berth.localhost');
    expect(await store.secureContextFor('x.berth.localhost')).toBeUndefined();
  });

  test('are made once for clients that ask at the same time', async () => {
    await using world = await makeWorld();
    const store = await world.open();
    const contexts = await Promise.all(Array.from({ length: 20 }, () => store.secureContextFor('x.berth.localhost')));
    expect(new Set(contexts).size).toBe(1);
  });

  test('are made anew thirty days before they end, and not earlier', async () => {
    await using world = await makeWorld();
    const store = await world.open();
    const first = await store.secureContextFor('x.berth.localhost');
    const { renewAt } = await store.localCertificate();
    expect(renewAt).toBe(world.clock.now() + 60 * day);
    world.clock.advance(60 * day - 1);
    expect(await store.secureContextFor('x.berth.localhost')).toBe(first);
    world.clock.advance(1);
    expect(await store.secureContextFor('x.berth.localhost')).not.toBe(first);
    expect((await store.localCertificate()).renewAt).toBe(renewAt + 60 * day);
  });

  test('are kept up to a bound, and the least recently used go first', async () => {
    await using world = await makeWorld();
    const store = await world.open({ maxCached: 2 });
    const x = await store.secureContextFor('x.berth.localhost');
    const y = await store.secureContextFor('y.berth.localhost');
    expect(await store.secureContextFor('x.berth.localhost')).toBe(x);
    await store.secureContextFor('a.b.berth.localhost');
    expect(await store.secureContextFor('x.berth.localhost')).toBe(x);
    expect(await store.secureContextFor('y.berth.localhost')).not.toBe(y);
  });
});

describe.skipIf(!hasOpenssl)('openssl (skipped where it is not installed)', () => {
  test.each([
    { name: 'x.berth.localhost', verdict: 'OK' },
    { name: 'localhost', verdict: 'OK' },
    { name: '127.0.0.1', verdict: 'OK' },
    { name: 'x.example.com', verdict: 'permitted subtree violation' },
    { name: '192.0.2.1', verdict: 'permitted subtree violation' },
  ])('says "$verdict" of a certificate for $name', async ({ name, verdict }) => {
    await using world = await makeWorld();
    const { caPem, caFile } = await world.open();
    // Signed with the stolen key, as the store itself would never do it for a foreign name.
    const sealed = JSON.parse(await readFile(join(world.folder, 'ca.json'), 'utf8')) as { key: string };
    const leaf = await makeServerCertificate({
      authority: { certificate: caPem, privateKey: plainWrapper().open(sealed.key, 'main/ca-key') },
      names: [name],
      notBefore: world.clock.now() - 1000,
      notAfter: world.clock.now() + day,
    });
    const leafFile = join(world.folder, 'leaf.pem');
    await writeFile(leafFile, leaf.certificate);
    const check = isIP(name) ? '-verify_ip' : '-verify_hostname';
    const checked = spawnSync(
      'openssl',
      ['verify', '-x509_strict', '-CAfile', caFile, '-purpose', 'sslserver', check, name, leafFile],
      { encoding: 'utf8' },
    );
    expect(`${checked.stdout}${checked.stderr}`).toContain(verdict);
    expect(checked.status === 0).toBe(verdict === 'OK');
  });
});
