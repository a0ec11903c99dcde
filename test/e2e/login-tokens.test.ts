import { createLocalJWKSet, type JSONWebKeySet, jwtVerify } from 'jose';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { azureCli, azurePowerShell, claimsOf, type LoginClient, loginClient } from './_login.ts';
import { type Berth, startBerth } from './_server.ts';

let berth: Berth;
let login: LoginClient;
beforeAll(async () => {
  berth = await startBerth();
  login = await loginClient(berth);
});
afterAll(() => berth[Symbol.asyncDispose]());

type Body = Record<string, unknown>;
const user = () => berth.operatorUser;
/** As az asks: the audience ends in a slash, and `/.default` follows. */
const armScope = () => `${login.management}//.default offline_access openid profile`;

async function signIn(more: Record<string, string> = {}): Promise<Body> {
  const { username, password } = user();
  const form = { client_id: azureCli, grant_type: 'password', client_info: '1', username, password, scope: armScope() };
  const answer = await login.token({ ...form, ...more });
  expect(answer.status, answer.text).toBe(200);
  return answer.json();
}

const refresh = (token: unknown, more: Record<string, string> = {}) =>
  login.token({
    client_id: azureCli,
    grant_type: 'refresh_token',
    client_info: '1',
    refresh_token: String(token),
    scope: armScope(),
    ...more,
  });

describe('discovery', () => {
  it.each([
    ['organizations', '/organizations/v2.0/.well-known/openid-configuration', '/organizations/oauth2/v2.0'],
    ['a domain', '/e2e.localhost/v2.0/.well-known/openid-configuration', '/e2e.localhost/oauth2/v2.0'],
    ['common, first protocol', '/common/.well-known/openid-configuration', '/common/oauth2'],
    ['adfs', '/adfs/.well-known/openid-configuration', '/adfs/oauth2'],
    ['two slashes', '//common//v2.0/.well-known/openid-configuration', '/common/oauth2/v2.0'],
  ])('tells %s where everything is, below the tenant as it was named', async (_, path, endpoints) => {
    const found = (await login('GET', path)).json<Record<string, string>>();
    expect(found).toMatchObject({
      issuer: expect.stringContaining(`${login.base}/${berth.tenantId}/`),
      authorization_endpoint: `${login.base}${endpoints}/authorize`,
      token_endpoint: `${login.base}${endpoints}/token`,
      device_authorization_endpoint: `${login.base}${endpoints}/devicecode`,
    });
    const keys = await login('GET', new URL(found['jwks_uri'] ?? '').pathname);
    expect(keys.json<{ keys: Body[] }>().keys).toEqual([
      expect.objectContaining({ kty: 'RSA', alg: 'RS256', use: 'sig', kid: expect.any(String) }),
    ]);
    expect(keys.text).not.toContain('"d"');
  });

  it('knows no other tenant', async () => {
    const other = '99999999-9999-4999-8999-999999999999';
    for (const path of [`/${other}/v2.0/.well-known/openid-configuration`, '/constructor/oauth2/v2.0/token']) {
      const answer = await login(path.endsWith('token') ? 'POST' : 'GET', path);
      expect(answer.status).toBe(400);
      expect(answer.json()).toMatchObject({ error: 'invalid_tenant', error_codes: [90002] });
    }
  });

  it('answers for its own host, realm and instance', async () => {
    const realm = await login('GET', '/common/userrealm/nobody@nowhere.example?api-version=1.0');
    expect(realm.json()).toMatchObject({ account_type: 'Managed' });
    const instance = (host: string) =>
      login(
        'GET',
        `/common/discovery/instance?api-version=1.1&authorization_endpoint=https://${host}/common/authorize`,
      );
    expect((await instance(new URL(login.base).host)).json()).toMatchObject({
      tenant_discovery_endpoint: expect.stringContaining(login.base),
      metadata: [{ aliases: [new URL(login.base).host] }],
    });
    expect((await instance('login.evil.example')).json()).toMatchObject({ error: 'invalid_instance' });
  });

  it('is nowhere on a plain listener', async () => {
    const answer = await berth.at('login')('GET', '/common/v2.0/.well-known/openid-configuration');
    expect(answer.status).toBe(404);
  });
});

describe('a user with name and password', () => {
  it('gets what az reads: the scope as it was asked for, client_info, id token, and times as numbers', async () => {
    const body = await signIn();
    expect(body).toMatchObject({
      token_type: 'Bearer',
      scope: `${login.management}//.default openid profile`,
      expires_in: 4500,
      ext_expires_in: 4500,
      foci: '1',
      refresh_token: expect.any(String),
    });
    const id = claimsOf(body['id_token']);
    expect(id).toMatchObject({
      tid: berth.tenantId,
      preferred_username: user().username,
      aud: azureCli,
      oid: expect.any(String),
      sub: id['oid'],
      name: expect.any(String),
    });
    const info = JSON.parse(Buffer.from(String(body['client_info']), 'base64url').toString()) as Body;
    expect(info).toEqual({ uid: id['oid'], utid: berth.tenantId });
  });

  it('gets tokens that the published keys verify, for the audience as it was spelled', async () => {
    const keys = (await login('GET', '/common/discovery/v2.0/keys')).json<JSONWebKeySet>();
    const body = await signIn();
    const audience = `${login.management}/`;
    const { payload } = await jwtVerify(String(body['access_token']), createLocalJWKSet(keys), { audience });
    expect(payload).toMatchObject({ ver: '2.0', azp: azureCli, iss: `${login.base}/${berth.tenantId}/v2.0` });
    const first = await login.token(
      {
        client_id: azureCli,
        grant_type: 'password',
        username: user().username,
        password: user().password,
        resource: 'https://management.core.windows.net/',
      },
      '/common/oauth2/token?api-version=1.0',
    );
    expect(first.json()).toMatchObject({
      resource: 'https://management.core.windows.net/',
      expires_in: '4500',
      expires_on: expect.stringMatching(/^[0-9]{10}$/),
      id_token: expect.any(String),
    });
    expect(claimsOf(first.json()['access_token'])).toMatchObject({ ver: '1.0', appid: azureCli });
  });

  it.each([
    ['a wrong password', { password: 'not the password' }, 400, 'invalid_grant', 50126],
    ['an unknown name', { username: 'nobody@e2e.localhost' }, 400, 'invalid_grant', 50126],
    ['a name that is none', { username: '<b>"' }, 400, 'invalid_grant', 50126],
    ['no password', { password: '' }, 400, 'invalid_request', 900144],
    ['an unknown resource', { scope: 'https://evil.example/.default' }, 400, 'invalid_resource', 500011],
    ['a plain resource', { scope: 'http://management.e2e.localhost/.default' }, 400, 'invalid_resource', 500011],
    [
      'two resources',
      { scope: 'https://graph.microsoft.com/.default https://management.azure.com/.default' },
      400,
      'invalid_scope',
      70011,
    ],
    ['an unknown permission', { scope: 'https://graph.microsoft.com/User.Read' }, 400, 'invalid_scope', 70011],
    ['an unknown client', { client_id: '11111111-1111-4111-8111-111111111111' }, 400, 'unauthorized_client', 700016],
    ['a secret of a public client', { client_secret: 'x' }, 401, 'invalid_client', 700025],
    ['a certificate', { client_assertion: 'x' }, 401, 'invalid_client', 700027],
    ['an unknown grant', { grant_type: 'implicit' }, 400, 'unsupported_grant_type', 70003],
    ['a grant that every object has', { grant_type: 'constructor' }, 400, 'unsupported_grant_type', 70003],
  ] as const)('is refused with %s', async (_, change, status, error, number) => {
    const { username, password } = user();
    const form = { client_id: azureCli, grant_type: 'password', username, password, scope: armScope() };
    const answer = await login.token({ ...form, ...change });
    expect(answer.status).toBe(status);
    expect(answer.json()).toMatchObject({
      error,
      error_codes: [number],
      error_description: expect.stringMatching(
        new RegExp(`^AADSTS${number}: .*Trace ID: .*Correlation ID: .*Timestamp: `),
      ),
      timestamp: expect.any(String),
      trace_id: expect.any(String),
      correlation_id: expect.any(String),
    });
    expect(answer.headers['cache-control']).toBe('no-store');
  });

  it('must send each field once, as a form', async () => {
    const twice = await login('POST', '/common/oauth2/v2.0/token', {
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
      body: 'grant_type=password&grant_type=refresh_token',
    });
    expect(twice.json()).toMatchObject({ error: 'invalid_request' });
    const json = await login('POST', '/common/oauth2/v2.0/token', {
      headers: { 'content-type': 'application/json' },
      body: '{"grant_type":"password"}',
    });
    expect(json.json()).toMatchObject({ error: 'invalid_request' });
  });
});

describe('a refresh token', () => {
  it.each([
    ['management', 'https://management.azure.com/.default', 'https://management.azure.com'],
    ['Graph', 'https://graph.microsoft.com//.default', 'https://graph.microsoft.com/'],
    ['registries', 'https://containerregistry.azure.net/.default', 'https://containerregistry.azure.net'],
  ])('serves %s too, at another tenant path than the one it was given at', async (_, scope, audience) => {
    const { refresh_token: token } = await signIn();
    const more = { scope: `${scope} offline_access openid profile` };
    const answer = await login.token(
      { client_id: azureCli, grant_type: 'refresh_token', refresh_token: String(token), ...more },
      `/${berth.tenantId}/oauth2/v2.0/token?client-request-id=11111111-1111-4111-8111-111111111111`,
    );
    expect(answer.status, answer.text).toBe(200);
    expect(claimsOf(answer.json()['access_token'])['aud']).toBe(audience);
    expect(answer.json()['refresh_token']).not.toBe(token);
  });

  it('used twice at once gives the same next one, and ends the chain when an older one comes', async () => {
    const first = (await signIn())['refresh_token'];
    const twice = await Promise.all([refresh(first), refresh(first)]);
    const [one, other] = twice.map((answer) => answer.json()['refresh_token']);
    expect(one).toBe(other);
    const third = (await refresh(one)).json()['refresh_token'];
    const reused = await refresh(first);
    expect(reused.status).toBe(400);
    expect(reused.json()).toMatchObject({ error: 'invalid_grant', error_codes: [54005] });
    // In case it was stolen, the newest is as dead as the oldest.
    expect((await refresh(third)).json()).toMatchObject({ error: 'invalid_grant' });
  });

  it('of a family is one for its clients; what is made up ends nothing', async () => {
    const { refresh_token: token } = await signIn();
    const [chain = '', generation = ''] = String(token).split('.');
    for (const forged of [
      `${chain}.${generation}.${'A'.repeat(43)}`,
      `${chain}.7.${'A'.repeat(43)}`,
      'x',
      `${String(token)}x`,
    ]) {
      expect((await refresh(forged)).json(), forged).toMatchObject({ error: 'invalid_grant' });
    }
    expect((await refresh(token, { client_id: azurePowerShell })).status).toBe(200);
  });

  it.each([
    ['another password', (name: string) => berth.operator('POST', `/users/${name}/password`, {})],
    ['the end of all sessions', (name: string) => berth.operator('POST', `/users/${name}/revoke`)],
    ['disabling the user', (name: string) => berth.operator('PATCH', `/users/${name}`, { enabled: false })],
    ['deleting the user', (name: string) => berth.operator('DELETE', `/users/${name}`)],
  ])('dies with %s', async (what, does) => {
    const name = `${what.replaceAll(' ', '.')}@e2e.localhost`;
    const made = await berth.operator('POST', '/users', { name });
    const body = await signIn({ username: name, password: String(made['password']) });
    await does(name);
    expect((await refresh(body['refresh_token'])).json()).toMatchObject({ error: 'invalid_grant' });
  });
});

describe('an application', () => {
  it('that is not there is refused as one with a wrong secret, in the form and in the header', async () => {
    const id = '22222222-2222-4222-8222-222222222222';
    const form = { grant_type: 'client_credentials', scope: `${login.management}/.default` };
    const posted = await login.token({ ...form, client_id: id, client_secret: 'wrong' });
    expect(posted.status).toBe(401);
    expect(posted.json()).toMatchObject({ error: 'invalid_client', error_codes: [7000215] });
    const basic = await login('POST', '/common/oauth2/v2.0/token', {
      form,
      headers: { authorization: `Basic ${Buffer.from(`${id}:wrong`).toString('base64')}` },
    });
    expect(basic.status).toBe(401);
    expect(basic.headers['www-authenticate']).toBe('Basic realm="login"');
    expect(basic.json()).toMatchObject({ error_codes: [7000215] });
    expect((await login.token({ ...form, client_id: id })).json()).toMatchObject({ error_codes: [7000218] });
  });
});

describe('the record of sign-ins', () => {
  const latest = async (query = '') =>
    (await berth.operator('GET', `/sign-ins?last=1000${query}`))['signIns'] as Record<string, string>[];

  it('has a row for each try, refused or not, and no name that nobody has', async () => {
    const secretName = 'my-password-in-the-wrong-place';
    const { username, password } = user();
    await signIn();
    const wrong = { client_id: azureCli, grant_type: 'password', scope: armScope(), username, password };
    await login.token({ ...wrong, password: 'wrong password here' });
    await login.token({ ...wrong, username: secretName });
    const rows = await latest();
    expect(rows).toContainEqual(
      expect.objectContaining({
        flow: 'password',
        principal: username,
        error: '',
        clientId: azureCli,
        address: '127.0.0.1',
      }),
    );
    expect(rows).toContainEqual(
      expect.objectContaining({ flow: 'password', principal: username, error: '50126 password-wrong' }),
    );
    expect(rows).toContainEqual(expect.objectContaining({ principal: '', error: '50126 password-wrong' }));
    expect(JSON.stringify(rows)).not.toContain(secretName);
    expect(JSON.stringify(rows)).not.toContain(password);
  });

  it('can be asked for one user', async () => {
    await signIn();
    const rows = await latest(`&user=${user().username}`);
    expect(rows.length).toBeGreaterThan(0);
    expect(new Set(rows.map((row) => row['principal']))).toEqual(new Set([user().username]));
    await expect(latest('&user=nobody')).rejects.toThrow('there is no user named "nobody"');
  });
});
