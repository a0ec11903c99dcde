import { join } from 'node:path';
import { type Layout, writeImage } from './_image.ts';
import type { Shell } from './_shell.ts';
import { describe, expect, lacks, test } from './_test.ts';
import type { World } from './_world.ts';

function login(shell: Shell, { loginServer, username, password }: World) {
  const args = ['auth', 'login', loginServer, '-u', username, '--password-stdin'];
  return shell.run('crane', args, { input: password });
}

async function crane(shell: Shell, ...args: string[]): Promise<string> {
  return (await shell.run('crane', [...args, '--insecure'])).stdout.trim();
}

async function layerArchive(shell: Shell, image: Layout): Promise<string> {
  await shell.run('tar', ['-cf', 'layer.tar', '-C', `${image.path}-root`, '.']);
  return join(shell.home, 'layer.tar');
}

describe.skipIf(lacks('crane', 'busybox'))('crane', () => {
  test('pushes and pulls an OCI image unchanged', async ({ world, shell }) => {
    await login(shell, world);
    const image = await writeImage(shell, 'image');
    const remote = `${world.loginServer}/crane/app:v1`;
    const printed = await crane(shell, 'push', image.path, remote);
    expect(printed).toBe(`${world.loginServer}/crane/app@${image.digest}`);

    const stored = await world.api.manifest('crane/app', 'v1');
    expect(stored.digest).toBe(image.digest);
    expect(await crane(shell, 'digest', remote)).toBe(image.digest);
    expect(await crane(shell, 'manifest', remote)).toBe(stored.bytes.toString());
    await crane(shell, 'validate', '--remote', remote);
    await crane(shell, 'pull', '--format', 'oci', remote, 'back');
    await crane(shell, 'push', 'back', `${world.loginServer}/crane/app:again`);
    expect((await world.api.manifest('crane/app', 'again')).digest).toBe(image.digest);
  });

  test('appends layers to nothing, as Docker schema 2 and as OCI', async ({ world, shell }) => {
    await login(shell, world);
    const layer = await layerArchive(shell, await writeImage(shell, 'image'));
    const docker = `${world.loginServer}/crane/append:docker`;
    const oci = `${world.loginServer}/crane/append:oci`;
    await crane(shell, 'append', '--new_layer', layer, '--new_tag', docker);
    await crane(shell, 'append', '--oci-empty-base', '--new_layer', layer, '--new_tag', oci);
    await crane(shell, 'mutate', docker, '--entrypoint', '/bin/busybox', '--tag', docker);

    const types = await Promise.all(['docker', 'oci'].map((tag) => world.api.manifest('crane/append', tag)));
    expect(types.map((stored) => stored.mediaType)).toEqual([
      'application/vnd.docker.distribution.manifest.v2+json',
      'application/vnd.oci.image.manifest.v1+json',
    ]);
    expect(await crane(shell, 'config', docker)).toContain('/bin/busybox');
  });

  test('makes an index of two images and copies it whole', async ({ world, shell }) => {
    await login(shell, world);
    const refs: string[] = [];
    for (const architecture of ['amd64', 'arm64']) {
      const image = await writeImage(shell, architecture, { architectures: [architecture] });
      refs.push(await crane(shell, 'push', image.path, `${world.loginServer}/crane/multi:${architecture}`));
    }
    const index = `${world.loginServer}/crane/multi:all`;
    await crane(shell, 'index', 'append', ...refs.flatMap((ref) => ['-m', ref]), '-t', index);
    await crane(shell, 'copy', index, `${world.loginServer}/crane/multi-copy:all`);

    const stored = await world.api.manifest('crane/multi', 'all');
    expect(stored.mediaType).toBe('application/vnd.oci.image.index.v1+json');
    expect((await world.api.manifest('crane/multi-copy', 'all')).digest).toBe(stored.digest);
    await crane(shell, 'validate', '--remote', `${world.loginServer}/crane/multi-copy:all`);
    const arm = await crane(shell, 'digest', '--platform', 'linux/arm64', index);
    expect(refs[1]).toBe(`${world.loginServer}/crane/multi@${arm}`);
  });

  test('lists repositories and tags', async ({ world, shell }) => {
    await login(shell, world);
    const image = await writeImage(shell, 'image');
    for (const name of ['list-a:v1', 'list-a:v2', 'list-b:v1']) {
      await crane(shell, 'push', image.path, `${world.loginServer}/crane/${name}`);
    }
    await crane(shell, 'tag', `${world.loginServer}/crane/list-a:v1`, 'stable');
    expect((await crane(shell, 'ls', `${world.loginServer}/crane/list-a`)).split('\n')).toEqual(['stable', 'v1', 'v2']);
    const repositories = (await crane(shell, 'catalog', world.loginServer)).split('\n');
    expect(repositories).toEqual(expect.arrayContaining(['crane/list-a', 'crane/list-b']));
    expect(repositories).toEqual(repositories.toSorted());
  });

  test('deletes an image', async ({ world, shell }) => {
    await login(shell, world);
    const image = await writeImage(shell, 'image');
    await crane(shell, 'push', image.path, `${world.loginServer}/crane/delete:v1`);
    await crane(shell, 'delete', `${world.loginServer}/crane/delete@${image.digest}`);
    await shell.refused('crane', ['digest', `${world.loginServer}/crane/delete@${image.digest}`, '--insecure']);
    const gone = await world.api.request('GET', `/v2/crane/delete/manifests/${image.digest}`);
    expect(gone.status).toBe(404);
  });

  test('is refused without a login and with a wrong password', async ({ world, shell }) => {
    await shell.refused('crane', ['catalog', world.loginServer, '--insecure']);
    await login(shell, { ...world, password: 'not the password' });
    await shell.refused('crane', ['catalog', world.loginServer, '--insecure']);
    await shell.refused('crane', ['ls', `${world.loginServer}/crane/app`, '--insecure']);
  });
});
