import { greeting, writeBuildContext, writeImage } from './_image.ts';
import { buildah, podman, refusedPodman } from './_podman.ts';
import { describe, expect, lacks, test } from './_test.ts';
import type { World } from './_world.ts';

const plain = '--tls-verify=false';

function loginArgs({ loginServer, username }: World): string[] {
  return ['login', plain, '-u', username, '--password-stdin', loginServer];
}

describe.skipIf(lacks('podman', 'busybox'))('podman', () => {
  test('a wrong password is refused, the right one opens the registry', async ({ world, shell }) => {
    await refusedPodman(shell, loginArgs(world), { input: 'not the password' });
    const right = await podman(shell, loginArgs(world), { input: world.password });
    expect(right.stdout).toContain('Login Succeeded');
  });

  test('builds, pushes, removes, pulls and runs an image', async ({ world, shell }) => {
    await podman(shell, loginArgs(world), { input: world.password });
    const image = `${world.loginServer}/podman/app:v1`;
    const context = await writeBuildContext(shell, 'context', 1024);
    await podman(shell, ['build', '-t', image, context]);
    await podman(shell, ['push', plain, '--digestfile', 'digest', image]);
    const stored = await world.api.manifest('podman/app', 'v1');
    const { stdout: digest } = await shell.run('cat', ['digest']);
    expect(stored).toMatchObject({ digest, mediaType: 'application/vnd.oci.image.manifest.v1+json' });

    await podman(shell, ['rmi', image]);
    await podman(shell, ['pull', plain, image]);
    const inspected = await podman(shell, ['image', 'inspect', '--format', '{{ .Digest }}', image]);
    expect(inspected.stdout.trim()).toBe(stored.digest);
    // Podman raises limits by default, which it may not where this machine is a container itself.
    const modest = ['--ulimit', 'nofile=1024:1024', '--ulimit', 'nproc=1024:1024'];
    const printed = await podman(shell, ['run', '--rm', '--network', 'none', ...modest, image]);
    expect(printed.stdout.trim()).toBe(greeting);
  });

  test('pushes in Docker format, and a manifest list', async ({ world, shell }) => {
    await podman(shell, loginArgs(world), { input: world.password });
    await writeImage(shell, 'image');
    // A relative path: the whole of it becomes the local name, which allows no capitals.
    await podman(shell, ['pull', 'oci:image:v1']);
    const images = await podman(shell, ['images', '--quiet', '--no-trunc']);
    const id = images.stdout.trim();
    await podman(shell, ['push', plain, '--format', 'v2s2', id, `docker://${world.loginServer}/podman/v2s2:v1`]);
    const { mediaType } = await world.api.manifest('podman/v2s2', 'v1');
    expect(mediaType).toBe('application/vnd.docker.distribution.manifest.v2+json');

    const list = `${world.loginServer}/podman/list:v1`;
    await podman(shell, ['manifest', 'create', list]);
    await podman(shell, ['manifest', 'add', list, 'oci:image:v1']);
    await podman(shell, ['manifest', 'push', plain, '--all', list, `docker://${list}`]);
    const index = await world.api.manifest('podman/list', 'v1');
    expect(index.mediaType).toBe('application/vnd.oci.image.index.v1+json');
  });

  test('pushes layers compressed with zstd, pulls them and lists the tags', async ({ world, shell }) => {
    await podman(shell, loginArgs(world), { input: world.password });
    const image = `${world.loginServer}/podman/zstd:v1`;
    await podman(shell, ['build', '-t', image, await writeBuildContext(shell, 'context', 1024)]);
    await podman(shell, ['push', plain, '--compression-format', 'zstd', '--format', 'oci', image]);
    const stored = await world.api.manifest('podman/zstd', 'v1');
    const { layers } = JSON.parse(stored.bytes.toString()) as { layers: { mediaType: string }[] };
    expect(new Set(layers.map((layer) => layer.mediaType))).toEqual(
      new Set(['application/vnd.oci.image.layer.v1.tar+zstd']),
    );
    await podman(shell, ['rmi', image]);
    await podman(shell, ['pull', plain, image]);
    const inspected = await podman(shell, ['image', 'inspect', '--format', '{{ .Digest }}', image]);
    expect(inspected.stdout.trim()).toBe(stored.digest);
    const repository = `${world.loginServer}/podman/zstd`;
    const listed = await podman(shell, ['search', plain, '--list-tags', repository]);
    expect(listed.stdout).toMatch(/podman\/zstd\s+v1\s*$/);
  });

  test('after logout nothing can be pulled', async ({ world, shell }) => {
    await podman(shell, loginArgs(world), { input: world.password });
    const image = `${world.loginServer}/podman/private:v1`;
    await podman(shell, ['build', '-t', image, await writeBuildContext(shell, 'context', 1024)]);
    await podman(shell, ['push', plain, image]);
    await podman(shell, ['rmi', image]);
    await podman(shell, ['logout', world.loginServer]);
    await refusedPodman(shell, ['pull', plain, image]);
  });
});

describe.skipIf(lacks('buildah', 'busybox'))('buildah', () => {
  test('builds, pushes and pulls an image', async ({ world, shell }) => {
    await buildah(shell, loginArgs(world), { input: world.password });
    const image = `${world.loginServer}/buildah/app:v1`;
    const context = await writeBuildContext(shell, 'context', 1024);
    await buildah(shell, ['bud', '--quiet', '-t', image, context]);
    await buildah(shell, ['push', plain, '--digestfile', 'digest', image]);
    const { stdout: digest } = await shell.run('cat', ['digest']);
    expect((await world.api.manifest('buildah/app', 'v1')).digest).toBe(digest);

    await buildah(shell, ['rmi', image]);
    await buildah(shell, ['pull', plain, image]);
    const again = `${world.loginServer}/buildah/app:again`;
    await buildah(shell, ['push', plain, '--format', 'docker', image, `docker://${again}`]);
    const { mediaType } = await world.api.manifest('buildah/app', 'again');
    expect(mediaType).toBe('application/vnd.docker.distribution.manifest.v2+json');
  });

  test('keeps its build cache in the registry', async ({ world, shell }) => {
    await buildah(shell, loginArgs(world), { input: world.password });
    const cache = `${world.loginServer}/buildah/cache`;
    const context = await writeBuildContext(shell, 'context', 1024);
    const build = (...args: string[]) => buildah(shell, ['bud', plain, '--layers', ...args, '-t', 'cached', context]);
    await build('--cache-to', cache);
    expect(await world.api.tags('buildah/cache')).not.toEqual([]);
    await buildah(shell, ['rmi', '--all']);
    const again = await build('--cache-from', cache);
    expect(`${again.stdout}${again.stderr}`).toMatch(/using cache/i);
  });
});
