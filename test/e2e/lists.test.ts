/* oxlint-disable vitest/no-standalone-expect -- a world that could not be made is told at once */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Client } from './_client.ts';
import { digestOf, followLinks, imageOf, indexOf, ociIndex, pushImage, pushManifest } from './_content.ts';
import { type Berth, startBerth } from './_server.ts';
import { accessToken } from './_tokens.ts';

const repository = 'many/tags';
// Byte order puts '-' before digits, digits before capitals, capitals before '_', and that before small letters.
const odd = ['0', '10', '2', 'A', 'Z', '_under', 'a', 'a-b', 'a.b', 'aB', 'a_b', 'ab', 'z'];
const numbered = Array.from({ length: 1010 }, (_, index) => `n${String(index).padStart(4, '0')}`);
const tags = [...odd, ...numbered].sort(bytewise);
const repositories = ['a/b', 'a/c', 'a0', 'a-b', 'a', 'ab', 'b', 'c/d', repository, 'zz/last'].sort(bytewise);

function bytewise(left: string, right: string): number {
  return Buffer.compare(Buffer.from(left), Buffer.from(right));
}

let berth: Berth;
let admin: Client;
beforeAll(async () => {
  berth = await startBerth();
  admin = berth.admin;
  for (const name of repositories) await pushImage(admin, name, 'v', 'same everywhere');
  const body = JSON.stringify(imageOf('tagged'));
  for (let start = 0; start < tags.length; start += 60) {
    const query = tags.slice(start, start + 60).map((tag) => `tag=${tag}`);
    const put = await admin('PUT', `/v2/${repository}/manifests/${digestOf(body)}?${query.join('&')}`, {
      body,
      headers: { 'content-type': 'application/vnd.oci.image.manifest.v1+json' },
    });
    expect(put.status, put.text).toBe(201);
  }
  await admin('DELETE', `/v2/${repository}/manifests/v`);
});
afterAll(() => berth[Symbol.asyncDispose]());

/** Both lists of the specification, with all that is in them. */
const lists = [
  { path: `/v2/${repository}/tags/list`, key: 'tags', all: tags },
  { path: '/v2/_catalog', key: 'repositories', all: repositories },
];

describe.each(lists)('$path', ({ path, key, all }) => {
  const namesOf = (page: Record<string, unknown>) => page[key] as string[];

  it.each([1, 3, 7, 100, 1000])('gives everything in byte order by pages of %i', async (n) => {
    const path1 = n === 1 ? `${path}?n=1&last=${all.at(-6)}` : `${path}?n=${n}`;
    const pages = await followLinks(admin, path1);
    expect(pages.flatMap(namesOf)).toEqual(n === 1 ? all.slice(-5) : all);
    for (const page of pages.slice(0, -1)) expect(namesOf(page)).toHaveLength(n);
  });

  it('has 100 on a page unless asked otherwise, and never more than 1000', async () => {
    expect(namesOf((await admin('GET', path)).json())).toEqual(all.slice(0, 100));
    for (const n of ['1001', '100000', String(2n ** 31n), String(2n ** 63n), String(2n ** 64n - 1n)]) {
      const answer = await admin('GET', `${path}?n=${n}`);
      expect({ n, status: answer.status }).toEqual({ n, status: 200 });
      expect(namesOf(answer.json())).toEqual(all.slice(0, 1000));
    }
  });

  it('is empty for n=0, without Link', async () => {
    const answer = await admin('GET', `${path}?n=0`);
    expect(namesOf(answer.json())).toEqual([]);
    expect(answer.headers['link']).toBeUndefined();
  });

  it('begins behind "last", whether that is there or not', async () => {
    const [first, second, third] = all as [string, string, string];
    expect(namesOf((await admin('GET', `${path}?n=2&last=${first}`)).json())).toEqual([second, third]);
    const between = await admin('GET', `${path}?n=1&last=${second}!`);
    expect(namesOf(between.json())).toEqual([third]);
    expect(namesOf((await admin('GET', `${path}?last=${all.at(-2)}`)).json())).toEqual([all.at(-1)]);
  });

  it.each(['-1', '-0', 'x', '1.5', '1e3', '%20', '0x10', '9'.repeat(40), '+5'])('refuses n=%s', async (n) => {
    const answer = await admin('GET', `${path}?n=${n}`);
    expect({ status: answer.status, code: answer.code }).toEqual({ status: 400, code: 'PAGINATION_NUMBER_INVALID' });
  });

  it('refuses a "last" that cannot have been a name', async () => {
    for (const last of ['%00', 'x'.repeat(600)]) expect((await admin('GET', `${path}?last=${last}`)).status).toBe(400);
  });
});

describe('the list of tags', () => {
  it('names its repository and is 404 where there is none', async () => {
    expect((await admin('GET', `/v2/${repository}/tags/list`)).json()['name']).toBe(repository);
    const none = await admin('GET', '/v2/not/here/tags/list');
    expect({ status: none.status, code: none.code }).toEqual({ status: 404, code: 'NAME_UNKNOWN' });
  });

  it('is an empty list when every manifest is untagged', async () => {
    await pushManifest(admin, 'only/digests', null, indexOf([]), ociIndex);
    const answer = await admin('GET', '/v2/only/digests/tags/list');
    expect({ status: answer.status, body: answer.json() }).toEqual({
      status: 200,
      body: { name: 'only/digests', tags: [] },
    });
    await admin('DELETE', '/acr/v1/only/digests');
  });
});

describe('the catalog', () => {
  it('holds a repository from its first manifest to its last', async () => {
    const has = async () =>
      ((await admin('GET', '/v2/_catalog')).json()['repositories'] as string[]).includes('brief/one');
    expect((await admin('POST', '/v2/brief/one/blobs/uploads/')).status).toBe(202);
    expect(await has()).toBe(false);
    const { digest } = await pushImage(admin, 'brief/one', 'v', 'brief');
    expect(await has()).toBe(true);
    expect((await admin('DELETE', `/v2/brief/one/manifests/${digest}`)).status).toBe(202);
    expect(await has()).toBe(false);
  });

  it('shows a token only what it may read, whatever the page size', async () => {
    const person = await berth.createToken('lister', {
      'a/*': ['content/read'],
      b: ['metadata/read'],
      'c/d': ['content/write'],
      'zz/other': ['content/read'],
    });
    const basic = berth.as(person);
    const bearer = berth.bearer(await accessToken(basic, 'registry:catalog:*'));
    for (const client of [basic, bearer]) {
      for (const path of ['/v2/_catalog', '/acr/v1/_catalog']) {
        for (const n of [1, 2, 3, 100]) {
          const pages = await followLinks(client, `${path}?n=${n}`);
          expect(pages.flatMap((page) => page['repositories'] as string[])).toEqual(['a/b', 'a/c', 'b']);
        }
        expect((await client('GET', `${path}?n=5&last=a/c`)).json()['repositories']).toEqual(['b']);
      }
    }
  });

  it('does not answer a bearer that did not ask for it, nor a token that may only write', async () => {
    const person = await berth.createToken('unlisted', { 'c/*': ['content/read'] });
    const bearer = berth.bearer(await accessToken(berth.as(person), 'repository:c/d:pull'));
    expect((await bearer('GET', '/v2/_catalog')).status).toBe(401);
    const writer = berth.as(await berth.createToken('writer', { 'c/*': ['content/write'] }));
    expect((await writer('GET', '/v2/_catalog')).status).toBe(401);
  });

  it('answers null behind the last page, as acr CLI expects', async () => {
    for (const path of ['/v2/_catalog', '/acr/v1/_catalog']) {
      expect((await admin('GET', `${path}?last=zz/last`)).json()).toEqual({ repositories: null });
    }
  });
});
