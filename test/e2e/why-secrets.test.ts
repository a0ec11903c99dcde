/* oxlint-disable vitest/no-conditional-expect -- files are looked into, folders are not */
import { readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { expect, it } from 'vitest';
import type { Refusal } from '../../src/content/index.ts';
import { type Answer, basic, type SendOptions } from './_client.ts';
import { ociManifest, openUpload, pushImage } from './_content.ts';
import { startBerth } from './_server.ts';
import { accessToken, postForm } from './_tokens.ts';

const repository = 'team/app';

it('what is refused is remembered without the secret, wherever the secret stood', async () => {
  const berth = await startBerth('--log-level', 'trace');
  try {
    await pushImage(berth.admin, repository, 'v1', 'canary');
    const person = await berth.createToken('holder', { 'team/*': ['content/read'] });
    // The last is what a person would type, and could be a name as well.
    const secrets = [berth.password, person.password, await accessToken(berth.admin), 'Canary-7f3a'];
    const answers: Answer[] = [];
    for (const secret of secrets) {
      const upload = await openUpload(berth.admin, repository);
      const credentials = [
        `Bearer ${secret}`,
        `Bearer x${secret}`,
        `Basic ${secret}`,
        `Token ${secret}`,
        basic('somebody', `x${secret}`),
        basic(secret, 'x'),
        basic(secret, secret),
        basic(berth.username, `x${secret}`),
        basic('00000000-0000-0000-0000-000000000000', `x${secret}`),
      ];
      for (const authorization of credentials) {
        for (const path of [`/v2/${repository}/manifests/v2`, '/v2/_catalog', '/oauth2/token?service=x']) {
          answers.push(await berth.nobody('GET', path, { headers: { authorization } }));
        }
      }
      for (const form of [
        { grant_type: 'password', username: secret, password: 'x' },
        { grant_type: 'password', username: 'somebody', password: secret },
        { grant_type: 'refresh_token', refresh_token: `x${secret}` },
        { grant_type: 'refresh_token', refresh_token: secret },
        { grant_type: secret },
        { grant_type: 'password', username: berth.username, password: `x${secret}`, scope: secret },
      ]) {
        answers.push(await postForm(berth.nobody, form));
      }
      const asked: [method: string, path: string, options?: SendOptions][] = [
        ['GET', `/v2/_catalog?n=${secret}`],
        ['GET', `/v2/_catalog?last=${secret}&n=x`],
        ['GET', `/v2/${repository}/tags/list?n=${secret}`],
        ['GET', `/acr/v1/${repository}/_tags?orderby=${secret}`],
        ['POST', `/v2/${repository}/blobs/uploads/?digest=${secret}`, { body: 'x' }],
        ['POST', `/v2/${repository}/blobs/uploads/?mount=${secret}&from=${secret}`],
        ['PATCH', upload, { body: 'abc', headers: { 'content-range': secret } }],
        ['PUT', `${upload}?digest=${secret}`, { body: 'x' }],
        ['GET', `/v2/${repository}/blobs/sha256:x`, { headers: { range: secret, cookie: secret } }],
        ['PUT', `/v2/${repository}/manifests/x`, { body: secret, headers: { 'content-type': ociManifest } }],
        ['PUT', `/v2/${repository}/manifests/x`, { body: `{"${secret}":1}`, headers: { 'content-type': secret } }],
        [
          'PUT',
          `/v2/${repository}/manifests/x`,
          { body: `{"${secret}":1,"${secret}":2}`, headers: { 'content-type': ociManifest } },
        ],
        ['PUT', `/v2/${repository}/manifests/x`, { body: `{"schemaVersion":2,"mediaType":"${secret}"}` }],
        ['PATCH', `/acr/v1/${repository}`, { body: secret }],
        ['PATCH', `/acr/v1/${repository}`, { body: `{"${secret}":true}` }],
        ['PATCH', `/acr/v1/${repository}`, { body: `{"readEnabled":"${secret}"}` }],
        [
          'GET',
          '/v2/nowhere/',
          { headers: { host: `${secret.toLowerCase().replaceAll(/[^a-z]/g, '')}.e2e.localhost` } },
        ],
      ];
      for (const [method, path, options] of asked) answers.push(await berth.admin(method, path, options));
    }
    const refused = answers.filter(({ status }) => status >= 400);
    expect(refused.length).toBeGreaterThan(150);

    const { refusals } = (await berth.operator('GET', '/refusals?last=1000')) as unknown as { refusals: Refusal[] };
    const told: unknown[] = [refusals];
    for (const answer of refused) {
      told.push(await berth.operator('GET', `/refusals/${String(answer.headers['x-ms-correlation-request-id'])}`));
    }
    expect(refusals.length).toBeGreaterThan(100);
    const said = JSON.stringify(told);
    const database = join(berth.data, 'berth.db');
    const rows = async () => {
      using db = new DatabaseSync(database, { readOnly: true });
      return db.prepare('select told from refusal').all().length;
    };
    await expect.poll(rows, { timeout: 15_000, interval: 200 }).toBeGreaterThan(20);
    for (const secret of secrets) {
      expect(said.includes(secret), `an explanation holds ${secret}`).toBe(false);
      expect(said.includes(Buffer.from(secret).toString('base64').slice(0, 12))).toBe(false);
      for (const name of await readdir(berth.data, { recursive: true })) {
        const path = join(berth.data, name);
        if ((await stat(path)).isFile())
          expect((await readFile(path)).includes(secret), `${name} holds ${secret}`).toBe(false);
      }
    }
    const log = await berth.stop();
    expect(log).toContain('"rule":"password-wrong"');
    for (const secret of secrets) expect(log.includes(secret), `the log holds ${secret}`).toBe(false);
  } finally {
    await berth.stop();
  }
});
