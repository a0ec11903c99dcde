import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { type FakeMachine, type FakeOptions, fakeMachine, makeTestAuthority } from './_fake-machine.ts';
import { type Authority, readAuthority } from './authority.ts';
import { nssDatabases } from './nss.ts';
import { describeStep, type TrustAction, type TrustPlace } from './place.ts';
import { systemStore } from './system-store.ts';

let authority: Authority;
beforeAll(async () => {
  const folder = await mkdtemp(join(tmpdir(), 'berth-stores-'));
  await writeFile(join(folder, 'ca.pem'), await makeTestAuthority());
  authority = await readAuthority(folder);
  await rm(folder, { recursive: true });
});

type Finder = (machine: FakeMachine, authority: Authority) => Promise<TrustPlace[]>;

/** What a store would do, as a person would write it. */
async function planned(find: Finder, action: TrustAction, options: FakeOptions): Promise<string[]> {
  const places = await find(fakeMachine(options), authority);
  return (await Promise.all(places.map((place) => place.plan(action)))).flat().map(describeStep);
}

describe('the store of a Linux system', () => {
  const systems = [
    ['Debian', '/usr/local/share/ca-certificates', 'update-ca-certificates', 'update-ca-certificates', ' --fresh'],
    ['Fedora', '/etc/pki/ca-trust/source/anchors', 'update-ca-trust', 'update-ca-trust extract', ''],
    ['openSUSE', '/etc/pki/trust/anchors', 'update-ca-certificates', 'update-ca-certificates', ''],
    ['Arch', '/etc/ca-certificates/trust-source/anchors', 'trust', 'trust extract-compat', ''],
  ] as const;

  test.each(systems)('is a folder and a program on %s', async (_name, folder, program, command, fresh) => {
    const path = `${folder}/${authority.fileName}`;
    const before = { files: { [`${folder}/`]: '' }, programs: [program] };
    expect(await planned(systemStore, 'add', before)).toEqual([`write ${path}`, `run ${command}`]);
    expect(await planned(systemStore, 'remove', before)).toEqual([]);
    const after = { ...before, files: { [path]: authority.pem } };
    expect(await planned(systemStore, 'add', after)).toEqual([]);
    expect(await planned(systemStore, 'remove', after)).toEqual([`remove ${path}`, `run ${command}${fresh}`]);
    const [place] = await systemStore(fakeMachine(before), authority);
    expect(place).toMatchObject({ scope: 'machine', where: path, skip: null });
  });

  test('is openSUSE’s where Debian’s folder stands beside it', async () => {
    const files = { '/etc/pki/trust/anchors/': '', '/usr/local/share/ca-certificates/': '' };
    const steps = await planned(systemStore, 'add', { files, programs: ['update-ca-certificates'] });
    expect(steps[0]).toBe(`write /etc/pki/trust/anchors/${authority.fileName}`);
  });

  test('keeps a file of that name with another content', async () => {
    const path = `/usr/local/share/ca-certificates/${authority.fileName}`;
    const options = { files: { [path]: 'mine' }, programs: ['update-ca-certificates'] };
    expect(await planned(systemStore, 'remove', options)).toEqual([]);
    await expect(planned(systemStore, 'add', options)).rejects.toThrow('is not a file of ours');
  });

  test('says what to install where there is none', async () => {
    const [place] = await systemStore(fakeMachine({ files: { '/usr/local/share/ca-certificates/': '' } }), authority);
    expect(place?.skip).toContain('install ca-certificates');
  });
});

describe('the keychain of macOS', () => {
  const found = () => ({ stdout: `SHA-256 hash: ${authority.sha256}\nSHA-1 hash: ${authority.sha1}\n` });

  test.each([
    ['the user', false, '', '/home/ann/Library/Keychains/login.keychain-db'],
    ['root', true, '-d ', '/Library/Keychains/System.keychain'],
  ])('is changed by security, as %s', async (_who, isRoot, domain, keychain) => {
    const options: FakeOptions = { platform: 'darwin', isRoot };
    expect(await planned(systemStore, 'add', options)).toEqual([
      `run security add-trusted-cert ${domain}-r trustRoot -k ${keychain} ${authority.file}`,
    ]);
    expect(await planned(systemStore, 'remove', options)).toEqual([]);
    const there = { ...options, answer: found };
    expect(await planned(systemStore, 'add', there)).toEqual([]);
    expect(await planned(systemStore, 'remove', there)).toEqual([
      `run security remove-trusted-cert ${domain}${authority.file}`,
      `run security delete-certificate -Z ${authority.sha1} ${keychain}`,
    ]);
    const machine = fakeMachine(there);
    await (await systemStore(machine, authority))[0]?.plan('add');
    expect(machine.ran).toEqual([['security', 'find-certificate', '-a', '-Z', '-c', authority.commonName, keychain]]);
  });

  test('is not taken for ours when it holds another authority of that name', async () => {
    const answer = () => ({ stdout: `SHA-1 hash: ${'AB'.repeat(20)}\n` });
    expect(await planned(systemStore, 'remove', { platform: 'darwin', answer })).toEqual([]);
  });
});

describe('the store of Windows', () => {
  test('is the user’s, changed by certutil.exe', async () => {
    const absent: FakeOptions = { platform: 'win32', answer: () => ({ code: -2_146_885_628 }) };
    const present: FakeOptions = { platform: 'win32' };
    expect(await planned(systemStore, 'add', absent)).toEqual([
      `run certutil.exe -user -addstore Root ${authority.file}`,
    ]);
    expect(await planned(systemStore, 'remove', absent)).toEqual([]);
    expect(await planned(systemStore, 'add', present)).toEqual([]);
    expect(await planned(systemStore, 'remove', present)).toEqual([
      `run certutil.exe -user -delstore Root ${authority.sha1}`,
    ]);
    const machine = fakeMachine(present);
    await (await systemStore(machine, authority))[0]?.plan('add');
    expect(machine.ran).toEqual([['certutil.exe', '-user', '-store', 'Root', authority.sha1]]);
  });
});

describe('the databases of browsers', () => {
  const linux = [
    '/home/ann/.pki/nssdb',
    '/home/ann/.local/share/pki/nssdb',
    '/home/ann/snap/chromium/current/.pki/nssdb',
    '/home/ann/.var/app/org.chromium.Chromium/.pki/nssdb',
    '/home/ann/.mozilla/firefox/abc.default-release',
    '/home/ann/.config/mozilla/firefox/new.default',
    '/home/ann/snap/firefox/common/.mozilla/firefox/snap.default',
    '/home/ann/.var/app/org.mozilla.firefox/.mozilla/firefox/flat.default',
  ];
  const filesOf = (folders: readonly string[]) =>
    Object.fromEntries(folders.map((folder) => [`${folder}/cert9.db`, 'db']));

  test('are found wherever Chromium and Firefox keep them', async () => {
    const files = { ...filesOf(linux), '/home/ann/.mozilla/firefox/profiles.ini': 'x', '/home/ann/.pki/other/a': 'x' };
    const places = await nssDatabases(fakeMachine({ files, programs: ['certutil'] }), authority);
    expect(places.map((place) => place.where).toSorted()).toEqual(linux.toSorted());
    const mac = '/home/ann/Library/Application Support/Firefox/Profiles/mac.default';
    const onMac = fakeMachine({ platform: 'darwin', files: filesOf([mac]), programs: ['certutil'] });
    expect((await nssDatabases(onMac, authority)).map((place) => place.where)).toEqual([mac]);
  });

  test('are changed by certutil', async () => {
    const [folder = ''] = linux;
    const options: FakeOptions = { files: filesOf([folder]), programs: ['certutil'] };
    const base = `run certutil -d sql:${folder}`;
    const name = `-n '${authority.label}'`;
    expect(await planned(nssDatabases, 'add', options)).toEqual([`${base} -A -t C,, ${name} -i ${authority.file}`]);
    expect(await planned(nssDatabases, 'remove', options)).toEqual([]);
    const there = { ...options, answer: () => ({ stdout: authority.pem }) };
    expect(await planned(nssDatabases, 'add', there)).toEqual([]);
    expect(await planned(nssDatabases, 'remove', there)).toEqual([`${base} -D ${name}`]);
  });

  test('stay as they are without certutil, and the package is named', async () => {
    const [place] = await nssDatabases(fakeMachine({ files: filesOf(linux.slice(0, 1)) }), authority);
    expect(place?.skip).toMatch(/certutil not found; install libnss3-tools \(Debian, Ubuntu\), nss-tools/);
  });

  test('are said to be missing where no browser has one', async () => {
    expect((await nssDatabases(fakeMachine(), authority))[0]?.skip).toContain('no database of Chromium or Firefox');
    expect((await nssDatabases(fakeMachine({ platform: 'win32' }), authority))[0]?.skip).toContain('Windows');
  });
});
