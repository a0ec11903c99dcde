import { X509Certificate } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { rootCertificates } from 'node:tls';
import { describe, expect, test } from 'vitest';
import { makeServerCertificate } from '../certificates.ts';
import { makeTestAuthority } from './_fake-machine.ts';
import { holdsAuthority, isOnlyAuthority, readAuthority } from './authority.ts';

async function folderWith(pem?: string) {
  const folder = await mkdtemp(join(tmpdir(), 'berth-authority-'));
  if (pem !== undefined) await writeFile(join(folder, 'ca.pem'), pem);
  return { folder, [Symbol.asyncDispose]: () => rm(folder, { recursive: true, force: true }) };
}

describe('the authority of a data folder', () => {
  test('has names that tell it from the authority of another Berth', async () => {
    const pem = await makeTestAuthority();
    await using place = await folderWith(pem);
    await using elsewhere = await folderWith(await makeTestAuthority());
    const authority = await readAuthority(place.folder);
    const certificate = new X509Certificate(pem);
    expect(authority).toMatchObject({
      file: join(place.folder, 'ca.pem'),
      commonName: 'Berth berth.localhost',
      sha1: certificate.fingerprint.replaceAll(':', ''),
      sha256: certificate.fingerprint256.replaceAll(':', ''),
      label: expect.stringMatching(/^Berth berth\.localhost \([0-9a-f]{8}\)$/),
      fileName: expect.stringMatching(/^berth-[0-9a-f]{8}\.crt$/),
    });
    const other = await readAuthority(elsewhere.folder);
    expect([other.label, other.fileName]).not.toEqual([authority.label, authority.fileName]);
  });

  test.each([
    ['is absent', undefined, /there is no authority in .*--data/],
    ['is no certificate', 'hello', /is not the certificate of an authority/],
    ['is a bundle of strangers', rootCertificates.slice(0, 2).join('\n'), /is not the certificate of an authority/],
  ])('is refused when ca.pem %s', async (_what, pem, message) => {
    await using place = await folderWith(pem);
    await expect(readAuthority(place.folder)).rejects.toThrow(message);
  });

  test('is refused when ca.pem is a certificate of a server', async () => {
    const { makeAuthority } = await import('../certificates.ts');
    const validity = { notBefore: Date.now() - 1000, notAfter: Date.now() + 3_600_000 };
    const authority = await makeAuthority({ commonName: 'x', dnsNames: ['berth.localhost'], ...validity });
    const leaf = await makeServerCertificate({ authority, names: ['a.berth.localhost'], ...validity });
    await using place = await folderWith(leaf.certificate);
    await expect(readAuthority(place.folder)).rejects.toThrow('is not the certificate of an authority');
  });
});

describe('a file of certificates', () => {
  test('is ours when it holds the authority and nothing else', async () => {
    const pem = await makeTestAuthority();
    await using place = await folderWith(pem);
    const authority = await readAuthority(place.folder);
    const stranger = await makeTestAuthority();
    const judged = (text: string | undefined) => [holdsAuthority(text, authority), isOnlyAuthority(text, authority)];
    expect(judged(pem)).toEqual([true, true]);
    expect(judged(`a comment\r\n${pem.replaceAll('\n', '\r\n')}`)).toEqual([true, true]);
    expect(judged(`${stranger}${pem}`)).toEqual([true, false]);
    expect(judged(stranger)).toEqual([false, false]);
    expect(judged(undefined)).toEqual([false, false]);
    expect(judged('-----BEGIN CERTIFICATE-----\nbroken\n-----END CERTIFICATE-----')).toEqual([false, false]);
  });
});
