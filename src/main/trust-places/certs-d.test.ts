import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { type FakeMachine, type FakeOptions, fakeMachine, hostsOf, makeTestAuthority } from './_fake-machine.ts';
import { type Authority, readAuthority } from './authority.ts';
import { containersCerts, dockerCerts } from './certs-d.ts';
import type { KnownHosts } from './known-hosts.ts';
import { describeStep, type TrustAction, type TrustPlace } from './place.ts';

let authority: Authority;
beforeAll(async () => {
  const folder = await mkdtemp(join(tmpdir(), 'berth-certs-'));
  await writeFile(join(folder, 'ca.pem'), await makeTestAuthority());
  authority = await readAuthority(folder);
  await rm(folder, { recursive: true });
});

type Finder = (machine: FakeMachine, options: KnownHosts) => Promise<TrustPlace[]>;
const engine = '/etc/docker/certs.d';
const own = '/home/ann/.config/containers/certs.d';

async function placesIn(find: Finder, options: FakeOptions) {
  const places = await find(fakeMachine(options), hostsOf(authority));
  return places.map(({ where, scope }) => [where, scope]);
}

async function planned(find: Finder, action: TrustAction, options: FakeOptions, known = hostsOf(authority)) {
  const places = await find(fakeMachine(options), action === 'add' ? known : { ...known, hosts: [] });
  return (await Promise.all(places.map((place) => place.plan(action)))).flat().map(describeStep);
}

describe('docker’s certs.d', () => {
  test.each([
    ['an engine', { files: { '/etc/docker/': '' } }, '/etc/docker/certs.d', 'machine'],
    ['an engine that never ran', { programs: ['dockerd'] }, '/etc/docker/certs.d', 'machine'],
    [
      'a rootless engine',
      { files: { '/home/ann/.config/systemd/user/docker.service': '[Unit]' } },
      '/home/ann/.config/docker/certs.d',
      'user',
    ],
    [
      'a rootless engine with its own folder',
      { env: { XDG_CONFIG_HOME: '/conf' }, files: { '/conf/docker/daemon.json': '{}' } },
      '/conf/docker/certs.d',
      'user',
    ],
    ['Docker Desktop', { files: { '/home/ann/.docker/desktop/': '' } }, '/home/ann/.docker/certs.d', 'user'],
    [
      'Docker Desktop on macOS',
      { platform: 'darwin', files: { '/home/ann/.docker/config.json': '{}' } },
      '/home/ann/.docker/certs.d',
      'user',
    ],
  ] as [string, FakeOptions, string, string][])('of %s', async (_what, options, folder, scope) => {
    expect(await placesIn(dockerCerts, options)).toEqual([
      [`${folder}/team.berth.localhost:8443`, scope],
      [`${folder}/team.berth.localhost`, scope],
    ]);
  });

  test('is nowhere without docker', async () => {
    const [place] = await dockerCerts(fakeMachine(), hostsOf(authority));
    expect(place).toMatchObject({ where: '', skip: 'no Docker found' });
    const [onWindows] = await dockerCerts(fakeMachine({ platform: 'win32' }), hostsOf(authority));
    expect(onWindows?.skip).toContain('Windows');
  });
});

describe('the certs.d of podman, buildah and skopeo', () => {
  test('is the machine’s for root and the user’s own otherwise', async () => {
    expect(await placesIn(containersCerts, { isRoot: true, files: { '/etc/containers/policy.json': '' } })).toEqual([
      ['/etc/containers/certs.d/team.berth.localhost:8443', 'machine'],
      ['/etc/containers/certs.d/team.berth.localhost', 'machine'],
    ]);
    expect(await placesIn(containersCerts, { programs: ['skopeo'] })).toEqual([
      [`${own}/team.berth.localhost:8443`, 'user'],
      [`${own}/team.berth.localhost`, 'user'],
    ]);
    const [none] = await containersCerts(fakeMachine(), hostsOf(authority));
    expect(none?.skip).toContain('no podman');
  });
});

describe('a certs.d', () => {
  const host = `${engine}/team.berth.localhost:8443`;
  const bare = `${engine}/team.berth.localhost`;
  const docker = { '/etc/docker/': '' };

  test('gets a ca.crt for each login server, once', async () => {
    expect(await planned(dockerCerts, 'add', { files: docker })).toEqual([
      `write ${host}/ca.crt`,
      `write ${bare}/ca.crt`,
    ]);
    const files = { ...docker, [`${host}/ca.crt`]: authority.pem, [`${bare}/ca.crt`]: authority.pem };
    expect(await planned(dockerCerts, 'add', { files })).toEqual([]);
  });

  test('keeps the ca.crt of somebody else: ours goes beside it, and goes alone', async () => {
    const files = { ...docker, [`${host}/ca.crt`]: 'somebody else', [`${bare}/ca.crt`]: authority.pem };
    expect(await planned(dockerCerts, 'add', { files })).toEqual([`write ${host}/${authority.fileName}`]);
    const after = { ...files, [`${host}/${authority.fileName}`]: authority.pem };
    expect(await planned(dockerCerts, 'remove', { files: after })).toEqual([
      `remove ${host}/${authority.fileName}`,
      `remove ${bare}/ca.crt`,
    ]);
  });

  test('that holds ours in a bundle of somebody else needs nothing, and loses nothing', async () => {
    const bundle = `${await makeTestAuthority()}${authority.pem}`;
    const files = { ...docker, [`${host}/own.crt`]: bundle, [`${bare}/own.crt`]: bundle };
    expect(await planned(dockerCerts, 'add', { files })).toEqual([]);
    expect(await planned(dockerCerts, 'remove', { files })).toEqual([]);
  });

  test('loses ours also for registries that are gone, and never another authority’s', async () => {
    const files = {
      ...docker,
      [`${engine}/gone.berth.localhost:8443/ca.crt`]: authority.pem,
      [`${engine}/other.berth.localhost:8443/ca.crt`]: await makeTestAuthority(),
    };
    expect(await planned(dockerCerts, 'remove', { files })).toEqual([
      `remove ${engine}/gone.berth.localhost:8443/ca.crt`,
    ]);
  });

  test('says that it needs the names of a running server', async () => {
    const known: KnownHosts = { authority, hosts: [], unknown: 'no Berth is running' };
    const places = await dockerCerts(fakeMachine({ files: docker }), known);
    expect(places).toMatchObject([{ where: engine, skip: 'no Berth is running' }]);
  });
});
