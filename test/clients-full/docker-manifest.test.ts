import { test as base, build, dockerCommandLines, login } from '../clients/_docker-test.ts';
import { writeImage } from '../clients/_image.ts';
import type { Shell } from '../clients/_shell.ts';
import { describe, expect, lacks } from '../clients/_test.ts';

const listType = 'application/vnd.docker.distribution.manifest.list.v2+json';

/** Up to docker 20 the command is there only when it is asked for. */
const test = base.extend('asking', ({ docker }) => docker.with({ DOCKER_CLI_EXPERIMENTAL: 'enabled' }));

interface ManifestList {
  readonly manifests: readonly { readonly digest: string; readonly platform: { readonly architecture: string } }[];
}

async function pushed(docker: Shell, cli: string, image: string): Promise<string> {
  const { stdout } = await docker.run(cli, ['push', image]);
  const digest = /digest: (sha256:[0-9a-f]{64})/.exec(stdout)?.[1];
  if (digest === undefined) throw new Error(`docker push named no digest: ${stdout}`);
  return digest;
}

describe.skipIf(lacks('docker', 'oras', 'busybox')).each(dockerCommandLines())('%s', (cli) => {
  const repository = `manifest/${dockerCommandLines().indexOf(cli)}`;

  test('pulls by digest', async ({ world, docker }) => {
    const image = `${world.loginServer}/${repository}/digest`;
    await login(docker, world, world.loginServer, cli);
    await build(docker, `${image}:v1`, 1024, cli);
    const digest = await pushed(docker, cli, `${image}:v1`);
    await docker.run(cli, ['rmi', `${image}:v1`]);
    expect((await docker.run(cli, ['pull', `${image}@${digest}`])).stdout).toContain(`Digest: ${digest}`);
    const inspected = await docker.run(cli, ['inspect', '--format', '{{ .RepoDigests }}', `${image}@${digest}`]);
    expect(inspected.stdout).toContain(digest);
    await docker.refused(cli, ['pull', `${image}@sha256:${'0'.repeat(64)}`]);
  });

  test('makes a list of two images, pushes it twice and reads it back', async ({ world, asking }) => {
    const image = `${world.loginServer}/${repository}/list`;
    await login(asking, world, world.loginServer, cli);
    const digests: string[] = [];
    for (const tag of ['amd64', 'arm64']) {
      await build(asking, `${image}:${tag}`, 1024, cli);
      digests.push(await pushed(asking, cli, `${image}:${tag}`));
    }

    const list = `${image}:all`;
    await asking.run(cli, ['manifest', 'create', '--insecure', list, `${image}:amd64`, `${image}:arm64`]);
    await asking.run(cli, ['manifest', 'annotate', list, `${image}:arm64`, '--os', 'linux', '--arch', 'arm64']);
    const told = (await asking.run(cli, ['manifest', 'push', '--insecure', list])).stdout.trim();
    const stored = await world.api.manifest(`${repository}/list`, 'all');
    expect(stored).toMatchObject({ digest: told, mediaType: listType });
    const { manifests } = JSON.parse(stored.bytes.toString()) as ManifestList;
    expect(manifests.map(({ digest, platform }) => [platform.architecture, digest])).toEqual([
      ['amd64', digests[0]],
      ['arm64', digests[1]],
    ]);
    expect((await asking.run(cli, ['manifest', 'push', '--insecure', '--purge', list])).stdout.trim()).toBe(told);
    const inspected = await asking.run(cli, ['manifest', 'inspect', '--insecure', list]);
    expect((JSON.parse(inspected.stdout) as ManifestList).manifests).toHaveLength(2);
  });

  test('pulls its platform from an OCI index, and is refused others', async ({ world, docker }) => {
    const image = `${world.loginServer}/${repository}/index:v1`;
    await login(docker, world, world.loginServer, cli);
    await writeImage(docker, 'multi', { architectures: ['amd64', 'arm64'] });
    await docker.run('oras', ['copy', '--from-oci-layout', '--to-plain-http', 'multi:v1', image]);
    await docker.run(cli, ['pull', image]);
    const one = await docker.run(cli, ['inspect', '--format', '{{ .Architecture }}', image]);
    expect(one.stdout.trim()).toBe('amd64');
    await docker.run(cli, ['pull', '--platform', 'linux/arm64', image]);
    const other = await docker.run(cli, ['inspect', '--format', '{{ .Architecture }}', image]);
    expect(other.stdout.trim()).toBe('arm64');
    await docker.refused(cli, ['pull', '--platform', 'linux/s390x', image]);
  });

  test('manifest commands are refused without a login', async ({ world, asking }) => {
    const image = `${world.loginServer}/${repository}/private:v1`;
    await login(asking, world, world.loginServer, cli);
    await build(asking, image, 1024, cli);
    await pushed(asking, cli, image);
    await asking.run(cli, ['manifest', 'inspect', '--insecure', image]);
    await asking.run(cli, ['logout', world.loginServer]);
    const refusal = await asking.refused(cli, ['manifest', 'inspect', '--insecure', image]);
    expect(`${refusal.stdout}${refusal.stderr}`).toMatch(/unauthorized|authentication required|no such manifest/i);
  });
});
