import { readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Answer, basic } from './_client.ts';
import { pushImage } from './_content.ts';
import { exchangeRaw } from './_raw.ts';
import { type Berth, startBerth } from './_server.ts';
import { accessToken, postForm } from './_tokens.ts';

const canary = 'canary-in-the-coal-mine-7f3a';

let berth: Berth;
let another: Berth;
beforeAll(async () => {
  [berth, another] = await Promise.all([startBerth('--log-level', 'trace'), startBerth()]);
});
afterAll(async () => {
  await another[Symbol.asyncDispose]();
  await berth.stop();
});

describe('secrets (S17)', () => {
  it('stand in no log line and in no error, however they are offered', async () => {
    const person = await berth.createToken('holder', { 'team/*': ['content/read'] });
    const form = {
      grant_type: 'password',
      access_type: 'offline',
      username: person.username,
      password: person.password,
    };
    await pushImage(berth.admin, 'team/app', 'v1', 'secrets');
    const issued = (await postForm(berth.nobody, form)).json();
    const access = await accessToken(berth.admin, 'repository:team/app:pull');
    const secrets = [
      canary,
      berth.password,
      person.password,
      String(issued['access_token']),
      String(issued['refresh_token']),
      access,
    ];

    const answers: Answer[] = [];
    for (const secret of secrets) {
      const credentials = [
        `Bearer ${secret}`,
        `Bearer ${secret} `,
        `Basic ${secret}`,
        `Token ${secret}`,
        basic('somebody', secret),
        basic(secret, 'x'),
        basic(`a\u0000b`, secret),
      ];
      for (const authorization of credentials.filter((text) => !text.includes('\u0000'))) {
        answers.push(await berth.nobody('GET', '/v2/team/app/manifests/v2', { headers: { authorization } }));
        answers.push(await berth.nobody('GET', '/oauth2/token?service=x', { headers: { authorization } }));
      }
      answers.push(await postForm(berth.nobody, { grant_type: 'password', username: 'somebody', password: secret }));
      answers.push(await postForm(berth.nobody, { grant_type: 'refresh_token', refresh_token: `${secret}x` }));
      answers.push(await postForm(berth.nobody, { grant_type: 'refresh_token', refresh_token: `x${secret}` }));
      answers.push(await berth.nobody('GET', `/v2/?password=${secret}&access_token=${secret}`));
      answers.push(await berth.nobody('GET', '/v2/', { headers: { cookie: secret, 'x-registry-auth': secret } }));
      await exchangeRaw(berth.address, `GET /v2/ HTTP/1.1\r\nAuthorization: Bearer ${secret}\r\nbroken\r\n\r\n`);
    }
    for (const answer of answers) {
      const said = JSON.stringify(answer.headers) + (answer.status === 200 ? '' : answer.text);
      for (const secret of secrets) expect(said).not.toContain(secret);
    }

    // What is kept may not hold them in clear either: the password of the admin is sealed, the others are hashed.
    for (const name of await readdir(berth.data, { recursive: true })) {
      const path = join(berth.data, name);
      if (!(await stat(path)).isFile()) continue;
      const bytes = await readFile(path);
      for (const secret of secrets) expect(bytes.includes(secret), `${name} holds a secret`).toBe(false);
    }

    const log = await berth.stop();
    expect(log.split('\n').length).toBeGreaterThan(answers.length);
    for (const secret of secrets) {
      expect(log.includes(secret)).toBe(false);
      expect(log.includes(Buffer.from(`somebody:${secret}`).toString('base64'))).toBe(false);
      expect(log.includes(Buffer.from(secret).toString('base64').slice(0, 40))).toBe(false);
    }
  });
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
});
