import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { writeImage } from './_image.ts';
import type { Shell } from './_shell.ts';
import { describe, expect, lacks, test } from './_test.ts';
import type { World } from './_world.ts';

const plain = ['--tls-verify=false'];
const toRegistry = ['--dest-tls-verify=false'];
const fromRegistry = ['--src-tls-verify=false'];

function login(shell: Shell, { loginServer, username, password }: World) {
  return shell.run('skopeo', ['login', ...plain, '-u', username, '--password-stdin', loginServer], { input: password });
}

describe.skipIf(lacks('skopeo', 'busybox'))('skopeo', () => {
  test('a wrong password is refused, the right one opens the registry', async ({ world, shell }) => {
    const args = ['login', ...plain, '-u', world.username, '--password-stdin', world.loginServer];
    await shell.refused('skopeo', args, { input: 'not the password' });
    await shell.run('skopeo', args, { input: world.password });
    await shell.run('skopeo', ['logout', world.loginServer]);
    await shell.refused('skopeo', ['list-tags', ...plain, `docker://${world.loginServer}/skopeo/login`]);
  });

  test('an OCI image arrives and returns unchanged', async ({ world, shell }) => {
    await login(shell, world);
    const image = await writeImage(shell, 'image');
    const remote = `docker://${world.loginServer}/skopeo/oci:v1`;
    await shell.run('skopeo', ['copy', ...toRegistry, `oci:${image.path}:v1`, remote]);

    const inspected = await shell.run('skopeo', ['inspect', ...plain, remote]);
    expect(JSON.parse(inspected.stdout)).toMatchObject({ Digest: image.digest, RepoTags: ['v1'] });
    const raw = await shell.run('skopeo', ['inspect', ...plain, '--raw', remote]);
    const stored = await world.api.manifest('skopeo/oci', 'v1');
    expect(stored).toMatchObject({
      digest: image.digest,
      mediaType: 'application/vnd.oci.image.manifest.v1+json',
    });
    expect(stored.bytes.toString()).toBe(raw.stdout);

    await shell.run('skopeo', ['copy', ...fromRegistry, remote, 'oci:back:v1']);
    expect(await layoutDigest(join(shell.home, 'back'))).toBe(image.digest);
  });

  test('a Docker schema 2 image stays one', async ({ world, shell }) => {
    await login(shell, world);
    const image = await writeImage(shell, 'image');
    const remote = `docker://${world.loginServer}/skopeo/v2s2:v1`;
    await shell.run('skopeo', ['copy', ...toRegistry, '--format', 'v2s2', `oci:${image.path}:v1`, remote]);

    const stored = await world.api.manifest('skopeo/v2s2', 'v1');
    expect(stored.mediaType).toBe('application/vnd.docker.distribution.manifest.v2+json');
    const inspected = await shell.run('skopeo', ['inspect', ...plain, remote]);
    expect(JSON.parse(inspected.stdout)).toMatchObject({ Digest: stored.digest });
    const copied = `docker://${world.loginServer}/skopeo/v2s2-copy:v1`;
    await shell.run('skopeo', ['copy', ...fromRegistry, ...toRegistry, remote, copied]);
    expect((await world.api.manifest('skopeo/v2s2-copy', 'v1')).digest).toBe(stored.digest);
  });

  test('layers may be compressed with zstd', async ({ world, shell }) => {
    await login(shell, world);
    const image = await writeImage(shell, 'image');
    const remote = `docker://${world.loginServer}/skopeo/zstd:v1`;
    const zstd = ['--format', 'oci', '--dest-compress-format', 'zstd'];
    // Skopeo keeps the compression of layers it finds compressed; from a plain folder it chooses.
    await shell.run('skopeo', ['copy', '--dest-decompress', `oci:${image.path}:v1`, 'dir:unpacked']);
    await shell.run('skopeo', ['copy', ...toRegistry, ...zstd, 'dir:unpacked', remote]);

    const stored = await world.api.manifest('skopeo/zstd', 'v1');
    const { layers } = JSON.parse(stored.bytes.toString()) as { layers: { mediaType: string }[] };
    expect(layers.map((layer) => layer.mediaType)).toEqual(
      image.layers.map(() => 'application/vnd.oci.image.layer.v1.tar+zstd'),
    );
    await shell.run('skopeo', ['copy', ...fromRegistry, remote, 'oci:back:v1']);
    expect(await layoutDigest(join(shell.home, 'back'))).toBe(stored.digest);
  });

  test('a multi-architecture index is copied with all its images', async ({ world, shell }) => {
    await login(shell, world);
    const image = await writeImage(shell, 'image', { architectures: ['amd64', 'arm64'] });
    const first = `docker://${world.loginServer}/skopeo/multi:v1`;
    const second = `docker://${world.loginServer}/skopeo/multi-copy:v1`;
    await shell.run('skopeo', ['copy', '--all', ...toRegistry, `oci:${image.path}:v1`, first]);
    await shell.run('skopeo', ['copy', '--all', ...fromRegistry, ...toRegistry, first, second]);

    for (const repository of ['skopeo/multi', 'skopeo/multi-copy']) {
      expect(await world.api.manifest(repository, 'v1')).toMatchObject({
        digest: image.digest,
        mediaType: 'application/vnd.oci.image.index.v1+json',
      });
      for (const child of image.manifests) {
        expect((await world.api.manifest(repository, child.digest)).digest).toBe(child.digest);
      }
    }
    const picked = await shell.run('skopeo', ['--override-arch', 'arm64', 'inspect', ...plain, first]);
    expect(JSON.parse(picked.stdout)).toMatchObject({ Architecture: 'arm64' });
  });

  test('sync carries every tag of a repository', async ({ world, shell }) => {
    await login(shell, world);
    const image = await writeImage(shell, 'image');
    const source = `${world.loginServer}/skopeo/sync`;
    for (const tag of ['v1', 'v2', 'latest']) {
      await shell.run('skopeo', ['copy', ...toRegistry, `oci:${image.path}:v1`, `docker://${source}:${tag}`]);
    }
    const target = `${world.loginServer}/mirror`;
    const both = [...fromRegistry, ...toRegistry];
    await shell.run('skopeo', ['sync', ...both, '--src', 'docker', '--dest', 'docker', source, target]);

    const listed = await shell.run('skopeo', ['list-tags', ...plain, `docker://${target}/sync`]);
    expect(JSON.parse(listed.stdout)).toMatchObject({ Tags: ['latest', 'v1', 'v2'] });
    expect((await world.api.manifest('mirror/sync', 'latest')).digest).toBe(image.digest);
  });

  test('a deleted image is gone', async ({ world, shell }) => {
    await login(shell, world);
    const image = await writeImage(shell, 'image');
    const remote = `docker://${world.loginServer}/skopeo/delete:v1`;
    await shell.run('skopeo', ['copy', ...toRegistry, `oci:${image.path}:v1`, remote]);
    await shell.run('skopeo', ['delete', ...plain, remote]);

    await shell.refused('skopeo', ['inspect', ...plain, remote]);
    const gone = await world.api.request('GET', `/v2/skopeo/delete/manifests/${image.digest}`);
    expect(gone.status).toBe(404);
  });

  test('two copies of one image at once both succeed', async ({ world, shell }) => {
    await login(shell, world);
    const image = await writeImage(shell, 'image', { extraBytes: 4 << 20 });
    const remote = `docker://${world.loginServer}/skopeo/race:v1`;
    const copy = () => shell.run('skopeo', ['copy', ...toRegistry, `oci:${image.path}:v1`, remote]);
    await Promise.all([copy(), copy(), copy()]);
    expect((await world.api.manifest('skopeo/race', 'v1')).digest).toBe(image.digest);
    await shell.run('skopeo', ['copy', ...fromRegistry, remote, 'oci:back:v1']);
  });
});

async function layoutDigest(path: string): Promise<string | undefined> {
  const index = JSON.parse(await readFile(join(path, 'index.json'), 'utf8')) as { manifests: { digest: string }[] };
  return index.manifests[0]?.digest;
}
