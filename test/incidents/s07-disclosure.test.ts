// S7, disclosure. Harbor told everybody which repositories and users exist (CVE-2020-29662, CVE-2019-19030,
// CVE-2020-13794), and GHCR's redirects named the storage behind it. Answers to those without rights are compared for all
// routes in test/e2e/authorization.test.ts; here are time, lists, users and what errors and headers say.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Answer, basic, type Client } from '../e2e/_client.ts';
import { digestOf, followLinks, openUpload, type Pushed, pushBlob, pushImage } from '../e2e/_content.ts';
import { type Berth, startBerth } from '../e2e/_server.ts';
import { accessToken, postForm } from '../e2e/_tokens.ts';

const hidden = 'hidden/project';
const absent = 'absent/project';

let berth: Berth;
let stranger: Client;
let image: Pushed;
beforeAll(async () => {
  berth = await startBerth();
  image = await pushImage(berth.admin, hidden, 'v1', 'hidden');
  await pushBlob(berth.admin, hidden, Buffer.alloc(300_000, 'h'));
  await pushImage(berth.admin, 'open/app', 'v1', 'open');
  stranger = berth.as(await berth.createToken('stranger', { 'open/*': ['content/read', 'metadata/read'] }));
});
afterAll(() => berth[Symbol.asyncDispose]());

/** Everything of an answer but what differs from request to request. */
function shapeOf({ status, headers, text: said }: Answer, ...names: string[]): string {
  const { date: _date, 'x-ms-correlation-request-id': id, connection: _c, 'keep-alive': _k, ...kept } = headers;
  // The id of the request stands in the message as well, for the operator.
  const text = said.replaceAll(String(id), 'ID');
  return names.reduce((shape, name) => shape.replaceAll(name, 'NAME'), JSON.stringify({ status, headers: kept, text }));
}

const paths = (name: string): string[] => [
  `/v2/${name}/manifests/v1`,
  `/v2/${name}/manifests/${image.digest}`,
  `/v2/${name}/blobs/${digestOf('{}')}`,
  `/v2/${name}/tags/list`,
  `/v2/${name}/referrers/${image.digest}`,
  `/acr/v1/${name}`,
  `/acr/v1/${name}/_tags/v1`,
];

describe('what is there and what is not (S7)', () => {
  it('answers alike to who may not see it, by password, by bearer and without either', async () => {
    const bearer = berth.bearer(await accessToken(stranger, `repository:${hidden}:pull`, `repository:${absent}:pull`));
    for (const who of [stranger, bearer, berth.nobody]) {
      for (const [index, path] of paths(hidden).entries()) {
        const [here, gone] = [await who('GET', path), await who('GET', paths(absent)[index] ?? '')];
        expect(here.status).toBe(401);
        expect(shapeOf(here, hidden)).toBe(shapeOf(gone, absent));
      }
    }
  });

  it('takes the same time to refuse', async () => {
    const rounds = 80;
    for (const who of [stranger, berth.nobody]) {
      const times: [number[], number[]] = [[], []];
      for (let round = 0; round < rounds; round++) {
        for (const [index, name] of [hidden, absent].entries()) {
          const started = performance.now();
          await who('GET', `/v2/${name}/manifests/v1`);
          times[index as 0 | 1].push(performance.now() - started);
        }
      }
      const [here, gone] = times.map((list) => list.toSorted((a, b) => a - b)[rounds / 2] ?? 0) as [number, number];
      // Coarse: a look-up more or a disk read would show, the noise of a busy machine does not.
      expect(Math.abs(here - gone), `${here.toFixed(2)} and ${gone.toFixed(2)} ms`).toBeLessThan(
        Math.max(here, gone) / 2 + 1,
      );
    }
  });

  it('gets the same token, whatever exists', async () => {
    const scopes = (name: string) => accessToken(stranger, `repository:${name}:pull,push,delete,metadata_read`);
    const accessOf = (token: string) =>
      (JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString()) as { access: unknown }).access;
    expect(accessOf(await scopes(hidden))).toEqual([]);
    expect(accessOf(await scopes(absent))).toEqual([]);
  });

  it('are the same registries to who has no account there', async () => {
    const [there, nowhere] = [berth.at(berth.registry), berth.at('nosuchregistry')];
    // Names of registries are names of hosts, which DNS and certificates tell; what is in them is not told.
    expect((await there('GET', '/v2/')).status).toBe(401);
    expect((await nowhere('GET', '/v2/')).status).toBe(404);
    for (const name of [hidden, absent]) expect((await there('GET', `/v2/${name}/tags/list`)).status).toBe(401);
  });
});

describe('who is there and who is not (S7)', () => {
  const wrong = 'x'.repeat(43);
  const people = () => [berth.username, 'stranger', 'nobody-here', 'x', '0'];

  it('is not told by the refusal of a password, at any door', async () => {
    const doors: ((user: string) => Promise<Answer>)[] = [
      (user) => berth.nobody('GET', '/v2/', { headers: { authorization: basic(user, wrong) } }),
      (user) => berth.nobody('GET', '/oauth2/token?service=x', { headers: { authorization: basic(user, wrong) } }),
      (user) => postForm(berth.nobody, { grant_type: 'password', username: user, password: wrong }),
    ];
    for (const door of doors) {
      const shapes = [];
      for (const user of people()) shapes.push(shapeOf(await door(user)));
      expect(new Set(shapes).size, shapes.join('\n')).toBe(1);
    }
  });
});

describe('lists (S7)', () => {
  it('hold only what the caller may see, on every page and behind every place', async () => {
    for (const path of ['/v2/_catalog', '/acr/v1/_catalog']) {
      const names = (await followLinks(stranger, `${path}?n=1`)).flatMap(
        (page) => (page['repositories'] ?? []) as string[],
      );
      expect(names).toEqual(['open/app']);
      for (const last of ['', 'hidden', 'hidden/projecs', hidden, 'h', 'a'])
        expect((await stranger('GET', `${path}?last=${last}`)).text).not.toContain('hidden');
      expect((await berth.nobody('GET', path)).status).toBe(401);
    }
  });

  it('of an anonymous caller hold nothing, also where everybody may pull', async () => {
    await berth.operator('PATCH', `/registries/${berth.registry}`, { anonymousPull: true });
    try {
      for (const path of ['/v2/_catalog', '/acr/v1/_catalog']) {
        const answer = await berth.nobody('GET', path);
        expect(answer.status).toBe(401);
        expect(answer.text).not.toContain('open');
      }
    } finally {
      await berth.operator('PATCH', `/registries/${berth.registry}`, { anonymousPull: false });
    }
  });
});

describe('what answers say of the inside (S7)', () => {
  it('is nothing: no folder, no engine, no version, no storage', async () => {
    const upload = await openUpload(berth.admin, 'open/app');
    const asked: [string, string, object?][] = [
      ['GET', `/v2/open/app/blobs/${digestOf('{}')}`],
      ['GET', '/v2/open/app/manifests/v1'],
      ['GET', '/v2/open/app/manifests/none'],
      ['GET', '/v2/open/app/blobs/sha256:x'],
      ['PUT', '/v2/open/app/manifests/v1', { body: '{"a":' }],
      ['PATCH', '/acr/v1/open/app', { body: '{"a":1}' }],
      ['PATCH', upload, { body: 'x', headers: { 'content-range': '9-9' } }],
      ['GET', '/nothing'],
      ['BREW', '/v2/'],
    ];
    const inside = [berth.data, 'sqlite', 'SQLITE', 'node_modules', '.ts:', 'berth.db', 'at async', '/blobs/objects'];
    for (const [method, path, options] of asked) {
      const answer = await berth.admin(method === 'BREW' ? 'REPORT' : method, path, options ?? {});
      const said = JSON.stringify(answer.headers) + (answer.status < 300 ? '' : answer.text);
      for (const word of inside) expect(said, `${method} ${path}`).not.toContain(word);
      for (const header of ['server', 'x-powered-by', 'via', 'x-ms-copy-source', 'last-modified', 'location']) {
        if (header === 'location' && path === upload) continue;
        expect(answer.headers[header], `${header} of ${method} ${path}`).toBeUndefined();
      }
    }
  });
});
