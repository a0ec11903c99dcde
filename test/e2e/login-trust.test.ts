import { createHmac, createPublicKey, type JsonWebKey } from 'node:crypto';
import { readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { exportJWK, generateKeyPair, SignJWT } from 'jose';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { azureCli, claimsOf, type LoginAnswer, type LoginClient, loginClient } from './_login.ts';
import { type Berth, startBerth } from './_server.ts';
import { accessToken } from './_tokens.ts';

let berth: Berth;
let login: LoginClient;
beforeAll(async () => {
  berth = await startBerth('--log-level', 'trace');
  login = await loginClient(berth);
});
afterAll(async () => {
  await berth.stop();
});

type Body = Record<string, unknown>;
const scope = () => `${login.management}//.default offline_access openid profile`;
const signIn = async (
  person: { username: string; password: string },
  more: Record<string, string> = {},
): Promise<Body> => {
  const answer = await login.token({ client_id: azureCli, grant_type: 'password', scope: scope(), ...person, ...more });
  expect(answer.status, answer.text).toBe(200);
  return answer.json();
};
/** What the resource manager answers to a token. */
const manage = async (token: unknown): Promise<number> => {
  const path = `/subscriptions/${berth.subscriptionId}?api-version=2022-12-01`;
  const headers = { authorization: `Bearer ${String(token)}` };
  return (await login('GET', path, { label: 'management', headers })).status;
};
const encode = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url');

describe('an access token of the identity provider', () => {
  it('opens the resource manager for the first user', async () => {
    expect(await manage((await signIn(berth.operatorUser))['access_token'])).toBe(200);
  });

  it('is believed only as it was made (S1)', async () => {
    const body = await signIn(berth.operatorUser);
    const token = String(body['access_token']);
    const [header = '', payload = '', signature = ''] = token.split('.');
    const { kid } = JSON.parse(Buffer.from(header, 'base64url').toString()) as { kid: string };
    const claims = claimsOf(token);
    const published = (await login('GET', '/common/discovery/v2.0/keys')).json<{
      keys: (JsonWebKey & { kid: string })[];
    }>();
    const jwk = published.keys.find((key) => key.kid === kid) ?? {};
    const pem = createPublicKey({ key: jwk, format: 'jwk' }).export({ type: 'spki', format: 'pem' });
    const pair = await generateKeyPair('RS256', { extractable: true });
    const own = await exportJWK(pair.publicKey);
    const signedByUs = (more: object): Promise<string> =>
      new SignJWT(claims).setProtectedHeader({ alg: 'RS256', kid, ...more }).sign(pair.privateKey);
    const hmac = (key: string | Buffer): string => {
      const text = `${encode({ alg: 'HS256', kid })}.${payload}`;
      return `${text}.${createHmac('sha256', key).update(text).digest('base64url')}`;
    };
    const forged = {
      'no algorithm': `${encode({ alg: 'none', kid })}.${payload}.`,
      'no signature': `${header}.${payload}.`,
      'the public key as a secret': hmac(pem),
      'the published key as a secret': hmac(JSON.stringify(jwk)),
      'a key of its own': await signedByUs({}),
      'a key in the header': await signedByUs({ jwk: own }),
      'a key that is far away': await signedByUs({ jku: 'https://evil.example/keys', x5u: 'https://evil.example/x' }),
      'an unknown key': await signedByUs({ kid: 'unknown' }),
      'other claims': `${header}.${encode({ ...claims, exp: 9_999_999_999 })}.${signature}`,
      'a refresh token': String(body['refresh_token']),
      'an id token': String(body['id_token']),
      'a token of a registry': await accessToken(berth.admin, 'registry:catalog:*'),
      'a token for Graph': String(
        (await signIn(berth.operatorUser, { scope: 'https://graph.microsoft.com/.default' }))['access_token'],
      ),
      'another spelling': `${token}=`,
    };
    for (const [what, one] of Object.entries(forged)) expect(await manage(one), what).toBe(401);
    expect(await manage(token)).toBe(200);
  });

  it.each([
    ['another password', (name: string) => berth.operator('POST', `/users/${name}/password`, {})],
    ['the end of all sessions', (name: string) => berth.operator('POST', `/users/${name}/revoke`)],
    ['disabling the user', (name: string) => berth.operator('PATCH', `/users/${name}`, { enabled: false })],
    ['deleting the user', (name: string) => berth.operator('DELETE', `/users/${name}`)],
  ])('dies with the next request after %s (S16)', async (what, does) => {
    const username = `${what.replaceAll(' ', '.')}@e2e.localhost`;
    const { password } = await berth.operator('POST', '/users', { name: username });
    const { access_token: token } = await signIn({ username, password: String(password) });
    // Known, though without any right at the subscription.
    expect(await manage(token)).not.toBe(401);
    await does(username);
    expect(await manage(token)).toBe(401);
  });

  it('of a user whose sessions were ended is replaced by signing in again, with the same password', async () => {
    const username = 'revoked@e2e.localhost';
    const person = {
      username,
      password: String((await berth.operator('POST', '/users', { name: username }))['password']),
    };
    await signIn(person);
    await berth.operator('POST', `/users/${username}/revoke`);
    expect(await manage((await signIn(person))['access_token'])).not.toBe(401);
  });
});

describe('what strangers hear (S7)', () => {
  const anonymous = ({ status, text }: LoginAnswer): string =>
    `${status} ${text.replaceAll(/Trace ID.*?"|"(?:trace_id|correlation_id|timestamp)":"[^"]*"/g, '')}`;

  it('is the same of users and applications that are there and that are not', async () => {
    const { username } = berth.operatorUser;
    const form = { client_id: azureCli, grant_type: 'password', scope: scope(), password: 'not the password' };
    const [there, absent] = [
      anonymous(await login.token({ ...form, username })),
      anonymous(await login.token({ ...form, username: 'nobody@e2e.localhost' })),
    ];
    expect(there).toBe(absent);
    const realm = (name: string) => login('GET', `/common/userrealm/${name}?api-version=1.0`);
    expect((await realm(username)).text).toBe((await realm('nobody@e2e.localhost')).text);
  });

  it('of too many tries is told of any name, with the time to wait', async () => {
    const tries = async (username: string): Promise<LoginAnswer> => {
      const form = { client_id: azureCli, grant_type: 'password', scope: scope(), username, password: 'wrong' };
      for (let n = 0; n < 40; n++) {
        const answer = await login.token(form);
        if (answer.status === 429) return answer;
      }
      throw new Error('nobody was slowed down');
    };
    const { username } = (await berth.operator('POST', '/users', { name: 'guessed' })) as { username?: string };
    const [known, unknown] = [
      await tries(username ?? 'guessed@e2e.localhost'),
      await tries('nobody.else@e2e.localhost'),
    ];
    for (const answer of [known, unknown]) {
      expect(answer.json()).toMatchObject({ error: 'temporarily_unavailable', error_codes: [50053] });
      expect(Number(answer.headers['retry-after'])).toBeGreaterThan(0);
    }
  });
});

describe('secrets of signing in (S17)', () => {
  it('stand in no log and in no file', async () => {
    const { username, password } = berth.operatorUser;
    const made = 'a password of my own making';
    await berth.operator('POST', '/users', { name: 'secretive', password: made });
    const body = await signIn({ username: 'secretive', password: made });
    const device = (
      await login('POST', '/common/oauth2/v2.0/devicecode', { form: { client_id: azureCli, scope: scope() } })
    ).json();
    const inWrongPlace = 'canary-of-the-wrong-field-1f2e';
    await login.token({
      client_id: azureCli,
      grant_type: 'password',
      scope: scope(),
      username: inWrongPlace,
      password: 'x',
    });
    await login.token({
      client_id: inWrongPlace,
      client_secret: inWrongPlace,
      grant_type: 'client_credentials',
      scope: scope(),
    });
    await login('GET', `/common/oauth2/v2.0/authorize?client_id=${inWrongPlace}&state=${inWrongPlace}`);
    await berth.operator('GET', '/sign-ins');
    const secrets = [
      password,
      made,
      inWrongPlace,
      ...['access_token', 'refresh_token', 'id_token'].map((key) => String(body[key])),
      String(device['device_code']),
      String(device['user_code']),
    ];
    for (const path of ['/status', '/users', '/sign-ins?last=1000']) {
      const shown = JSON.stringify(await berth.operator('GET', path));
      for (const secret of secrets) expect(shown.includes(secret), `${path} shows a secret`).toBe(false);
    }
    for (const name of await readdir(berth.data, { recursive: true })) {
      const path = join(berth.data, name);
      if (!(await stat(path)).isFile()) continue;
      const bytes = await readFile(path);
      for (const secret of secrets) expect(bytes.includes(secret), `${name} holds a secret`).toBe(false);
    }
    const log = await berth.stop();
    expect(log).toContain(username);
    for (const secret of secrets) expect(log.includes(secret), `the log holds ${secret.slice(0, 8)}…`).toBe(false);
  });
});
