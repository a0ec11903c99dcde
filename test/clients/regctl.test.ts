import { randomBytes } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { startCutProxy } from './_cut-proxy.ts';
import { type Layout, writeImage } from './_image.ts';
import { sha256 } from './_registry-api.ts';
import type { Shell } from './_shell.ts';
import { describe, expect, lacks, test } from './_test.ts';
import type { World } from './_world.ts';

const sbomType = 'application/vnd.example.sbom';
const chunkBytes = 1_000_000;

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

function sendInChunks(shell: Shell, loginServer: string): Promise<string> {
  const sizes = ['--blob-chunk', String(chunkBytes), '--blob-max', '0'];
  return regctl(shell, 'registry', 'set', '--skip-check', ...sizes, loginServer);
}

async function putBlob(shell: Shell, remote: string, bytes: Buffer): Promise<string> {
  await writeFile(join(shell.home, 'blob'), bytes);
  return (await shell.run('sh', ['-c', 'exec regctl blob put "$1" <blob', 'sh', remote])).stdout.trim();
}

async function getBlob(shell: Shell, remote: string, digest: string): Promise<Buffer> {
  await shell.run('sh', ['-c', 'exec regctl blob get "$1" "$2" >back', 'sh', remote, digest]);
  return readFile(join(shell.home, 'back'));
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
    await sendInChunks(shell, world.loginServer);
    const bytes = randomBytes(3_500_000);
    const remote = `${world.loginServer}/regctl/blob`;
    expect(await putBlob(shell, remote, bytes)).toBe(sha256(bytes));
    expect((await getBlob(shell, remote, sha256(bytes))).equals(bytes)).toBe(true);
  });

  test('goes on in the middle of a chunk after its connection was cut', async ({ world, shell }) => {
    await using proxy = await startCutProxy(world.loginServer);
    await login(shell, { ...world, loginServer: proxy.address });
    await sendInChunks(shell, proxy.address);
    const bytes = randomBytes(8_000_000);
    const remote = `${proxy.address}/regctl/resumed`;
    const before = proxy.sentBytes();
    const cut = proxy.disturb('cut', 3_500_000);
    expect(await putBlob(shell, remote, bytes)).toBe(sha256(bytes));
    await cut;
    // The chunk that was cut is offered once more and refused with where to go on: nothing else is sent twice.
    expect(proxy.sentBytes() - before).toBeLessThan(bytes.length + 1.2 * chunkBytes);
    expect((await getBlob(shell, remote, sha256(bytes))).equals(bytes)).toBe(true);
  });

  test('makes an index of two images, and deletes a manifest', async ({ world, shell }) => {
    await login(shell, world);
    const target = `${world.loginServer}/regctl/index`;
    const images: Layout[] = [];
    for (const architecture of ['amd64', 'arm64']) {
      const image = await writeImage(shell, architecture, { architectures: [architecture] });
      await regctl(shell, 'image', 'copy', `ocidir://${image.path}:v1`, `${target}:${architecture}`);
      images.push(image);
    }
    const refs = ['amd64', 'arm64'].flatMap((tag) => ['--ref', `${target}:${tag}`]);
    await regctl(shell, 'index', 'create', `${target}:all`, ...refs);
    const index = await world.api.manifest('regctl/index', 'all');
    expect(index.mediaType).toBe('application/vnd.oci.image.index.v1+json');
    const arm = await regctl(shell, 'manifest', 'head', '--platform', 'linux/arm64', `${target}:all`);
    expect(arm).toBe(images[1]?.digest);

    await regctl(shell, 'manifest', 'delete', `${target}@${index.digest}`);
    expect(await world.api.tags('regctl/index')).toEqual(['amd64', 'arm64']);
    expect((await world.api.request('GET', `/v2/regctl/index/manifests/${index.digest}`)).status).toBe(404);
  });
});
