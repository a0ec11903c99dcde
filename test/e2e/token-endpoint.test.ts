import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { basic } from './_client.ts';
import { pushImage } from './_content.ts';
import { type Berth, type Person, startBerth } from './_server.ts';
import { accessToken, claimsOf, postForm } from './_tokens.ts';

const repository = 'lab/app';
const tokenUser = '00000000-0000-0000-0000-000000000000';

let berth: Berth;
let reader: Person;
beforeAll(async () => {
  berth = await startBerth();
  await pushImage(berth.admin, repository, 'v1', 'tokens');
  reader = await berth.createToken('reader', { 'lab/*': ['content/read', 'metadata/read'] });
});
afterAll(() => berth[Symbol.asyncDispose]());

/** Both switches of the registry, changed for the time of one test. */
async function withRegistry(change: Record<string, boolean>, work: () => Promise<void>): Promise<void> {
  await berth.operator('PATCH', `/registries/${berth.registry}`, change);
  try {
    await work();
  } finally {
    const back = Object.fromEntries(Object.entries(change).map(([name, value]) => [name, !value]));
    await berth.operator('PATCH', `/registries/${berth.registry}`, back);
  }
}

describe('the challenge', () => {
  const realm = (path: string) => `Bearer realm="http://${berth.address}${path}",service="${berth.address}"`;

  it('of /v2/ has no blank after a comma, no comma in a value, and no scope (T-REG-1, T-REG-2)', async () => {
    for (const method of ['GET', 'HEAD']) {
      const answer = await berth.nobody(method, '/v2/');
      expect({ status: answer.status, challenge: answer.headers['www-authenticate'] }).toEqual({
        status: 401,
        challenge: realm('/oauth2/token'),
      });
    }
    const wrong = await berth.as({ username: 'nobody', password: 'x' })('GET', '/v2/');
    expect(wrong.headers['www-authenticate']).toBe(realm('/oauth2/token'));
  });

  it.each([
    ['GET', `/v2/${repository}/manifests/v1`, `repository:${repository}:pull`],
    ['HEAD', `/v2/${repository}/manifests/v1`, `repository:${repository}:pull`],
    ['GET', `/v2/${repository}/tags/list`, `repository:${repository}:pull`],
    ['PUT', `/v2/${repository}/manifests/v1`, `repository:${repository}:pull,push`],
    ['POST', `/v2/${repository}/blobs/uploads/`, `repository:${repository}:pull,push`],
    ['DELETE', `/v2/${repository}/manifests/v1`, `repository:${repository}:delete`],
    ['GET', '/v2/_catalog', 'registry:catalog:*'],
    ['GET', '/acr/v1/_catalog', 'registry:catalog:*'],
    ['GET', `/acr/v1/${repository}/_tags`, `repository:${repository}:metadata_read`],
    ['PATCH', `/acr/v1/${repository}`, `repository:${repository}:metadata_write,metadata_read`],
    ['DELETE', `/acr/v1/lab%2Fapp`, `repository:${repository}:delete`],
  ])('of %s %s names the scope %s', async (method, path, scope) => {
    const answer = await berth.nobody(method, path);
    expect(answer.status).toBe(401);
    expect(answer.headers['www-authenticate']).toBe(`${realm('/oauth2/token')},scope="${scope}"`);
  });

  it('repeats the host that was asked, with its port (T-REG-6)', async () => {
    const host = `${berth.registry}.e2e.localhost:1234`;
    const answer = await berth.nobody('GET', '/v2/', { headers: { host } });
    expect(answer.headers['www-authenticate']).toBe(`Bearer realm="http://${host}/oauth2/token",service="${host}"`);
  });

  it('of /v2/ is there even when everybody may pull (T-REG-3)', () =>
    withRegistry({ anonymousPull: true }, async () => {
      expect((await berth.nobody('GET', '/v2/')).status).toBe(401);
      const bearer = berth.bearer(await accessToken(berth.nobody, `repository:${repository}:pull`));
      expect((await bearer('GET', '/v2/')).status).toBe(401);
    }));
});

describe('GET /oauth2/token', () => {
  it('gives docker login a token without scope (T-REG-11)', async () => {
    const query = 'account=x&client_id=docker&offline_token=true&service=y';
    const answer = await berth.admin('GET', `/oauth2/token?${query}`);
    expect(answer.status).toBe(200);
    expect(answer.headers['cache-control']).toBe('no-store');
    const claims = claimsOf(String(answer.json()['access_token']));
    expect(claims).toMatchObject({ aud: berth.loginServer, grant_type: 'access_token', access: [] });
    expect(Number(claims.exp) - Number(claims.iat)).toBe(75 * 60);
    expect((await berth.bearer(String(answer.json()['access_token']))('GET', '/v2/')).status).toBe(200);
  });

  it('cuts what is asked down to what is granted, in scopes that repeat or stand together (T-REG-5)', async () => {
    const client = berth.as(reader);
    const token = await accessToken(
      client,
      `repository:${repository}:pull,push,delete,metadata_read,metadata_write`,
      'repository:other/app:pull registry:catalog:* repository:lab/new:pull',
    );
    expect(claimsOf(token)['access']).toEqual([
      { type: 'repository', name: repository, actions: ['pull', 'metadata_read'] },
      { type: 'registry', name: 'catalog', actions: ['*'] },
      { type: 'repository', name: 'lab/new', actions: ['pull'] },
    ]);
  });

  it('answers odd scopes with 200 and less (T-REG-5)', async () => {
    for (const scope of ['registry:None:*', 'nonsense', 'repository::pull', 'repository:a:', 'a:b:c', '']) {
      expect(claimsOf(await accessToken(berth.admin, scope))['access'], scope).toEqual([]);
    }
  });

  it('refuses a wrong password, an unknown user and a bearer', async () => {
    const good = await accessToken(berth.admin);
    for (const authorization of [
      basic(berth.username, 'wrong'),
      basic('nobody', berth.password),
      basic('', berth.password),
      `Bearer ${good}`,
      'Basic !!!',
      'Basic',
      'Negotiate x',
    ]) {
      const answer = await berth.nobody('GET', '/oauth2/token', { headers: { authorization } });
      expect({ authorization, status: answer.status, code: answer.code }).toEqual({
        authorization,
        status: 401,
        code: 'UNAUTHORIZED',
      });
      expect(answer.headers['www-authenticate']).toBeDefined();
    }
  });

  it('gives nobody a token only where everybody may pull, and then for reading alone', async () => {
    expect((await berth.nobody('GET', '/oauth2/token')).status).toBe(401);
    await withRegistry({ anonymousPull: true }, async () => {
      const token = await accessToken(berth.nobody, `repository:${repository}:pull,push,delete`, 'registry:catalog:*');
      expect(claimsOf(token)['access']).toEqual([{ type: 'repository', name: repository, actions: ['pull'] }]);
      const bearer = berth.bearer(token);
      for (const client of [bearer, berth.nobody]) {
        expect((await client('GET', `/v2/${repository}/manifests/v1`)).status).toBe(200);
        expect((await client('GET', '/v2/_catalog')).status).toBe(401);
        expect((await client('DELETE', `/v2/${repository}/manifests/v1`)).status).toBe(401);
      }
    });
    expect((await berth.nobody('GET', `/v2/${repository}/manifests/v1`)).status).toBe(401);
  });

  it('does not serve a broken credential as nobody, though nobody may pull', () =>
    withRegistry({ anonymousPull: true }, async () => {
      for (const authorization of ['Basic !!!', 'Bearer x', basic('nobody', 'wrong'), 'Negotiate x', ' ']) {
        const answer = await berth.nobody('GET', `/v2/${repository}/manifests/v1`, { headers: { authorization } });
        expect({ authorization, status: answer.status }).toEqual({ authorization, status: 401 });
      }
    }));
});

describe('POST /oauth2/token', () => {
  const scope = `repository:${repository}:pull`;

  it('takes user and password', async () => {
    const answer = await postForm(berth.nobody, { grant_type: 'password', service: 'x', scope, ...reader });
    expect(answer.status).toBe(200);
    expect(answer.json()['refresh_token']).toBeUndefined();
    const bearer = berth.bearer(String(answer.json()['access_token']));
    expect((await bearer('GET', `/v2/${repository}/manifests/v1`)).status).toBe(200);
  });

  it('gives a refresh token when asked, which gives access tokens and opens nothing itself', async () => {
    const form = { grant_type: 'password', service: 'x', scope, access_type: 'offline', ...reader };
    const refresh = String((await postForm(berth.nobody, form)).json()['refresh_token']);
    expect(claimsOf(refresh)).toMatchObject({ grant_type: 'refresh_token', aud: berth.loginServer });
    expect((await berth.bearer(refresh)('GET', '/v2/')).status).toBe(401);
    expect((await berth.bearer(refresh)('GET', `/v2/${repository}/manifests/v1`)).status).toBe(401);
    const again = await postForm(berth.nobody, {
      grant_type: 'refresh_token',
      service: 'x',
      scope,
      refresh_token: refresh,
    });
    const access = String(again.json()['access_token']);
    expect((await berth.bearer(access)('GET', `/v2/${repository}/manifests/v1`)).status).toBe(200);
    const asRefresh = await postForm(berth.nobody, { grant_type: 'refresh_token', refresh_token: access });
    expect({ status: asRefresh.status, error: asRefresh.json()['error'] }).toEqual({
      status: 401,
      error: 'invalid_grant',
    });
  });

  it('serves acr CLI, which asks once for every repository', async () => {
    const form = { grant_type: 'password', access_type: 'offline', username: berth.username, password: berth.password };
    const refresh = String((await postForm(berth.nobody, form)).json()['refresh_token']);
    const all = 'registry:catalog:* repository:*:*';
    const answer = await postForm(berth.nobody, { grant_type: 'refresh_token', scope: all, refresh_token: refresh });
    const bearer = berth.bearer(String(answer.json()['access_token']));
    expect((await bearer('GET', '/v2/_catalog')).status).toBe(200);
    expect((await bearer('GET', '/acr/v1/lab%2Fapp/_tags')).status).toBe(200);
  });

  it('serves acr CLI with a scoped token, too, and gives it no more than the token has', async () => {
    const token = await berth.createToken('acr-cli', { [repository]: ['content/read', 'metadata/read'] });
    const form = { grant_type: 'password', access_type: 'offline', username: 'acr-cli', password: token.password };
    const refresh = String((await postForm(berth.nobody, form)).json()['refresh_token']);
    const all = 'registry:catalog:* repository:*:*';
    const answer = await postForm(berth.nobody, { grant_type: 'refresh_token', scope: all, refresh_token: refresh });
    const bearer = berth.bearer(String(answer.json()['access_token']));
    expect((await bearer('GET', `/acr/v1/${repository}/_tags`)).status).toBe(200);
    expect((await bearer('GET', '/acr/v1/other/app/_tags')).status).toBe(401);
    expect((await bearer('DELETE', `/acr/v1/${repository}`)).status).toBe(401);
  });

  it('is not confused by a token named like the user that stands for tokens', async () => {
    const name = '00000000-0000-0000-0000-000000000000';
    await expect(berth.createToken(name, { [repository]: ['content/read'] })).rejects.toThrow('stands for a token');
  });

  it('serves the anonymous form of the JavaScript SDK only where everybody may pull', async () => {
    const form = { grant_type: 'password', service: 'x', scope, refresh_token: '' };
    expect((await postForm(berth.nobody, form)).status).toBe(401);
    await withRegistry({ anonymousPull: true }, async () => {
      const answer = await postForm(berth.nobody, form);
      expect(claimsOf(String(answer.json()['access_token']))['access']).toEqual([
        { type: 'repository', name: repository, actions: ['pull'] },
      ]);
    });
  });

  it('speaks of errors as OAuth does, too', async () => {
    const cases: [Record<string, string>, number, string][] = [
      [{ grant_type: 'password', username: 'x', password: 'y' }, 401, 'invalid_grant'],
      [{ grant_type: 'refresh_token', refresh_token: 'x' }, 401, 'invalid_grant'],
      [{ grant_type: 'refresh_token' }, 401, 'invalid_grant'],
      [{ grant_type: 'client_credentials' }, 400, 'unsupported_grant_type'],
      [{}, 400, 'unsupported_grant_type'],
    ];
    for (const [form, status, error] of cases) {
      const answer = await postForm(berth.nobody, form);
      expect({ form, status: answer.status, error: answer.json()['error'] }).toEqual({ form, status, error });
      expect(answer.json()['errors']).toHaveLength(1);
    }
  });
});

describe('POST /oauth2/exchange', () => {
  const exchange = (form: Record<string, string>) =>
    berth.nobody('POST', '/oauth2/exchange', {
      body: new URLSearchParams(form).toString(),
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
    });

  it.each(['refresh_token', 'access_token_refresh_token', 'password', ''])(
    'refuses the grant "%s" and says which it takes',
    async (grant) => {
      const answer = await exchange({ grant_type: grant, service: 'x', refresh_token: 'y', access_token: 'z' });
      expect({ status: answer.status, code: answer.code }).toEqual({ status: 400, code: 'UNSUPPORTED' });
      expect(answer.json()).toMatchObject({ error: 'unsupported_grant_type' });
      expect(answer.text).toContain('send access_token');
    },
  );

  it('gives nothing for what is no access token of the identity provider', async () => {
    for (const token of ['', 'x', await accessToken(berth.admin)]) {
      const answer = await exchange({ grant_type: 'access_token', service: 'x', access_token: token });
      expect({ status: answer.status, code: answer.code }).toEqual({ status: 401, code: 'UNAUTHORIZED' });
      expect(answer.json()['refresh_token']).toBeUndefined();
    }
  });
});

describe('Basic', () => {
  it('works on every call', async () => {
    for (const path of ['/v2/', `/v2/${repository}/manifests/v1`, `/acr/v1/${repository}`]) {
      for (const client of [berth.admin, berth.as(reader)]) expect((await client('GET', path)).status).toBe(200);
    }
    const shouted = basic(berth.username.toUpperCase(), berth.password).replace('Basic', 'BASIC');
    expect((await berth.nobody('GET', '/v2/', { headers: { authorization: shouted } })).status).toBe(200);
  });

  it(`takes a refresh or an access token as the password of ${tokenUser}`, async () => {
    const offline = { grant_type: 'password', access_type: 'offline', ...reader };
    const refresh = String((await postForm(berth.nobody, offline)).json()['refresh_token']);
    const access = await accessToken(berth.as(reader), 'repository:lab/other:pull');
    const withRefresh = berth.as({ username: tokenUser, password: refresh });
    const withAccess = berth.as({ username: tokenUser, password: access });
    expect((await withRefresh('GET', `/v2/${repository}/manifests/v1`)).status).toBe(200);
    expect((await withRefresh('DELETE', `/v2/${repository}/manifests/v1`)).status).toBe(401);
    expect((await withAccess('GET', `/v2/${repository}/manifests/v1`)).status).toBe(401);
    expect((await withAccess('GET', '/v2/lab/other/manifests/v1')).status).toBe(404);
    expect(claimsOf(await accessToken(withRefresh, `repository:${repository}:pull`))['access']).toHaveLength(1);
    // An access token never grows into more than it was.
    expect(claimsOf(await accessToken(withAccess, `repository:${repository}:pull`))['access']).toEqual([]);
    const grown = await postForm(berth.nobody, { ...offline, username: tokenUser, password: access });
    expect(grown.json()['refresh_token']).toBeUndefined();
  });
});
