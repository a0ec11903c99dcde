import { startCutProxy } from './_cut-proxy.ts';
import { startDockerEngine } from './_docker-engine.ts';
import { build, login, test } from './_docker-test.ts';
import { greeting } from './_image.ts';
import { describe, expect, lacks } from './_test.ts';

const layerBytes = 8 << 20;
const midLayer = 3 << 20;

describe.skipIf(lacks('docker', 'busybox'))('a docker push that is disturbed', () => {
  test('survives a connection cut in the middle of a layer', async ({ world, docker }) => {
    await using proxy = await startCutProxy(world.loginServer);
    const image = `${proxy.address}/cut/app:v1`;
    await login(docker, world, proxy.address);
    await build(docker, image, layerBytes);

    const cut = proxy.disturb('cut', midLayer);
    const pushed = await docker.run('docker', ['push', image]);
    await cut;
    expect(pushed.stdout).toContain('Retrying');
    await docker.run('docker', ['rmi', image]);
    await docker.run('docker', ['pull', image]);
    const printed = await docker.run('docker', ['run', '--rm', '--network', 'none', image]);
    expect(printed.stdout.trim()).toBe(greeting);
  });

  test('is finished by the next push after its client was killed', async ({ world, docker }) => {
    await using proxy = await startCutProxy(world.loginServer);
    const image = `${proxy.address}/killed/app:v1`;
    await login(docker, world, proxy.address);
    await build(docker, image, layerBytes);

    await docker.refused('docker', ['push', image], { killWhen: proxy.disturb('stall', midLayer) });
    const absent = await world.api.request('GET', '/v2/killed/app/manifests/v1');
    expect(absent.status).toBe(404);

    const pushed = await docker.run('docker', ['push', image]);
    const digest = /digest: (sha256:[0-9a-f]{64})/.exec(pushed.stdout)?.[1];
    expect((await world.api.manifest('killed/app', 'v1')).digest).toBe(digest);
    await docker.run('docker', ['rmi', image]);
    await docker.run('docker', ['pull', image]);
  });

  test('meets another engine pushing the same image, and both succeed', async ({ world, docker, shell }) => {
    await using other = await startDockerEngine(world.folder);
    const second = other.shell(shell);
    const image = `${world.loginServer}/race/app:v1`;
    await login(docker, world);
    await login(second, world);
    await build(docker, image, layerBytes);
    await docker.run('docker', ['save', '-o', `${docker.home}/image.tar`, image]);
    await second.run('docker', ['load', '-i', `${docker.home}/image.tar`]);

    const outputs = await Promise.all([docker, second].map((each) => each.run('docker', ['push', image])));
    const digests = outputs.map(({ stdout }) => /digest: (sha256:[0-9a-f]{64})/.exec(stdout)?.[1]);
    expect(digests[0]).toMatch(/^sha256:/);
    expect(new Set([...digests, (await world.api.manifest('race/app', 'v1')).digest]).size).toBe(1);
    await second.run('docker', ['rmi', image]);
    await second.run('docker', ['pull', image]);
  });
});
