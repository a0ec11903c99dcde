import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { writeBuildContext } from '../clients/_image.ts';
import type { Output } from '../clients/_process.ts';
import type { Shell } from '../clients/_shell.ts';
import { describe, expect, lacks } from '../clients/_test.ts';
import { test as base } from '../clients/_tls-test.ts';
import type { World } from '../clients/_world.ts';
import { startBuilder } from './_buildkit.ts';

const manifestType = 'application/vnd.oci.image.manifest.v1+json';
const indexType = 'application/vnd.oci.image.index.v1+json';
const cacheConfigType = 'application/vnd.buildkit.cacheconfig.v0';

/** `buildctl` is a shell with a builder that each test has to itself, and a context to build from. */
const test = base.extend('buildctl', async ({ world, shell }, { onCleanup }) => {
  const builder = await startBuilder(world.folder);
  onCleanup(() => builder[Symbol.asyncDispose]());
  await writeBuildContext(shell, 'context', 1024);
  return builder.shell(shell);
});

function login(shell: Shell, { username, password, loginServer }: World, server = loginServer) {
  const args = ['login', '--plain-http', '-u', username, '--password-stdin', server];
  return shell.run('oras', args, { input: password });
}

function buildArgs(target: string, ...more: string[]): string[] {
  const context = ['--local', 'context=context', '--local', 'dockerfile=context'];
  const output = `type=image,name=${target},push=true`;
  const common = ['build', '--progress', 'plain', '--frontend', 'dockerfile.v0', '--metadata-file', 'metadata.json'];
  return [...common, ...context, '--output', output, ...more];
}

/** What the builder says that it pushed. */
async function metadata(shell: Shell): Promise<{ image: string; cache: { mediaType: string; digest: string } }> {
  const told = JSON.parse(await readFile(join(shell.home, 'metadata.json'), 'utf8')) as Record<string, string>;
  return {
    image: told['containerimage.digest'] ?? '',
    cache: JSON.parse(told['cache.manifest'] ?? '{}') as { mediaType: string; digest: string },
  };
}

function cachedSteps({ stdout, stderr }: Output): number {
  return `${stdout}${stderr}`.match(/^#\d+ CACHED$/gm)?.length ?? 0;
}

describe.skipIf(lacks('buildctl', 'buildkitd', 'oras', 'busybox'))('BuildKit', () => {
  test.for([
    ['true', manifestType],
    ['false', indexType],
  ] as const)('keeps its cache in the registry (image-manifest=%s)', async ([form, type], { world, buildctl }) => {
    await login(buildctl, world);
    const repository = `buildkit/app-${form}`;
    // A repository of its own, where no image holds the same layers.
    const kept = `buildkit/cache-${form}`;
    const target = `${world.loginServer}/${repository}:v1`;
    const ref = `type=registry,ref=${world.loginServer}/${kept}:v1`;
    const caching = ['--export-cache', `${ref},mode=max,image-manifest=${form}`, '--import-cache', ref];
    const first = await buildctl.run('buildctl', buildArgs(target, ...caching));
    expect(cachedSteps(first)).toBe(0);
    const told = await metadata(buildctl);
    expect((await world.api.manifest(repository, 'v1')).digest).toBe(told.image);

    const cache = await world.api.manifest(kept, 'v1');
    expect(cache).toMatchObject({ digest: told.cache.digest, mediaType: type });
    const body = JSON.parse(cache.bytes.toString()) as {
      config?: { mediaType: string };
      layers?: { digest: string }[];
      manifests?: { mediaType: string; digest: string }[];
    };
    const parts = form === 'true' ? [body.config] : (body.manifests ?? []);
    expect(parts.map((part) => part?.mediaType)).toContain(cacheConfigType);

    // Also in an index, what it names is kept: these are blobs, where other indexes name manifests.
    const layer = form === 'true' ? body.layers?.[0] : body.manifests?.[0];
    const removal = await world.api.request('DELETE', `/v2/${kept}/blobs/${layer?.digest}`);
    expect(removal.status).toBe(405);

    // A builder that has forgotten everything takes all from the registry, and ends at the same image.
    await buildctl.run('buildctl', ['prune', '--all']);
    const again = await buildctl.run('buildctl', buildArgs(target, ...caching));
    expect(cachedSteps(again)).toBe(2);
    expect((await world.api.manifest(repository, 'v1')).mediaType).toBe(manifestType);
    expect((await world.api.manifest(kept, 'v1')).mediaType).toBe(type);
    await buildctl.run('buildctl', ['prune', '--all']);
    expect(cachedSteps(await buildctl.run('buildctl', buildArgs(target, '--import-cache', ref)))).toBe(2);
  });

  test('pushes provenance beside the image', async ({ world, buildctl }) => {
    await login(buildctl, world);
    const repository = 'buildkit/provenance';
    const target = `${world.loginServer}/${repository}:v1`;
    await buildctl.run('buildctl', buildArgs(target, '--opt', 'attest:provenance=mode=max'));
    const stored = await world.api.manifest(repository, 'v1');
    expect(stored).toMatchObject({ digest: (await metadata(buildctl)).image, mediaType: indexType });
    const { manifests } = JSON.parse(stored.bytes.toString()) as {
      manifests: { digest: string; platform: { architecture: string } }[];
    };
    expect(manifests.map((each) => each.platform.architecture)).toEqual(['amd64', 'unknown']);
    for (const { digest } of manifests) expect((await world.api.manifest(repository, digest)).digest).toBe(digest);
    await buildctl.run('oras', ['copy', '--from-plain-http', '--to-oci-layout', target, 'back:v1']);
  });

  test('is refused with a wrong password, and pushes nothing', async ({ world, buildctl }) => {
    await login(buildctl, world);
    const auth = Buffer.from(`${world.username}:not the password`).toString('base64');
    await buildctl.run('tee', [join(buildctl.env['DOCKER_CONFIG'] ?? '', 'config.json')], {
      input: JSON.stringify({ auths: { [world.loginServer]: { auth } } }),
    });
    const refusal = await buildctl.refused('buildctl', buildArgs(`${world.loginServer}/buildkit/denied:v1`));
    expect(refusal.stderr).toMatch(/401|unauthorized/i);
    expect((await world.api.request('GET', '/v2/buildkit/denied/tags/list')).status).toBe(404);
  });

  test('needs the private CA over TLS, and works with it', async ({ world, named, trusting }) => {
    await writeBuildContext(named, 'context', 1024);
    await trusting.run('oras', ['login', '-u', world.username, '--password-stdin', world.tlsServer], {
      input: world.password,
    });
    const target = `${world.tlsServer}/buildkit/tls:v1`;
    for (const [shell, works] of [
      [named, false],
      [trusting, true],
    ] as const) {
      const { HTTPS_PROXY, SSL_CERT_FILE } = shell.env;
      await using builder = await startBuilder(world.folder, { HTTPS_PROXY, SSL_CERT_FILE });
      // The builder sends the bytes, its client fetches the token: both must trust.
      const buildctl = builder.shell(shell);
      if (works) await buildctl.run('buildctl', buildArgs(target));
      else expect((await buildctl.refused('buildctl', buildArgs(target))).stderr).toContain('x509');
    }
    expect((await world.api.manifest('buildkit/tls', 'v1')).digest).toBe((await metadata(named)).image);
  });
});
