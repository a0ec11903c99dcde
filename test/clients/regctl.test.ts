import { randomBytes } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type Layout, writeImage } from './_image.ts';
import { sha256 } from './_registry-api.ts';
import type { Shell } from './_shell.ts';
import { describe, expect, lacks, test } from './_test.ts';
import type { World } from './_world.ts';

const sbomType = 'application/vnd.example.sbom';

async function regctl(shell: Shell, ...args: string[]): Promise<string> {
  return (await shell.run('regctl', args)).stdout.trim();
}

async function login(shell: Shell, { loginServer, username, password }: World): Promise<void> {
  await regctl(shell, 'registry', 'set', '--tls', 'disabled', '--skip-check', loginServer);
  await shell.run('regctl', ['registry', 'login', loginServer, '-u', username, '--pass-stdin'], { input: password });
}

async function pushImage(shell: Shell, remote: string): Promise<Layout> {
  const image = await writeImage(shell, 'image');
  await regctl(shell, 'image', 'copy', `ocidir://${image.path}:v1`, remote);
  return image;
}

async function attach(shell: Shell, subject: string, text: string): Promise<void> {
  await writeFile(join(shell.home, 'sbom.json'), JSON.stringify({ text }));
  const what = ['--artifact-type', sbomType, '-f', 'sbom.json', '-m', 'application/json'];
  await regctl(shell, 'artifact', 'put', ...what, '--subject', subject);
}

describe.skipIf(lacks('regctl', 'busybox'))('regctl', () => {
  test('a wrong password is refused', async ({ world, shell }) => {
    await regctl(shell, 'registry', 'set', '--tls', 'disabled', '--skip-check', world.loginServer);
    const args = ['registry', 'login', world.loginServer, '-u', world.username, '--pass-stdin'];
    await shell.refused('regctl', args, { input: 'not the password' });
    await shell.run('regctl', args, { input: world.password });
  });

  test('copies an image in and out unchanged', async ({ world, shell }) => {
    await login(shell, world);
    const remote = `${world.loginServer}/regctl/app:v1`;
    const image = await pushImage(shell, remote);
    expect((await world.api.manifest('regctl/app', 'v1')).digest).toBe(image.digest);
    expect(await regctl(shell, 'image', 'digest', remote)).toBe(image.digest);
    await regctl(shell, 'image', 'copy', remote, 'ocidir://back:v1');
    expect(await regctl(shell, 'image', 'digest', 'ocidir://back:v1')).toBe(image.digest);
  });

  test('attaches artifacts, lists them, and copies them with their image', async ({ world, shell }) => {
    await login(shell, world);
    const remote = `${world.loginServer}/regctl/subject:v1`;
    const image = await pushImage(shell, remote);
    await attach(shell, remote, 'first');
    await attach(shell, remote, 'second');

    const attached = await world.api.referrers('regctl/subject', image.digest);
    expect(attached.map((each) => each.artifactType)).toEqual([sbomType, sbomType]);
    const listed = await regctl(shell, 'artifact', 'list', remote, '--format', '{{ json . }}');
    const tree = await regctl(shell, 'artifact', 'tree', remote);
    for (const { digest } of attached) {
      expect(listed).toContain(digest);
      expect(tree).toContain(digest);
    }
    // With the API in place no client needs the fallback tag.
    expect(await world.api.tags('regctl/subject')).toEqual(['v1']);
    await regctl(shell, 'image', 'copy', '--referrers', remote, `${world.loginServer}/regctl/copied:v1`);
    const copied = await world.api.referrers('regctl/copied', image.digest);
    expect(copied.map((each) => each.digest).toSorted()).toEqual(attached.map((each) => each.digest).toSorted());
  });

  test('an artifact may arrive before its subject', async ({ world, shell }) => {
    await login(shell, world);
    const image = await writeImage(shell, 'image');
    await regctl(shell, 'image', 'copy', `ocidir://${image.path}:v1`, `${world.loginServer}/regctl/source:v1`);
    await attach(shell, `${world.loginServer}/regctl/source:v1`, 'early');
    const [early] = await world.api.referrers('regctl/source', image.digest);
    if (early === undefined) throw new Error('nothing is attached');
    const target = `${world.loginServer}/regctl/early`;
    await regctl(shell, 'image', 'copy', `${world.loginServer}/regctl/source@${early.digest}`, `${target}:sbom`);
    expect(await world.api.referrers('regctl/early', image.digest)).toMatchObject([{ digest: early.digest }]);
  });

  test('lists and deletes tags one by one', async ({ world, shell }) => {
    await login(shell, world);
    const remote = `${world.loginServer}/regctl/tags`;
    const image = await pushImage(shell, `${remote}:v1`);
    await regctl(shell, 'image', 'copy', `${remote}:v1`, `${remote}:v2`);
    expect((await regctl(shell, 'tag', 'ls', remote)).split('\n')).toEqual(['v1', 'v2']);
    await regctl(shell, 'tag', 'delete', `${remote}:v1`);
    expect(await world.api.tags('regctl/tags')).toEqual(['v2']);
    // Only the name is gone: the manifest stays.
    expect((await world.api.manifest('regctl/tags', image.digest)).digest).toBe(image.digest);
    expect((await regctl(shell, 'repo', 'ls', world.loginServer)).split('\n')).toContain('regctl/tags');
    expect(await regctl(shell, 'ref', `${remote}:v2`, '--format', '{{ .Tag }}')).toBe('v2');
  });

  test('puts a blob in chunks and gets it back', async ({ world, shell }) => {
    await login(shell, world);
    await regctl(
      shell,
      'registry',
      'set',
      '--skip-check',
      '--blob-chunk',
      '1000000',
      '--blob-max',
      '0',
      world.loginServer,
    );
    const bytes = randomBytes(3_500_000);
    await writeFile(join(shell.home, 'blob'), bytes);
    const remote = `${world.loginServer}/regctl/blob`;
    const put = await shell.run('sh', ['-c', 'exec regctl blob put "$1" <blob', 'sh', remote]);
    expect(put.stdout.trim()).toBe(sha256(bytes));
    await shell.run('sh', ['-c', 'exec regctl blob get "$1" "$2" >back', 'sh', remote, sha256(bytes)]);
    expect((await readFile(join(shell.home, 'back'))).equals(bytes)).toBe(true);
  });
});
