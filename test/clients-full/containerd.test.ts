import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { startContainerd } from '../clients/_containerd.ts';
import { writeImage } from '../clients/_image.ts';
import { sha256 } from '../clients/_registry-api.ts';
import type { Shell } from '../clients/_shell.ts';
import { describe, expect, lacks } from '../clients/_test.ts';
import { test as base } from '../clients/_tls-test.ts';
import type { World } from '../clients/_world.ts';

const denial = /unauthorized|authorization failed|401/i;

/** `ctr` runs with a containerd that each test has to itself: what one pulled, another must fetch again. */
const test = base.extend('socket', async ({ world }, { onCleanup }) => {
  const containerd = await startContainerd(world.folder);
  onCleanup(() => containerd[Symbol.asyncDispose]());
  return containerd.socket;
});

interface Ctr {
  run(...args: string[]): Promise<string>;
  refused(...args: string[]): Promise<string>;
}

function ctrOf(shell: Shell, socket: string): Ctr {
  const global = ['--address', socket, '--namespace', 'test'];
  return {
    run: async (...args) => (await shell.run('ctr', [...global, ...args])).stdout,
    refused: async (...args) => (await shell.refused('ctr', [...global, ...args])).stderr,
  };
}

// Ctr reads a password from arguments or a terminal, and from nowhere else.
function plain({ username, password }: World): string[] {
  return ['--plain-http', '--user', `${username}:${password}`];
}

// Unlike overlayfs, this one works on every file system.
const unpacked = ['--snapshotter', 'native'];

async function push(shell: Shell, world: World, repository: string, architectures = ['amd64']) {
  const image = await writeImage(shell, 'image', { architectures });
  const { loginServer, username, password } = world;
  const login = ['login', '--plain-http', '-u', username, '--password-stdin', loginServer];
  await shell.run('oras', login, { input: password });
  const copy = ['copy', '--from-oci-layout', '--to-plain-http', `${image.path}:v1`, `${loginServer}/${repository}:v1`];
  await shell.run('oras', copy);
  return image;
}

describe.skipIf(lacks('ctr', 'oras', 'busybox'))('containerd', () => {
  test('pulls by tag and by digest', async ({ world, shell, socket }) => {
    const ctr = ctrOf(shell, socket);
    const image = await push(shell, world, 'ctr/app');
    const tag = `${world.loginServer}/ctr/app:v1`;
    const digest = `${world.loginServer}/ctr/app@${image.digest}`;
    for (const name of [tag, digest]) {
      await ctr.run('images', 'pull', ...plain(world), ...unpacked, name);
      expect(await ctr.run('images', 'ls', `name==${name}`)).toContain(image.digest);
    }
    const stored = (await ctr.run('content', 'ls', '--quiet')).split('\n');
    for (const layer of image.layers) expect(stored).toContain(layer.digest);
    const missing = await ctr.refused('images', 'pull', ...plain(world), `${world.loginServer}/ctr/app:absent`);
    expect(missing).toContain('not found');
  });

  test('a wrong password and none are refused', async ({ world, shell, socket }) => {
    const ctr = ctrOf(shell, socket);
    await push(shell, world, 'ctr/private');
    const name = `${world.loginServer}/ctr/private:v1`;
    expect(await ctr.refused('images', 'pull', '--plain-http', name)).toMatch(denial);
    const wrong = plain({ ...world, password: 'not the password' });
    expect(await ctr.refused('images', 'pull', ...wrong, name)).toMatch(denial);
    await ctr.run('images', 'pull', ...plain(world), ...unpacked, name);
    const copy = `${world.loginServer}/ctr/stranger:v1`;
    await ctr.run('images', 'tag', name, copy);
    expect(await ctr.refused('images', 'push', ...wrong, copy)).toMatch(denial);
    expect((await world.api.request('GET', '/v2/ctr/stranger/tags/list')).status).toBe(404);
  });

  test('takes one platform of an index, or all, and pushes the index again', async ({ world, shell, socket }) => {
    const ctr = ctrOf(shell, socket);
    const image = await push(shell, world, 'ctr/multi', ['amd64', 'arm64']);
    const name = `${world.loginServer}/ctr/multi:v1`;
    const [amd, arm] = image.manifests;
    await ctr.run('images', 'pull', ...plain(world), ...unpacked, '--platform', 'linux/amd64', name);
    const one = await ctr.run('content', 'ls', '--quiet');
    expect(one).toContain(amd?.digest);
    expect(one).not.toContain(arm?.digest);
    await ctr.run('images', 'pull', ...plain(world), ...unpacked, '--all-platforms', name);
    expect(await ctr.run('content', 'ls', '--quiet')).toContain(arm?.digest);

    const copy = `${world.loginServer}/ctr/multi-copy:v1`;
    await ctr.run('images', 'tag', name, copy);
    // The second push finds everything there.
    for (let times = 0; times < 2; times++) await ctr.run('images', 'push', ...plain(world), copy);
    expect((await world.api.manifest('ctr/multi-copy', 'v1')).digest).toBe(image.digest);
    expect((await world.api.manifest('ctr/multi-copy', arm?.digest ?? '')).digest).toBe(arm?.digest);
  });

  test('pushes what it has imported from an archive', async ({ world, shell, socket }) => {
    const ctr = ctrOf(shell, socket);
    const image = await writeImage(shell, 'image');
    await shell.run('tar', ['-cf', 'image.tar', '-C', image.path, '.']);
    const base = `${world.loginServer}/ctr/imported`;
    await ctr.run('images', 'import', '--base-name', base, ...unpacked, 'image.tar');
    await ctr.run('images', 'push', ...plain(world), `${base}:v1`);
    expect((await world.api.manifest('ctr/imported', 'v1')).digest).toBe(image.digest);
  });

  test('fetches a referrer of an image, and any object by its digest', async ({ world, shell, socket }) => {
    const ctr = ctrOf(shell, socket);
    const image = await push(shell, world, 'ctr/subject');
    await writeFile(join(shell.home, 'statement.json'), '{"signed":true}');
    const what = ['--artifact-type', 'application/vnd.example.statement', 'statement.json:application/json'];
    await shell.run('oras', ['attach', '--plain-http', `${world.loginServer}/ctr/subject:v1`, ...what]);
    const [referrer] = await world.api.referrers('ctr/subject', image.digest);
    if (referrer === undefined) throw new Error('the attached statement is not listed');
    const { digest } = referrer;

    const name = `${world.loginServer}/ctr/subject@${digest}`;
    await ctr.run('content', 'fetch', ...plain(world), name);
    expect(sha256(await ctr.run('content', 'get', digest))).toBe(digest);
    expect(await ctr.run('content', 'get', sha256('{"signed":true}'))).toBe('{"signed":true}');
    expect(sha256(await ctr.run('content', 'fetch-object', ...plain(world), name))).toBe(digest);
  });

  test('needs the private CA over TLS: as an argument, or in a folder of hosts', async ({
    world,
    shell,
    named,
    socket,
  }) => {
    const ctr = ctrOf(named, socket);
    const image = await push(shell, world, 'ctr/tls');
    const user = ['--user', `${world.username}:${world.password}`];
    const name = `${world.tlsServer}/ctr/tls:v1`;
    expect(await ctr.refused('images', 'pull', ...user, name)).toContain('x509');
    await ctr.run('images', 'pull', ...user, '--tlscacert', world.caFile, ...unpacked, name);

    // The layout of /etc/containerd/certs.d, which Kubernetes nodes have.
    const hosts = join(named.home, 'certs.d');
    await mkdir(join(hosts, world.tlsServer), { recursive: true });
    const toml = [`server = "https://${world.tlsServer}"`, `[host."https://${world.tlsServer}"]`];
    await writeFile(join(hosts, world.tlsServer, 'hosts.toml'), [...toml, `  ca = "${world.caFile}"`, ''].join('\n'));
    const copy = `${world.tlsServer}/ctr/tls-copy:v1`;
    await ctr.run('images', 'tag', name, copy);
    await ctr.run('images', 'push', ...user, '--hosts-dir', hosts, copy);
    expect((await world.api.manifest('ctr/tls-copy', 'v1')).digest).toBe(image.digest);
    await ctr.run('images', 'rm', '--sync', name, copy);
    await ctr.run('images', 'pull', ...user, '--hosts-dir', hosts, ...unpacked, copy);
  });
});
