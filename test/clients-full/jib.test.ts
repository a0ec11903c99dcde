import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { writeImage } from '../clients/_image.ts';
import type { Shell } from '../clients/_shell.ts';
import { describe, expect, lacks, test } from '../clients/_test.ts';
import type { World } from '../clients/_world.ts';
import { openMavenProject } from './_jib-project.ts';

/** A Maven project, and a base image for it in the registry. Its login is in the file that docker keeps. */
async function openProject(shell: Shell, world: World): Promise<{ project: Shell; baseLayers: string[] }> {
  const project = await openMavenProject(shell);
  await login(shell, world, world.loginServer);
  const base = await writeImage(shell, 'base');
  const copy = ['copy', '--from-oci-layout', '--to-plain-http', 'base:v1', `${world.loginServer}/jib/base:v1`];
  await shell.run('oras', copy);
  return { project, baseLayers: base.layers.map((layer) => layer.digest) };
}

/** Writes the login where docker keeps it: no client needs to know the way to the server for that. */
async function login(shell: Shell, { username, password }: World, server: string): Promise<void> {
  const auth = Buffer.from(`${username}:${password}`).toString('base64');
  const file = join(shell.env['DOCKER_CONFIG'] ?? shell.home, 'config.json');
  await writeFile(file, JSON.stringify({ auths: { [server]: { auth } } }));
}

function mvn(from: string, to: string, ...more: string[]): string[] {
  const images = [`-Djib.from.image=${from}`, `-Djib.to.image=${to}`, '-Djib.container.mainClass=Hello'];
  return ['--batch-mode', '--quiet', ...images, ...more, 'compile', 'jib:build'];
}

// The first run on a machine fetches Maven's plugins.
const unhurried = { timeoutMs: 300_000 };
const plain = ['-Djib.allowInsecureRegistries=true', '-DsendCredentialsOverHttp=true'];

describe.skipIf(lacks('maven', 'oras', 'busybox'))('Jib', () => {
  test.for([
    ['OCI', 'application/vnd.oci.image.manifest.v1+json'],
    ['Docker', 'application/vnd.docker.distribution.manifest.v2+json'],
  ] as const)('builds on a base image from the registry and pushes (%s)', async ([format, type], { world, shell }) => {
    const { project, baseLayers } = await openProject(shell, world);
    const repository = `jib/app-${format.toLowerCase()}`;
    const from = `${world.loginServer}/jib/base:v1`;
    const to = `${world.loginServer}/${repository}:v1`;
    await project.run('mvn', mvn(from, to, ...plain, `-Djib.container.format=${format}`), unhurried);
    const digest = await readFile(join(shell.home, 'target', 'jib-image.digest'), 'utf8');
    const stored = await world.api.manifest(repository, 'v1');
    expect(stored).toMatchObject({ digest, mediaType: type });
    const { layers } = JSON.parse(stored.bytes.toString()) as { layers: { digest: string }[] };
    expect(layers.map((layer) => layer.digest)).toEqual(expect.arrayContaining(baseLayers));

    // Jib's images are reproducible: a second run ends at the same digest.
    await project.run('mvn', mvn(from, to, ...plain, `-Djib.container.format=${format}`), unhurried);
    expect((await world.api.manifest(repository, 'v1')).digest).toBe(digest);
    await shell.run('oras', ['pull', '--plain-http', '-o', 'back', to]);
  });

  test('is refused with a wrong password', async ({ world, shell }) => {
    const { project } = await openProject(shell, world);
    await login(shell, { ...world, password: 'not the password' }, world.loginServer);
    const to = `${world.loginServer}/jib/denied:v1`;
    const args = mvn(`${world.loginServer}/jib/base:v1`, to, ...plain);
    const refusal = await project.refused('mvn', args, unhurried);
    expect(`${refusal.stdout}${refusal.stderr}`).toMatch(/unauthorized/i);
    expect((await world.api.request('GET', '/v2/jib/denied/tags/list')).status).toBe(404);
  });

  test('needs the private CA over TLS: in a trust store of Java', async ({ world, shell }) => {
    const { project } = await openProject(shell, world);
    // The certificate is good for localhost too, which is the name that Java resolves here.
    const server = `localhost:${new URL(`https://${world.tlsServer}`).port}`;
    await login(shell, world, server);
    const to = `${server}/jib/tls:v1`;
    const args = mvn(`${server}/jib/base:v1`, to);
    const stranger = await project.refused('mvn', args, unhurried);
    expect(`${stranger.stdout}${stranger.stderr}`).toMatch(/certificate|PKIX|secure/i);

    const store = ['-keystore', 'trust.p12', '-storepass', 'changeit', '-noprompt'];
    await shell.run('keytool', ['-importcert', '-alias', 'berth', '-file', world.caFile, ...store]);
    // Java opens a store without a password, and finds nothing in it.
    const password = '-Djavax.net.ssl.trustStorePassword=changeit';
    const trust = [`-Djavax.net.ssl.trustStore=${join(shell.home, 'trust.p12')}`, password];
    const trusting = await openMavenProject(shell, ...trust);
    await trusting.run('mvn', args, unhurried);
    const digest = await readFile(join(shell.home, 'target', 'jib-image.digest'), 'utf8');
    expect((await world.api.manifest('jib/tls', 'v1')).digest).toBe(digest);
  });
});
