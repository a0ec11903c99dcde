import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Client } from './_client.ts';
import { pushImage } from './_content.ts';
import { type Berth, type Person, startBerth } from './_server.ts';
import { accessToken, postForm } from './_tokens.ts';

const repository = 'team/app';
const scope = `repository:${repository}:pull`;

let berth: Berth;
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
});
