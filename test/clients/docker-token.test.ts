import { build, login, test } from './_docker-test.ts';
import type { StoredManifest } from './_registry-api.ts';
import { describe, expect, lacks } from './_test.ts';

const denial = /denied|unauthorized|authentication required|insufficient/i;

function firstLayer({ bytes }: StoredManifest): string {
  const { layers } = JSON.parse(bytes.toString()) as { layers: [{ digest: string }] };
  return layers[0].digest;
}

/** Asks for a token with all rights on everything. Returns it with what the registry put in. */
async function takeEverything(loginServer: string, authorization: string): Promise<{ token: string; access: unknown }> {
  const query = new URLSearchParams({ service: loginServer });
  for (const name of ['lab/app', 'lab/other', '*']) query.append('scope', `repository:${name}:*`);
  query.append('scope', 'registry:catalog:*');
  const response = await fetch(`http://${loginServer}/oauth2/token?${query.toString()}`, {
    headers: { authorization },
  });
  const { access_token: token } = (await response.json()) as { access_token: string };
  const payload = Buffer.from(token.split('.')[1] ?? '', 'base64url').toString();
  return { token, access: (JSON.parse(payload) as { access: unknown }).access };
}

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
    const basic = `Basic ${Buffer.from(`${token.username}:${token.password}`).toString('base64')}`;
    const greedy = await takeEverything(world.loginServer, basic);
    expect(greedy.access).toEqual([
      { type: 'repository', name: 'lab/app', actions: ['pull'] },
      // Narrows nothing, and opens no more than the token itself may do: see below.
      { type: 'repository', name: '*', actions: ['pull'] },
      { type: 'registry', name: 'catalog', actions: ['*'] },
    ]);
    expect((await api.manifest('lab/app', 'v1')).digest).toBe(before.digest);
    const [own, secret] = [before, hidden].map(firstLayer);
    for (const [method, path] of [
      ['DELETE', '/v2/lab/app/manifests/v1'],
      ['DELETE', `/v2/lab/app/manifests/${before.digest}`],
      ['DELETE', `/v2/lab/app/blobs/${own}`],
      ['PUT', '/v2/lab/app/manifests/v2'],
      ['POST', '/v2/lab/app/blobs/uploads/'],
      ['PATCH', `/v2/lab/app/blobs/uploads/${'0'.repeat(36)}`],
      ['PUT', `/v2/lab/app/blobs/uploads/${'0'.repeat(36)}?digest=${own}`],
      ['POST', `/v2/lab/app/blobs/uploads/?from=lab/other&mount=${secret}`],
      ['GET', '/v2/lab/other/tags/list'],
      ['GET', '/v2/lab/other/manifests/v1'],
      ['HEAD', `/v2/lab/other/manifests/${hidden.digest}`],
      ['GET', `/v2/lab/other/blobs/${secret}`],
      ['GET', `/v2/lab/other/referrers/${hidden.digest}`],
      ['GET', '/acr/v1/lab/other'],
      ['GET', '/acr/v1/lab/other/_tags'],
      ['GET', '/acr/v1/lab/app/_manifests'],
      ['PATCH', '/acr/v1/lab/app'],
      ['PATCH', '/acr/v1/lab/app/_tags/v1'],
      ['DELETE', '/acr/v1/lab/app/_tags/v1'],
      ['DELETE', '/acr/v1/lab/app'],
      ['DELETE', '/acr/v1/lab/other'],
    ] as const) {
      for (const headers of [{}, { authorization: basic }, { authorization: `Bearer ${greedy.token}` }]) {
        const response = await api.request(method, path, headers);
        expect([401, 403], `${method} ${path} answered ${response.status}`).toContain(response.status);
      }
    }
    for (const path of ['/v2/_catalog', '/acr/v1/_catalog']) {
      expect(await (await api.request('GET', path)).json()).toEqual({ repositories: ['lab/app'] });
    }
    // Bytes of another repository are not to be had through the one that is open either.
    expect((await api.request('GET', `/v2/lab/app/blobs/${secret}`)).status).toBe(404);
    expect(await world.api.tags('lab/app')).toEqual(['v1']);
  });
});
