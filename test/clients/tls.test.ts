import { copyFile, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { startDockerEngine } from './_docker-engine.ts';
import { build, login as dockerLogin } from './_docker-test.ts';
import { writeImage } from './_image.ts';
import { podman } from './_podman.ts';
import { describe, expect, lacks } from './_test.ts';
import { test } from './_tls-test.ts';

describe('over TLS, by the name of the registry', () => {
  test.skipIf(lacks('skopeo', 'busybox'))('skopeo needs the private CA', async ({ world, named, trusting }) => {
    const image = await writeImage(named, 'image');
    const remote = `docker://${world.tlsServer}/tls/skopeo:v1`;
    const login = ['login', '-u', world.username, '--password-stdin', world.tlsServer];
    const stranger = await named.refused('skopeo', login, { input: world.password });
    expect(stranger.stderr).toContain('x509');
    await trusting.run('skopeo', login, { input: world.password });
    await trusting.run('skopeo', ['copy', `oci:${image.path}:v1`, remote]);
    expect((await world.api.manifest('tls/skopeo', 'v1')).digest).toBe(image.digest);

    await mkdir(join(named.home, 'certs'));
    await copyFile(world.caFile, join(named.home, 'certs', 'ca.crt'));
    const inspected = await named.run('skopeo', ['inspect', '--cert-dir', 'certs', remote]);
    expect(JSON.parse(inspected.stdout)).toMatchObject({ Digest: image.digest });
  });

  test.skipIf(lacks('skopeo', 'busybox'))('registries share nothing', async ({ world, trusting }) => {
    const image = await writeImage(trusting, 'image');
    const login = ['login', '-u', world.username, '--password-stdin'];
    await trusting.run('skopeo', [...login, world.tlsServer], { input: world.password });
    await trusting.run('skopeo', ['copy', `oci:${image.path}:v1`, `docker://${world.tlsServer}/tls/shared:v1`]);

    const second = await world.createRegistry('second');
    const auth = Buffer.from(`${world.username}:${world.password}`).toString('base64');
    await writeFile(join(trusting.home, 'second.json'), JSON.stringify({ auths: { [second]: { auth } } }));
    const inspect = ['inspect', '--authfile', 'second.json', `docker://${second}/tls/shared:v1`];
    const refusal = await trusting.refused('skopeo', inspect);
    // An answer of the registry, not of TLS or of the way there.
    expect(refusal.stderr).toMatch(/unauthorized|authentication required|denied|manifest unknown|name unknown/i);
  });

  test.skipIf(lacks('crane', 'busybox'))('crane pushes and validates', async ({ world, trusting }) => {
    const image = await writeImage(trusting, 'image');
    const remote = `${world.tlsServer}/tls/crane:v1`;
    const login = ['auth', 'login', world.tlsServer, '-u', world.username, '--password-stdin'];
    await trusting.run('crane', login, { input: world.password });
    await trusting.run('crane', ['push', image.path, remote]);
    await trusting.run('crane', ['validate', '--remote', remote]);
    expect((await world.api.manifest('tls/crane', 'v1')).digest).toBe(image.digest);
  });

  test.skipIf(lacks('regctl', 'busybox'))('regctl copies in and out', async ({ world, trusting }) => {
    const image = await writeImage(trusting, 'image');
    const remote = `${world.tlsServer}/tls/regctl:v1`;
    const login = ['registry', 'login', world.tlsServer, '-u', world.username, '--pass-stdin'];
    await trusting.run('regctl', login, { input: world.password });
    await trusting.run('regctl', ['image', 'copy', `ocidir://${image.path}:v1`, remote]);
    await trusting.run('regctl', ['image', 'copy', remote, 'ocidir://back:v1']);
    expect((await world.api.manifest('tls/regctl', 'v1')).digest).toBe(image.digest);
  });

  test.skipIf(lacks('oras', 'busybox'))('oras copies in, with the CA as a file', async ({ world, named }) => {
    const image = await writeImage(named, 'image');
    const remote = `${world.tlsServer}/tls/oras:v1`;
    const login = ['login', '--ca-file', world.caFile, '-u', world.username, '--password-stdin', world.tlsServer];
    await named.run('oras', login, { input: world.password });
    const copy = ['copy', '--from-oci-layout', `${image.path}:v1`, '--to-ca-file', world.caFile, remote];
    await named.run('oras', copy);
    expect((await world.api.manifest('tls/oras', 'v1')).digest).toBe(image.digest);
  });

  test.skipIf(lacks('podman', 'busybox'))('podman pushes with a folder of certificates', async ({ world, named }) => {
    await writeImage(named, 'image');
    await mkdir(join(named.home, 'certs'));
    await copyFile(world.caFile, join(named.home, 'certs', 'ca.crt'));
    const certs = ['--cert-dir', 'certs'];
    const login = ['login', ...certs, '-u', world.username, '--password-stdin', world.tlsServer];
    await podman(named, login, { input: world.password });
    await podman(named, ['pull', 'oci:image:v1']);
    const id = (await podman(named, ['images', '--quiet', '--no-trunc'])).stdout.trim();
    await podman(named, ['push', ...certs, '--digestfile', 'digest', id, `docker://${world.tlsServer}/tls/podman:v1`]);
    const { stdout: digest } = await named.run('cat', ['digest']);
    expect((await world.api.manifest('tls/podman', 'v1')).digest).toBe(digest);
  });

  test.skipIf(lacks('docker', 'busybox'))('docker pushes and pulls', async ({ world, shell }) => {
    // The engine does the talking, so the engine needs to know the way and the CA.
    const env = { HTTPS_PROXY: world.proxy, SSL_CERT_FILE: world.caFile };
    await using engine = await startDockerEngine(world.folder, env);
    const docker = engine.shell(shell);
    const image = `${world.tlsServer}/tls/docker:v1`;
    await dockerLogin(docker, world, world.tlsServer);
    await build(docker, image);
    const pushed = await docker.run('docker', ['push', image]);
    const digest = /digest: (sha256:[0-9a-f]{64})/.exec(pushed.stdout)?.[1];
    expect((await world.api.manifest('tls/docker', 'v1')).digest).toBe(digest);
    await docker.run('docker', ['rmi', image]);
    await docker.run('docker', ['pull', image]);
  });
});
