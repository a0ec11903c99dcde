import { build, login, test } from './_docker-test.ts';
import { describe, expect, lacks } from './_test.ts';

const denial = /denied|unauthorized|authentication required|insufficient/i;

describe.skipIf(lacks('docker', 'busybox'))('a token that may only pull one repository', () => {
  test('pulls it, and nothing else works', async ({ world, docker, engine }) => {
    const app = `${world.loginServer}/lab/app:v1`;
    const other = `${world.loginServer}/lab/other:v1`;
    await login(docker, world);
    await build(docker, app);
    await build(docker, other);
    for (const image of [app, other]) await docker.run('docker', ['push', image]);
    for (const image of [app, other]) await docker.run('docker', ['rmi', image]);
    const before = await world.api.manifest('lab/app', 'v1');
    const hidden = await world.api.manifest('lab/other', 'v1');
    const { layers } = JSON.parse(hidden.bytes.toString()) as { layers: [{ digest: string }] };

    const token = await world.createToken('pull-only', [{ repository: 'lab/app', actions: ['content/read'] }]);
    const limited = engine.shell(await world.shell());
    await limited.run('docker', ['login', '-u', token.username, '--password-stdin', world.loginServer], {
      input: token.password,
    });

    await limited.run('docker', ['pull', app]);
    const pull = await limited.refused('docker', ['pull', other]);
    expect(pull.stderr).toMatch(denial);
    for (const target of ['lab/app:v2', 'lab/other:v2', 'lab/new:v1']) {
      await limited.run('docker', ['tag', app, `${world.loginServer}/${target}`]);
      const push = await limited.refused('docker', ['push', `${world.loginServer}/${target}`]);
      expect(`${push.stdout}${push.stderr}`).toMatch(denial);
    }

    const api = world.apiAs(token);
    expect((await api.manifest('lab/app', 'v1')).digest).toBe(before.digest);
    const secret = layers[0].digest;
    for (const [method, path] of [
      ['DELETE', '/v2/lab/app/manifests/v1'],
      ['DELETE', `/v2/lab/app/manifests/${before.digest}`],
      ['POST', '/v2/lab/app/blobs/uploads/'],
      ['POST', `/v2/lab/app/blobs/uploads/?from=lab/other&mount=${secret}`],
      ['GET', '/v2/_catalog'],
      ['GET', '/v2/lab/other/tags/list'],
      ['GET', '/v2/lab/other/manifests/v1'],
      ['HEAD', `/v2/lab/other/manifests/${hidden.digest}`],
      ['GET', `/v2/lab/other/blobs/${secret}`],
      ['GET', `/v2/lab/other/referrers/${hidden.digest}`],
      ['GET', '/acr/v1/_catalog'],
      ['GET', '/acr/v1/lab/other/_tags'],
    ] as const) {
      const response = await api.request(method, path);
      expect([401, 403], `${method} ${path} answered ${response.status}`).toContain(response.status);
    }
    // Bytes of another repository are not to be had through the one that is open either.
    expect((await api.request('GET', `/v2/lab/app/blobs/${secret}`)).status).toBe(404);
    const basic = Buffer.from(`${token.username}:${token.password}`).toString('base64');
    const direct = await fetch(`http://${world.loginServer}/v2/lab/other/tags/list`, {
      headers: { authorization: `Basic ${basic}` },
    });
    expect([401, 403]).toContain(direct.status);
    expect(await world.api.tags('lab/app')).toEqual(['v1']);
  });
});
