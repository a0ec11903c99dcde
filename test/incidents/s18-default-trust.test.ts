// S18, credentials and trust by default. Harbor and Dragonfly shipped with known passwords and keys (CVE-2026-4404,
// CVE-2023-27584); Gitea's image believed `X-WEBAUTH-USER` from anybody (CVE-2026-20896).
import { readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { configKeys } from '../../src/main/config-schema.ts';
import { type Berth, startBerth } from '../e2e/_server.ts';
import { signingKeyOf } from '../e2e/_tokens.ts';

let berth: Berth;
let another: Berth;
beforeAll(async () => {
  [berth, another] = await Promise.all([startBerth(), startBerth()]);
});
afterAll(async () => {
  await another[Symbol.asyncDispose]();
  await berth[Symbol.asyncDispose]();
});

describe('a first start (S18)', () => {
  it('has no credentials that could be guessed, and no others than last time elsewhere', async () => {
    expect(another.password).not.toBe(berth.password);
    expect(another.password).toMatch(/^[A-Za-z0-9_-]{43}$/);
    expect(another.username).not.toBe(berth.username);
    for (const [username, password] of [
      ['admin', 'admin'],
      ['admin', 'password'],
      ['root', 'root'],
      ['', ''],
      [another.username, ''],
      [another.username, another.username],
      [another.username, 'password'],
      [berth.username, berth.password],
      ['00000000-0000-0000-0000-000000000000', ''],
    ] as const) {
      expect((await another.as({ username, password })('GET', '/v2/')).status, username).toBe(401);
    }
  });

  it('believes nobody who only says who he is', async () => {
    for (const name of [
      'x-webauth-user',
      'x-forwarded-user',
      'x-remote-user',
      'remote-user',
      'x-ms-client-principal-name',
    ]) {
      const headers = { [name]: another.username, 'x-forwarded-for': '127.0.0.1', 'x-forwarded-proto': 'https' };
      const answer = await another.nobody('GET', '/v2/', { headers });
      expect(answer.status).toBe(401);
      expect(answer.headers['www-authenticate']).toContain(`realm="http://${another.address}/`);
    }
    const forwarded = await another.nobody('GET', '/v2/', { headers: { 'x-forwarded-host': 'evil.example' } });
    expect(forwarded.headers['www-authenticate']).not.toContain('evil');
  });

  it('keeps its files for itself', async () => {
    for (const name of await readdir(another.data, { recursive: true })) {
      const { mode } = await stat(join(another.data, name));
      expect((mode & 0o077).toString(8), name).toBe('0');
    }
  });

  it('makes every secret and name anew', async () => {
    for (const file of ['root.key', 'ca.pem', 'ca.json', 'berth.json']) {
      const [here, there] = await Promise.all([berth, another].map(({ data }) => readFile(join(data, file), 'utf8')));
      expect(here, file).not.toBe(there);
    }
    const [mine, theirs] = await Promise.all([berth, another].map((one) => signingKeyOf(one)));
    expect(mine?.kid).not.toBe(theirs?.kid);
    expect(mine?.publicJwk['n']).not.toBe(theirs?.publicJwk['n']);
    const shown = async (one: Berth) => {
      const { passwords } = (await one.operator('GET', '/registries/-/credentials')) as {
        passwords: { value: string }[];
      };
      return passwords.map(({ value }) => value);
    };
    const secrets = [...(await shown(berth)), ...(await shown(another))];
    expect(new Set(secrets).size).toBe(4);
    const ids = await Promise.all([berth, another].map((one) => one.operator('GET', '/status')));
    for (const key of ['tenantId', 'subscriptionId']) expect(ids[0]?.[key]).not.toBe(ids[1]?.[key]);
  });

  it('listens for this machine alone, unless it is told otherwise', () => {
    for (const [key, { default: value }] of Object.entries(configKeys)) {
      if (key.endsWith('.listen')) expect(value, key).toMatch(/^(off|127\.0\.0\.1:\d+)$/);
    }
  });

  it('lets nobody but the admin in: no anonymous pull, no token, no registry more', async () => {
    const fresh = await another.operator('GET', '/registries');
    expect(fresh['registries']).toHaveLength(1);
    expect(await another.operator('GET', '/registries/-')).toMatchObject({ anonymousPullEnabled: false });
    expect(await another.operator('GET', '/registries/-/tokens')).toEqual({ tokens: [] });
    const made = await another.operator('POST', '/registries', { name: 'freshone' });
    expect(made).toMatchObject({ adminUserEnabled: false, anonymousPullEnabled: false });
    expect((await another.at('freshone')('GET', '/v2/')).status).toBe(401);
  });
});

describe('headers that proxies set (S18)', () => {
  const names = ['x-webauth-user', 'x-remote-user', 'remote-user', 'x-forwarded-user', 'x-authenticated-userid'];
  names.push(
    'x-ms-client-principal',
    'x-ms-client-principal-id',
    'x-original-url',
    'x-rewrite-url',
    'x-http-method-override',
  );
  names.push(
    'x-registry-auth',
    'x-meta-source-client',
    'x-auth-request-user',
    'x-real-ip',
    'true-client-ip',
    'forwarded',
  );
  names.push(
    'x-forwarded-for',
    'x-forwarded-host',
    'x-forwarded-proto',
    'x-forwarded-prefix',
    'x-forwarded-port',
    'via',
  );

  it('from anybody change nothing: not who asks, not what is asked, not what the answer says', async () => {
    const shape = (answer: { status: number; headers: object; text: string }) => {
      const { date: _d, 'x-ms-correlation-request-id': id, ...headers } = answer.headers as Record<string, unknown>;
      return { status: answer.status, headers, text: answer.text.replaceAll(String(id), 'ID') };
    };
    for (const path of ['/v2/', '/v2/_catalog', '/v2/a/b/tags/list', '/oauth2/token?service=x']) {
      const plain = shape(await berth.nobody('GET', path));
      for (const name of names) {
        for (const value of [
          berth.username,
          'evil.example',
          'DELETE',
          '/v2/',
          '127.0.0.1',
          'for=127.0.0.1;host=evil.example',
        ]) {
          const answer = await berth.nobody('GET', path, { headers: { [name]: value } });
          expect(shape(answer), `${name}: ${value}`).toEqual(plain);
        }
      }
    }
    const all = Object.fromEntries(names.map((name) => [name, 'evil.example']));
    const pushed = await berth.admin('POST', '/v2/a/b/blobs/uploads/', { headers: all });
    expect(pushed.status).toBe(202);
    expect(JSON.stringify(pushed.headers)).not.toContain('evil');
  });
});
