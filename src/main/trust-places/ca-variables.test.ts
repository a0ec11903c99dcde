import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { rootCertificates } from 'node:tls';
import { beforeAll, describe, expect, test } from 'vitest';
import { type FakeOptions, fakeMachine, makeTestAuthority } from './_fake-machine.ts';
import { type Authority, readAuthority } from './authority.ts';
import { bundleText, caVariables, variableLines } from './ca-variables.ts';

const [first = '', second = ''] = rootCertificates;
const system = `${first}\n`;
let authority: Authority;
beforeAll(async () => {
  const folder = await mkdtemp(join(tmpdir(), 'berth-variables-'));
  await writeFile(join(folder, 'ca.pem'), await makeTestAuthority());
  authority = await readAuthority(folder);
  await rm(folder, { recursive: true });
});

const bundle = (options: FakeOptions) => bundleText(fakeMachine(options), authority, '/data');

describe('the bundle', () => {
  test('is the system’s with the authority behind it', async () => {
    const files = { '/etc/ssl/certs/ca-certificates.crt': system };
    expect(await bundle({ files })).toBe(`${first}\n${authority.pem}`);
    expect(await bundle({ files: { '/etc/pki/tls/certs/ca-bundle.crt': system } })).toBe(`${first}\n${authority.pem}`);
  });

  test('does not hold the authority twice where the system trusts it', async () => {
    const files = { '/etc/ssl/certs/ca-certificates.crt': `${system}${authority.pem}` };
    expect(await bundle({ files })).toBe(`${system}${authority.pem}`);
  });

  test.each(['REQUESTS_CA_BUNDLE', 'SSL_CERT_FILE'])('builds on the bundle that %s names already', async (name) => {
    const files = { '/etc/ssl/certs/ca-certificates.crt': system, '/corp.pem': `${second}\n` };
    expect(await bundle({ files, env: { [name]: '/corp.pem' } })).toBe(`${second}\n${authority.pem}`);
  });

  test('does not build on itself, on the authority alone, on an absent file or on none', async () => {
    const files = {
      '/etc/ssl/certs/ca-certificates.crt': system,
      '/data/ca-bundle.pem': `${second}\n`,
      [authority.file]: authority.pem,
      '/empty.pem': '',
    };
    for (const path of ['/data/ca-bundle.pem', authority.file, '/absent.pem', '/empty.pem', '']) {
      expect(await bundle({ files, env: { REQUESTS_CA_BUNDLE: path } })).toBe(`${first}\n${authority.pem}`);
    }
  });

  test('is made from what Node knows where the system has no file', async () => {
    const text = await bundle({});
    expect(text).toContain(first.trim());
    expect(text.endsWith(`${authority.pem.trim()}\n`)).toBe(true);
    expect(text.match(/BEGIN CERTIFICATE/g)?.length).toBeGreaterThan(rootCertificates.length);
  });
});

describe('the variables', () => {
  test('name the bundle where they replace the public authorities, and the authority where they add to them', () => {
    expect(caVariables(authority, '/data')).toEqual({
      REQUESTS_CA_BUNDLE: '/data/ca-bundle.pem',
      SSL_CERT_FILE: '/data/ca-bundle.pem',
      WEBSOCKET_CLIENT_CA_BUNDLE: '/data/ca-bundle.pem',
      CURL_CA_BUNDLE: '/data/ca-bundle.pem',
      GIT_SSL_CAINFO: '/data/ca-bundle.pem',
      NODE_EXTRA_CA_CERTS: authority.file,
    });
  });

  test.each([
    ['linux', false, `export A='/it'\\''s here'`],
    ['linux', true, 'unset A'],
    ['win32', false, `$env:A = '/it''s here'`],
    ['win32', true, 'Remove-Item Env:A'],
  ] as const)('are written for the shell of %s (undo: %s)', (platform, undo, line) => {
    expect(variableLines({ A: "/it's here" }, { platform, undo })).toEqual([line]);
  });
});
