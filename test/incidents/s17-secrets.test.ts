// S17, secrets that are seen. zot logged the Authorization header (CVE-2025-48374), Harbor wrote its LDAP and OIDC secrets
// into the audit log (GHSA-prh4), Quay's stood in the list of processes (#5813), Dragonfly answered its client secret to
// anybody (CVE-2026-49254). The first start is watched in test/start/first-start.test.ts.
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { readdir, readFile, stat } from 'node:fs/promises';
import { type IncomingMessage, request } from 'node:http';
import { join } from 'node:path';
import { text as streamText } from 'node:stream/consumers';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Answer, basic } from '../e2e/_client.ts';
import { pushImage } from '../e2e/_content.ts';
import { exchangeRaw } from '../e2e/_raw.ts';
import { type Berth, startBerth } from '../e2e/_server.ts';
import { accessToken, postForm } from '../e2e/_tokens.ts';

const canary = 'canary-in-the-coal-mine-7f3a';

let berth: Berth;
beforeAll(async () => {
  berth = await startBerth('--log-level', 'trace', '--management-listen', '127.0.0.1:0');
});
afterAll(async () => {
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

    // What the operator is shown beside the one answer that is for showing them.
    const paths = ['/status', '/config', '/registries', '/registries/-', '/registries/-/tokens', '/healthz', '/readyz'];
    for (const path of paths) {
      const shown = JSON.stringify(await berth.operator('GET', path));
      for (const secret of secrets) expect(shown.includes(secret), `${path} shows a secret`).toBe(false);
    }
    const pages = await metricsPage(berth);
    for (const secret of secrets) expect(pages.includes(secret), 'metrics show a secret').toBe(false);

    // Nor does any process of the server hold one where others can look: its arguments, its environment, its name.
    const { pid } = await berth.operator('GET', '/status');
    for (const one of [Number(pid), ...(await childrenOf(Number(pid)))]) {
      for (const file of ['cmdline', 'environ', 'comm', 'stat']) {
        const text = readFileSync(`/proc/${one}/${file}`, 'latin1');
        for (const secret of secrets) expect(text.includes(secret), `/proc/${one}/${file} shows a secret`).toBe(false);
      }
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

/** The metrics as they are scraped, over the management socket. */
async function metricsPage(running: Berth): Promise<string> {
  const run = JSON.parse(await readFile(join(running.data, 'run.json'), 'utf8')) as { socket: string };
  const asked = request({ socketPath: run.socket, path: '/metrics' });
  asked.end();
  const [response] = (await once(asked, 'response')) as [IncomingMessage];
  expect(response.statusCode).toBe(200);
  return await streamText(response);
}

async function childrenOf(pid: number): Promise<number[]> {
  const text = await readFile(`/proc/${pid}/task/${pid}/children`, 'utf8');
  return text.split(' ').filter(Boolean).map(Number);
}
