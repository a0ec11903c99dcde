import { once } from 'node:events';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createServer as createTlsServer } from 'node:tls';
import { describe, expect, test } from 'vitest';
import { type KeyedCertificate, makeAuthority, makeServerCertificate } from '../certificates.ts';
import { checkAuthority, checkServed } from './certificates.ts';
import { checkDocker, checkPodman, type EngineQuestion } from './engines.ts';

const day = 86_400_000;
const now = Date.now();

function authorityUntil(notAfter: number): Promise<KeyedCertificate> {
  const name = 'Berth doctor.localhost';
  return makeAuthority({ commonName: name, dnsNames: ['doctor.localhost'], notBefore: now - 400 * day, notAfter });
}

/** A TLS listener with a certificate of its own dates. */
async function serve(
  authority: KeyedCertificate,
  dates: { notBefore: number; notAfter: number },
  name = 'a.doctor.localhost',
) {
  const { certificate, privateKey } = await makeServerCertificate({ authority, names: [name], ...dates });
  const server = createTlsServer({ cert: certificate, key: privateKey }, (socket) =>
    socket.on('error', () => undefined),
  );
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  return {
    look: () =>
      checkServed({ host: '127.0.0.1', port, servername: 'a.doctor.localhost', ca: authority.certificate, now }),
    lookTrusting: (ca: string) => checkServed({ host: '127.0.0.1', port, servername: 'a.doctor.localhost', ca, now }),
    async [Symbol.asyncDispose]() {
      server.close();
      await once(server, 'close');
    },
  };
}

describe('certificates', () => {
  test('that verify are in order, and told when they end within a month', async () => {
    const authority = await authorityUntil(now + 3000 * day);
    await using good = await serve(authority, { notBefore: now - day, notAfter: now + 80 * day });
    expect(await good.look()).toMatchObject({ state: 'ok', found: expect.stringContaining('DNS:a.doctor.localhost') });
    await using old = await serve(authority, { notBefore: now - day, notAfter: now + 10 * day });
    expect(await old.look()).toMatchObject({ state: 'warn', cure: expect.stringContaining('not renewed') });
  });

  test('that have ended, are for another name or of another authority are told', async () => {
    const authority = await authorityUntil(now + 3000 * day);
    await using ended = await serve(authority, { notBefore: now - 90 * day, notAfter: now - day });
    expect(await ended.look()).toMatchObject({ state: 'fail', found: expect.stringContaining('CERT_HAS_EXPIRED') });
    await using other = await serve(
      authority,
      { notBefore: now - day, notAfter: now + day * 80 },
      'b.doctor.localhost',
    );
    expect(await other.look()).toMatchObject({ state: 'fail', cure: expect.stringContaining('another program') });
    const stranger = await authorityUntil(now + 3000 * day);
    expect(await other.lookTrusting(stranger.certificate)).toMatchObject({
      state: 'fail',
      cure: expect.stringContaining('ca.pem was replaced'),
    });
  });

  test.each([
    [3000, 'ok'],
    [60, 'warn'],
    [-1, 'fail'],
  ])('of an authority with %s days left: %s', async (days, state) => {
    const { certificate } = await authorityUntil(now + days * day);
    expect(checkAuthority(certificate, now).state).toBe(state);
  });

  test('are not valid yet for a clock that is behind', async () => {
    const { certificate } = await authorityUntil(now + 3000 * day);
    expect(checkAuthority(certificate, now - 500 * day)).toMatchObject({
      state: 'fail',
      cure: expect.stringContaining('clock'),
    });
  });
});

/** A machine: a root folder, an engine that answers `GET /info`, and what is asked about it. */
async function openMachine(info?: object) {
  const root = await mkdtemp(join(tmpdir(), 'berth-doctor-'));
  const { certificate } = await authorityUntil(now + 3000 * day);
  const bin = join(root, 'bin');
  await mkdir(bin);
  await mkdir(join(root, 'var/run'), { recursive: true });
  const asked: string[] = [];
  const engine = createServer((request, response) => {
    asked.push(`${request.method} ${request.url}`);
    response.end(JSON.stringify(info));
  });
  if (info !== undefined) {
    engine.listen(join(root, 'var/run/docker.sock'));
    await once(engine, 'listening');
  }
  const question: EngineQuestion = {
    loginServer: 'a.doctor.localhost:8443',
    plainServer: 'localhost:5000',
    caPem: certificate,
    caFile: '/data/ca.pem',
    env: { PATH: bin, HOME: '/home/ann' },
    root,
  };
  return {
    question,
    asked,
    async install(program: string) {
      await writeFile(join(bin, program), '#!/bin/sh\n', { mode: 0o755 });
    },
    async trust(folder: string, pem = certificate) {
      await mkdir(join(root, folder, question.loginServer), { recursive: true });
      await writeFile(join(root, folder, question.loginServer, 'ca.crt'), pem);
    },
    async [Symbol.asyncDispose]() {
      if (engine.listening) {
        engine.close();
        await once(engine, 'close');
      }
      await rm(root, { recursive: true });
    },
  };
}

const loopback = {
  ServerVersion: '26.1',
  RegistryConfig: { InsecureRegistryCIDRs: ['127.0.0.0/8'], IndexConfigs: {} },
};

describe('docker', () => {
  test('is left out where there is none', async () => {
    await using machine = await openMachine();
    expect((await checkDocker(machine.question)).map(({ state, found }) => [state, found])).toEqual([
      ['skipped', 'not installed'],
    ]);
  });

  test('trusts the plain listener on loopback; the engine is only asked for its settings', async () => {
    await using machine = await openMachine(loopback);
    const findings = await checkDocker(machine.question);
    expect(findings.map(({ state }) => state)).toEqual(['ok', 'ok']);
    expect(findings[1]?.found).toContain('localhost:5000, being on loopback');
    expect(machine.asked).toEqual(['GET /info']);
  });

  test('must be given the authority where there is no plain listener', async () => {
    await using machine = await openMachine(loopback);
    const question = { ...machine.question, plainServer: null };
    expect((await checkDocker(question))[1]).toMatchObject({
      state: 'warn',
      cure: 'sudo install -D -m 644 /data/ca.pem /etc/docker/certs.d/a.doctor.localhost:8443/ca.crt',
    });
    await machine.trust('etc/docker/certs.d', (await authorityUntil(now + day * 3000)).certificate);
    expect((await checkDocker(question))[1]?.state).toBe('warn');
    await machine.trust('etc/docker/certs.d');
    expect((await checkDocker(question))[1]?.state).toBe('ok');
  });

  test('may call the registry insecure', async () => {
    const indexes = { 'a.doctor.localhost:8443': { Secure: false } };
    await using machine = await openMachine({ RegistryConfig: { InsecureRegistryCIDRs: [], IndexConfigs: indexes } });
    expect((await checkDocker({ ...machine.question, plainServer: null }))[1]?.state).toBe('ok');
  });
});

describe('podman', () => {
  test('is told how to trust, and does once it can', async () => {
    await using machine = await openMachine();
    expect((await checkPodman(machine.question)).state).toBe('skipped');
    await machine.install('podman');
    expect(await checkPodman(machine.question)).toMatchObject({
      state: 'warn',
      cure: expect.stringMatching(/containers\/certs\.d.*--tls-verify=false/),
    });
    await machine.trust('etc/containers/certs.d');
    expect((await checkPodman(machine.question)).state).toBe('ok');
  });
});
