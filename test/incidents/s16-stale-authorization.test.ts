// S16, stale rights. zot went on with groups that the provider had taken away (CVE-2025-23208), Gitea answered from cached
// permissions (CVE-2026-27775) and left scopes out under Basic (CVE-2026-28699). Berth reads rights for each request.
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Client } from '../e2e/_client.ts';
import { pushImage } from '../e2e/_content.ts';
import { type Berth, type Person, startBerth } from '../e2e/_server.ts';
import { accessToken, postForm } from '../e2e/_tokens.ts';

const repository = 'team/app';
const scope = `repository:${repository}:pull`;

let berth: Berth;
let commits = 0;
beforeAll(async () => {
  berth = await startBerth();
  await pushImage(berth.admin, repository, 'v1', 'revocation');
});
afterAll(() => berth[Symbol.asyncDispose]());

async function refreshToken(person: Person): Promise<string> {
  const form = { grant_type: 'password', access_type: 'offline', username: person.username, password: person.password };
  return String((await postForm(berth.nobody, form)).json()['refresh_token']);
}

const statusOf = async (client: Client) => (await client('GET', `/v2/${repository}/manifests/v1`)).status;
const statusOfRefresh = async (refresh: string) =>
  (await postForm(berth.nobody, { grant_type: 'refresh_token', scope, refresh_token: refresh })).status;

describe('the very next request feels (S16)', () => {
  it('that a token was deleted: by Basic, by bearers issued before, and by refresh tokens', async () => {
    const person = await berth.createToken('deleted', { [repository]: ['content/read'] });
    const clients = [berth.as(person), berth.bearer(await accessToken(berth.as(person), scope))];
    const refresh = await refreshToken(person);
    for (const client of clients) expect(await statusOf(client)).toBe(200);
    await berth.operator('DELETE', '/registries/-/tokens/deleted');
    for (const client of clients) expect(await statusOf(client)).toBe(401);
    expect(await statusOfRefresh(refresh)).toBe(401);

    const again = await berth.createToken('deleted', { [repository]: ['content/read'] });
    expect(await statusOf(berth.as(again))).toBe(200);
    for (const client of clients) expect(await statusOf(client)).toBe(401);
    expect(await statusOfRefresh(refresh)).toBe(401);
  });

  it('that a password has expired, for tokens that it gave too', async () => {
    const expires = Date.now() + 1500;
    const person = await berth.createToken('expiring', { [repository]: ['content/read'] }, expires);
    const clients = [berth.as(person), berth.bearer(await accessToken(berth.as(person), scope))];
    for (const client of clients) expect(await statusOf(client)).toBe(200);
    await expect.poll(() => statusOf(berth.as(person)), { timeout: 10_000 }).toBe(401);
    for (const client of clients) expect(await statusOf(client)).toBe(401);
    expect(Date.now()).toBeGreaterThanOrEqual(expires);
  });

  it('that an admin password was renewed: tokens of the old one die, those of the other live', async () => {
    const shown = (await berth.operator('GET', '/registries/-/credentials')) as {
      passwords: { name: string; value: string }[];
    };
    const passwordOf = (name: string) => shown.passwords.find((one) => one.name === name)?.value ?? '';
    const [first, second] = ['password', 'password2'].map((name) => ({
      username: berth.username,
      password: passwordOf(name),
    })) as [Person, Person];
    const old = [berth.as(second), berth.bearer(await accessToken(berth.as(second), scope))];
    const kept = [berth.as(first), berth.bearer(await accessToken(berth.as(first), scope))];
    const refresh = await refreshToken(second);
    for (const client of [...old, ...kept]) expect(await statusOf(client)).toBe(200);
    const renewed = (await berth.operator('POST', '/registries/-/credentials/password2')) as typeof shown;
    for (const client of old) expect(await statusOf(client)).toBe(401);
    for (const client of kept) expect(await statusOf(client)).toBe(200);
    expect(await statusOfRefresh(refresh)).toBe(401);
    const fresh = renewed.passwords.find((one) => one.name === 'password2')?.value ?? '';
    expect(fresh).not.toBe(second.password);
    expect(await statusOf(berth.as({ username: berth.username, password: fresh }))).toBe(200);
  });

  it('that the admin user was switched off, and on again', async () => {
    const bearer = berth.bearer(await accessToken(berth.admin, scope));
    await berth.operator('PATCH', `/registries/${berth.registry}`, { adminEnabled: false });
    for (const client of [berth.admin, bearer]) expect(await statusOf(client)).toBe(401);
    await berth.operator('PATCH', `/registries/${berth.registry}`, { adminEnabled: true });
    for (const client of [berth.admin, bearer]) expect(await statusOf(client)).toBe(200);
  });

  it('that anonymous pull was switched off', async () => {
    await berth.operator('PATCH', `/registries/${berth.registry}`, { anonymousPull: true });
    const bearer = berth.bearer(await accessToken(berth.nobody, scope));
    for (const client of [berth.nobody, bearer]) expect(await statusOf(client)).toBe(200);
    await berth.operator('PATCH', `/registries/${berth.registry}`, { anonymousPull: false });
    for (const client of [berth.nobody, bearer]) expect(await statusOf(client)).toBe(401);
  });

  it('that its registry was deleted and made anew under the same name', async () => {
    const make = async () => {
      await berth.operator('POST', '/registries', { name: 'mortal', adminEnabled: true });
      const shown = (await berth.operator('GET', '/registries/mortal/credentials')) as {
        passwords: { value: string }[];
      };
      return `Basic ${Buffer.from(`mortal:${shown.passwords[0]?.value}`).toString('base64')}`;
    };
    const authorization = await make();
    const token = await accessToken(berth.at('mortal', authorization));
    expect((await berth.at('mortal', `Bearer ${token}`)('GET', '/v2/')).status).toBe(200);
    await berth.operator('DELETE', '/registries/mortal');
    expect((await berth.at('mortal', `Bearer ${token}`)('GET', '/v2/')).status).toBe(404);
    await make();
    for (const credential of [authorization, `Bearer ${token}`]) {
      expect((await berth.at('mortal', credential)('GET', '/v2/')).status).toBe(401);
    }
  });

  it('that a token was disabled, and works again when it is not', async () => {
    const person = await berth.createToken('switched', { [repository]: ['content/read'] });
    const clients = [berth.as(person), berth.bearer(await accessToken(berth.as(person), scope))];
    const refresh = await refreshToken(person);
    const turn = (status: string) => change(`update token set status = ? where name = 'switched'`, status);
    for (const client of clients) expect(await statusOf(client)).toBe(200);
    turn('disabled');
    await afterAnotherCommit();
    for (const client of clients) expect(await statusOf(client)).toBe(401);
    expect(await statusOfRefresh(refresh)).toBe(401);
    turn('enabled');
    await afterAnotherCommit();
    for (const client of clients) expect(await statusOf(client)).toBe(200);
  });

  it('that its scope map was narrowed, by the same token and the same password', async () => {
    const person = await berth.createToken('narrowed', { 'team/*': ['content/read', 'content/delete'] });
    const clients = [berth.as(person), berth.bearer(await accessToken(berth.as(person), `repository:${repository}:*`))];
    for (const client of clients) expect(await statusOf(client)).toBe(200);
    const actions = JSON.stringify(['repositories/team/other/content/read']);
    change(`update scope_map set actions = ?, stamp = stamp || '0' where name = 'narrowed'`, actions);
    await afterAnotherCommit();
    for (const client of clients) {
      expect(await statusOf(client)).toBe(401);
      expect((await client('DELETE', `/v2/${repository}/manifests/v1`)).status).toBe(401);
    }
  });

  it('the same scope under Basic and under Bearer', async () => {
    const person = await berth.createToken('bounded', { [repository]: ['content/read'] });
    const bearer = berth.bearer(await accessToken(berth.as(person), `repository:${repository}:pull,push,delete`));
    for (const client of [berth.as(person), bearer]) {
      expect(await statusOf(client)).toBe(200);
      for (const [method, path] of [
        ['POST', `/v2/${repository}/blobs/uploads/`],
        ['DELETE', `/v2/${repository}/manifests/v1`],
        ['DELETE', `/acr/v1/${repository}`],
        ['GET', `/acr/v1/${repository}`],
        ['GET', '/v2/team/other/tags/list'],
      ] as const) {
        expect((await client(method, path)).status, `${method} ${path}`).toBe(401);
      }
    }
  });
});

/** Changes a row where no command does yet; the rights that requests read are in it. */
function change(sql: string, value: string): void {
  const database = new DatabaseSync(join(berth.data, 'berth.db'));
  try {
    database.exec('pragma busy_timeout = 5000');
    database.prepare(sql).run(value);
  } finally {
    database.close();
  }
}

/** The server keeps what it read until its own next commit, since it alone writes; this is one. */
async function afterAnotherCommit(): Promise<void> {
  await pushImage(berth.admin, 'commits/app', 'v1', `commit ${commits++}`);
}
