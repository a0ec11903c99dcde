// S5, upload sessions. Quay bound a session to nothing but its UUID, and whoever learned it wrote into the other's layer
// (CVE-2026-32589). A Berth session belongs to identity, repository and registry; for all others it is not there.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Client, client } from '../e2e/_client.ts';
import { digestOf, openUpload } from '../e2e/_content.ts';
import { type Berth, startBerth } from '../e2e/_server.ts';
import { accessToken } from '../e2e/_tokens.ts';
import { secondRegistry } from './_matrix.ts';

const repository = 'team/app';
const rights = ['content/read', 'content/write', 'content/delete'];

let berth: Berth;
let owner: Client;
let second: Client;
beforeAll(async () => {
  berth = await startBerth();
  owner = berth.as(await berth.createToken('owner', { 'team/*': rights }));
  second = (await secondRegistry(berth, 'secondone')).admin;
});
afterAll(() => berth[Symbol.asyncDispose]());

const digest = digestOf('begun, ended');

/** Tries everything on a session; each try must hear 404, as for a session that never was. */
async function expectNotThere(who: Client, location: string): Promise<void> {
  const tries: [string, string, { body?: string; headers?: Record<string, string> }][] = [
    ['GET', location, {}],
    ['HEAD', location, {}],
    ['PATCH', location, { body: 'stolen' }],
    ['PATCH', location, { body: 'stolen', headers: { 'content-range': '6-11' } }],
    ['PUT', `${location}?digest=${digest}`, { body: 'stolen' }],
    ['PUT', `${location}?digest=${digestOf('')}`, {}],
    ['DELETE', location, {}],
  ];
  for (const [method, path, options] of tries) {
    const answer = await who(method, path, options);
    const seen = { method, path, status: answer.status, range: answer.headers['range'] };
    expect(seen, answer.text).toEqual({ method, path, status: 404, range: undefined });
    if (method !== 'HEAD') expect(answer.code).toBe('BLOB_UPLOAD_UNKNOWN');
  }
}

describe('an upload session (S5)', () => {
  it('is not there for other identities, other repositories and other registries, and goes on for its own', async () => {
    const location = await openUpload(owner, repository);
    expect((await owner('PATCH', location, { body: 'begun,' })).status).toBe(202);
    const id = location.split('/').at(-1) ?? '';
    const twin = berth.as(await berth.createToken('twin-token', { 'team/*': rights }));
    const twinBearer = berth.bearer(await accessToken(twin, `repository:${repository}:pull,push,delete`));
    for (const who of [berth.admin, twin, twinBearer]) await expectNotThere(who, location);
    await expectNotThere(owner, `/v2/team/other/blobs/uploads/${id}`);
    await expectNotThere(second, location);
    expect((await berth.nobody('PATCH', location, { body: 'stolen' })).status).toBe(401);
    const bearer = berth.bearer(await accessToken(owner, `repository:${repository}:pull,push`));
    expect((await bearer('GET', location)).headers['range']).toBe('0-5');
    expect((await owner('PUT', `${location}?digest=${digest}`, { body: ' ended' })).status).toBe(201);
    expect((await owner('GET', `/v2/${repository}/blobs/${digest}`)).text).toBe('begun, ended');
  });

  it('of an identity by one password is the same identity by the other', async () => {
    const made = (await berth.operator('POST', '/registries/-/tokens', {
      name: 'two-passwords',
      actions: rights.map((action) => `repositories/team/*/${action}`),
    })) as { passwords: { value: string }[] };
    const [one, two] = made.passwords.map(({ value }) => berth.as({ username: 'two-passwords', password: value }));
    const location = await openUpload(one as Client, repository);
    expect((await (two as Client)('GET', location)).status).toBe(204);
  });

  it('of everybody belongs to nobody: who is not signed in opens none, also where everybody may pull', async () => {
    await berth.operator('PATCH', `/registries/${berth.registry}`, { anonymousPull: true });
    try {
      const tried = await berth.nobody('POST', `/v2/${repository}/blobs/uploads/`);
      expect(tried.status).toBe(401);
    } finally {
      await berth.operator('PATCH', `/registries/${berth.registry}`, { anonymousPull: false });
    }
  });

  it('has an id that tells nothing about the next one', async () => {
    const ids = new Set<string>();
    for (let count = 0; count < 50; count++) ids.add((await openUpload(owner, 'team/many')).split('/').at(-1) ?? '');
    expect(ids.size).toBe(50);
    const [first = '', ...others] = ids;
    expect(first).toMatch(/^[0-9a-f]{81}$/);
    // 128 random bits: two ids agree in about one digit of sixteen, and hardly ever in half of them.
    for (const id of others) {
      const alike = id

        // Region, algorithm and time come first.
        .slice(17)
        .split('')
        .filter((c, index) => c === first[index + 17]).length;
      expect(alike, `${first} ${id}`).toBeLessThan(16);
    }
  });

  it('is not there under an id that only looks like its own', async () => {
    const location = await openUpload(owner, repository);
    const [base, id = ''] = [location.slice(0, location.lastIndexOf('/') + 1), location.split('/').at(-1)];
    const odd = [
      id.toUpperCase(),
      `${id}%00`,
      `${id}%0a`,
      `%20${id}`,
      id.slice(0, -1),
      `${id}0`,
      `${id}%2f`,
      `./${id}`,
    ];
    odd.push(
      id.replace(/^./, (c) => `%${c.charCodeAt(0).toString(16)}%00`),
      `${id};x`,
      `${id}%3fdigest=x`,
      '-',
      '*',
      '%25',
    );
    odd.push('0'.repeat(36), 'f'.repeat(36), `{${id}}`, 'x'.repeat(5000));
    for (const one of odd) {
      if (one === id) continue;
      for (const method of ['GET', 'PATCH', 'DELETE'] as const) {
        const { status } = await owner(method, `${base}${one}`, method === 'PATCH' ? { body: 'x' } : {});
        expect([400, 404], `${method} ${one}`).toContain(status);
      }
    }
    // One encoding is the same as none: what names the session is what is decoded.
    const encoded = id
      .split('')
      .map((c) => `%${c.charCodeAt(0).toString(16)}`)
      .join('');
    expect((await owner('GET', `${base}${encoded}`)).status).toBe(204);
    expect((await client({ address: berth.address })('GET', `${base}${encoded}`)).status).toBe(401);
  });

  it('of a token that was deleted is not there for a new token of the same name', async () => {
    const old = berth.as(await berth.createToken('phoenix', { 'team/*': rights }));
    const location = await openUpload(old, repository);
    await old('PATCH', location, { body: 'left behind' });
    await berth.operator('DELETE', '/registries/-/tokens/phoenix');
    const risen = berth.as(await berth.createToken('phoenix', { 'team/*': rights }));
    await expectNotThere(risen, location);
  });
});
