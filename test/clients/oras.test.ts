import { randomBytes } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { startCutProxy } from './_cut-proxy.ts';
import { writeImage } from './_image.ts';
import { sha256 } from './_registry-api.ts';
import type { Shell } from './_shell.ts';
import { describe, expect, lacks, test } from './_test.ts';
import type { World } from './_world.ts';

const thingType = 'application/vnd.example.thing';
const signatureType = 'application/vnd.example.signature';

async function oras(shell: Shell, ...args: string[]): Promise<string> {
  return (await shell.run('oras', [...args, '--plain-http'])).stdout.trim();
}

function login(shell: Shell, { username, password, loginServer }: World, server = loginServer) {
  const args = ['login', '--plain-http', '-u', username, '--password-stdin', server];
  return shell.run('oras', args, { input: password });
}

async function pushThing(shell: Shell, remote: string, content: Buffer | string = 'hi'): Promise<string> {
  await writeFile(join(shell.home, 'hi.txt'), content);
  const format = ['--format', 'go-template={{ .digest }}'];
  return oras(shell, 'push', remote, '--artifact-type', thingType, 'hi.txt:text/plain', ...format);
}

async function attach(shell: Shell, subject: string, text: string, how: string[] = []): Promise<string> {
  await writeFile(join(shell.home, 'signature.json'), JSON.stringify({ text }));
  const format = ['--format', 'go-template={{ .digest }}'];
  const what = ['--artifact-type', signatureType, 'signature.json:application/json'];
  return oras(shell, 'attach', subject, ...what, ...how, ...format);
}

describe.skipIf(lacks('oras', 'busybox'))('oras', () => {
  test('a wrong password is refused, and logout ends access', async ({ world, shell }) => {
    const args = ['login', '--plain-http', '-u', world.username, '--password-stdin', world.loginServer];
    await shell.refused('oras', args, { input: 'not the password' });
    await shell.run('oras', args, { input: world.password });
    await pushThing(shell, `${world.loginServer}/oras/login:v1`);
    await shell.run('oras', ['logout', world.loginServer]);
    await shell.refused('oras', ['pull', '--plain-http', `${world.loginServer}/oras/login:v1`]);
  });

  test('pushes an artifact, moves a tag, lists and pulls it', async ({ world, shell }) => {
    await login(shell, world);
    const remote = `${world.loginServer}/oras/thing:v1`;
    const digest = await pushThing(shell, remote, 'hello');
    expect(await world.api.manifest('oras/thing', 'v1')).toMatchObject({
      digest,
      mediaType: 'application/vnd.oci.image.manifest.v1+json',
    });
    await oras(shell, 'tag', remote, 'v2', 'latest');
    expect(await oras(shell, 'resolve', `${world.loginServer}/oras/thing:latest`)).toBe(digest);
    expect((await oras(shell, 'repo', 'tags', `${world.loginServer}/oras/thing`)).split('\n')).toEqual([
      'latest',
      'v1',
      'v2',
    ]);
    expect((await oras(shell, 'repo', 'ls', world.loginServer)).split('\n')).toContain('oras/thing');
    await oras(shell, 'pull', remote, '-o', 'back');
    expect(await readFile(join(shell.home, 'back', 'hi.txt'), 'utf8')).toBe('hello');
  });

  test('attaches to an artifact, discovers by the API, and copies the whole tree', async ({ world, shell }) => {
    await login(shell, world);
    const remote = `${world.loginServer}/oras/subject:v1`;
    const subject = await pushThing(shell, remote);
    const signature = await attach(shell, remote, 'signature');
    const countersignature = await attach(shell, `${world.loginServer}/oras/subject@${signature}`, 'signed again');

    expect(await world.api.referrers('oras/subject', subject)).toMatchObject([
      { digest: signature, artifactType: signatureType },
    ]);
    const byApi = ['--distribution-spec', 'v1.1-referrers-api'];
    const found = await oras(shell, 'discover', remote, ...byApi, '--format', 'json');
    expect(found).toContain(signature);
    expect(found).toContain(countersignature);
    const none = await oras(
      shell,
      'discover',
      remote,
      ...byApi,
      '--artifact-type',
      'application/x',
      '--format',
      'json',
    );
    expect(none).not.toContain(signature);

    const copied = `${world.loginServer}/oras/copied:v1`;
    await shell.run('oras', ['copy', '-r', '--from-plain-http', '--to-plain-http', remote, copied]);
    expect(await world.api.referrers('oras/copied', subject)).toMatchObject([{ digest: signature }]);
    expect(await world.api.referrers('oras/copied', signature)).toMatchObject([{ digest: countersignature }]);
    expect(await world.api.tags('oras/copied')).toEqual(['v1']);
  });

  test('attaches and discovers by the fallback tag', async ({ world, shell }) => {
    await login(shell, world);
    const remote = `${world.loginServer}/oras/fallback:v1`;
    const subject = await pushThing(shell, remote);
    const byTag = ['--distribution-spec', 'v1.1-referrers-tag'];
    const signature = await attach(shell, remote, 'signature', byTag);
    expect(await world.api.tags('oras/fallback')).toContain(subject.replace(':', '-'));
    expect(await oras(shell, 'discover', remote, ...byTag, '--format', 'json')).toContain(signature);
    // Both ways lead to the same signature.
    const byApi = ['--distribution-spec', 'v1.1-referrers-api'];
    expect(await oras(shell, 'discover', remote, ...byApi, '--format', 'json')).toContain(signature);
    expect(await world.api.referrers('oras/fallback', subject)).toMatchObject([
      { digest: signature, artifactType: signatureType },
    ]);
  });

  test('makes an index of two images', async ({ world, shell }) => {
    await login(shell, world);
    for (const architecture of ['amd64', 'arm64']) {
      const image = await writeImage(shell, architecture, { architectures: [architecture] });
      const target = `${world.loginServer}/oras/index:${architecture}`;
      await shell.run('oras', ['copy', '--from-oci-layout', '--to-plain-http', `${image.path}:v1`, target]);
    }
    await oras(shell, 'manifest', 'index', 'create', `${world.loginServer}/oras/index:all`, 'amd64', 'arm64');
    const stored = await world.api.manifest('oras/index', 'all');
    expect(stored.mediaType).toBe('application/vnd.oci.image.index.v1+json');
    const fetched = await oras(shell, 'manifest', 'fetch', `${world.loginServer}/oras/index:all`);
    expect(sha256(fetched)).toBe(stored.digest);
    const arm = ['--platform', 'linux/arm64', '--descriptor'];
    const picked = await oras(shell, 'manifest', 'fetch', ...arm, `${world.loginServer}/oras/index:all`);
    expect(JSON.parse(picked)).toMatchObject({ digest: (await world.api.manifest('oras/index', 'arm64')).digest });
  });

  test('pushes, describes, fetches and deletes a blob', async ({ world, shell }) => {
    await login(shell, world);
    const bytes = randomBytes(2_000_000);
    await writeFile(join(shell.home, 'blob'), bytes);
    const blob = `${world.loginServer}/oras/blob@${sha256(bytes)}`;
    await oras(shell, 'blob', 'push', blob, 'blob');
    const descriptor = await oras(shell, 'blob', 'fetch', '--descriptor', blob);
    expect(JSON.parse(descriptor)).toMatchObject({ digest: sha256(bytes), size: bytes.length });
    await oras(shell, 'blob', 'fetch', '-o', 'back', blob);
    expect((await readFile(join(shell.home, 'back'))).equals(bytes)).toBe(true);
    await oras(shell, 'blob', 'delete', '-f', blob);
    await shell.refused('oras', ['blob', 'fetch', '--descriptor', '--plain-http', blob]);
  });

  test('finishes a push whose connection was cut', async ({ world, shell }) => {
    await using proxy = await startCutProxy(world.loginServer);
    await login(shell, world, proxy.address);
    const remote = `${proxy.address}/oras/cut:v1`;
    const content = randomBytes(6_000_000);
    await writeFile(join(shell.home, 'hi.txt'), content);
    const args = ['push', '--plain-http', remote, '--artifact-type', thingType, 'hi.txt:text/plain'];
    const stalled = proxy.disturb('stall', 2_000_000);
    await shell.refused('oras', args, { killWhen: stalled });
    expect((await world.api.request('GET', `/v2/oras/cut/blobs/${sha256(content)}`)).status).toBe(404);

    const cut = proxy.disturb('cut', 2_000_000);
    await shell.run('oras', args).catch((error: unknown) => {
      // Whether a client tries again by itself is its own affair; the next push must finish.
      expect(String(error)).toMatch(/EOF|reset|broken pipe|closed/i);
    });
    await cut;
    await shell.run('oras', args);
    await oras(shell, 'pull', remote, '-o', 'back');
    expect((await readFile(join(shell.home, 'back', 'hi.txt'))).equals(content)).toBe(true);
  });

  test('deletes an artifact with everything that names it', async ({ world, shell }) => {
    await login(shell, world);
    const remote = `${world.loginServer}/oras/delete:v1`;
    const digest = await pushThing(shell, remote);
    await oras(shell, 'tag', remote, 'v2');
    await oras(shell, 'manifest', 'delete', '-f', remote);
    await shell.refused('oras', ['pull', '--plain-http', `${world.loginServer}/oras/delete:v2`]);
    expect((await world.api.request('GET', `/v2/oras/delete/manifests/${digest}`)).status).toBe(404);
  });
});
