/* oxlint-disable vitest/no-conditional-expect -- the cases of a table expect different things */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { basic, type Client, client } from './_client.ts';
import {
  configType,
  digestOf,
  followLinks,
  imageOf,
  indexOf,
  ociIndex,
  ociManifest,
  type Pushed,
  pushBlob,
  pushImage,
  pushManifest,
} from './_content.ts';
import { type Berth, startBerth } from './_server.ts';

const repository = 'lab/app';
const open = { deleteEnabled: true, writeEnabled: true, readEnabled: true, listEnabled: true };
const time = expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{7}Z$/);

let berth: Berth;
let admin: Client;
let image: Pushed;
let index: Pushed;
beforeAll(async () => {
  berth = await startBerth();
  admin = berth.admin;
  const config = await pushBlob(admin, repository, '{"architecture":"arm64","os":"linux"}', configType);
  const layer = await pushBlob(admin, repository, 'a layer');
  image = await pushImage(admin, repository, 'v1', 'image', { config, layers: [layer] });
  await pushManifest(admin, repository, 'v2', image.bytes);
  index = await pushManifest(admin, repository, null, indexOf([image]), ociIndex);
});
afterAll(() => berth[Symbol.asyncDispose]());

const acr = async (path: string, client = admin) => (await client('GET', `/acr/v1/${path}`)).json();
const patch = (path: string, body: unknown) =>
  admin('PATCH', `/acr/v1/${path}`, { body: typeof body === 'string' ? body : JSON.stringify(body) });

describe('/acr/v1', () => {
  it('shows a repository', async () => {
    expect(await acr(repository)).toEqual({
      registry: berth.loginServer,
      imageName: repository,
      createdTime: time,
      lastUpdateTime: time,
      manifestCount: 2,
      tagCount: 2,
      changeableAttributes: open,
    });
  });

  it('names the registry as the client reached it, and by its own name where that is another', async () => {
    const own = berth.loginServer.replace(/:[0-9]+$/, '');
    const asked = async (host: string) => {
      const here = client({ address: berth.address, host, authorization: basic(berth.username, berth.password) });
      return ((await acr(repository, here)) as { registry: string }).registry;
    };
    expect(await asked(own)).toBe(own);
    expect(await asked(`${own.toUpperCase()}:443`)).toBe(own);
    expect(await asked(`${own}:8443`)).toBe(`${own}:8443`);
    expect(await asked('localhost:5000')).toBe(berth.loginServer);
  });

  it('shows tags, all, one, and those of a digest', async () => {
    const tag = (name: string) => ({
      name,
      digest: image.digest,
      createdTime: time,
      lastUpdateTime: time,
      signed: false,
      changeableAttributes: open,
    });
    const heading = { registry: berth.loginServer, imageName: repository };
    expect(await acr(`${repository}/_tags`)).toEqual({ ...heading, tags: [tag('v1'), tag('v2')] });
    expect(await acr(`${repository}/_tags/v1`)).toEqual({ ...heading, tag: tag('v1') });
    expect(await acr(`${repository}/_tags?digest=${encodeURIComponent(image.digest)}`)).toMatchObject({
      tags: [{}, {}],
    });
    expect(await acr(`${repository}/_tags?digest=${index.digest}`)).toMatchObject({ tags: [] });
  });

  it('shows manifests; what is not known is left out', async () => {
    const shownImage = {
      digest: image.digest,
      imageSize: expect.any(Number),
      createdTime: time,
      lastUpdateTime: time,
      architecture: 'arm64',
      os: 'linux',
      mediaType: ociManifest,
      configMediaType: configType,
      tags: ['v1', 'v2'],
      changeableAttributes: open,
    };
    const shownIndex = {
      digest: index.digest,
      imageSize: image.size,
      createdTime: time,
      lastUpdateTime: time,
      mediaType: ociIndex,
      changeableAttributes: open,
    };
    const listed = (await acr(`${repository}/_manifests`))['manifests'] as { digest: string }[];
    const expected = [shownImage, shownIndex].sort((left, right) => (left.digest < right.digest ? -1 : 1));
    expect(listed).toEqual(expected);
    expect((await acr(`${repository}/_manifests/${image.digest}`))['manifest']).toEqual(shownImage);
    expect((await acr(`${repository}/_manifests/${index.digest}`))['manifest']).toEqual({
      ...shownIndex,
      references: [{ digest: image.digest, architecture: 'arm64', os: 'linux' }],
    });
  });

  it('changes attributes one by one and answers the whole (T-REG-8)', async () => {
    for (const [path, key] of [
      [repository, null],
      [`${repository}/_tags/v1`, 'tag'],
      [`${repository}/_manifests/${image.digest}`, 'manifest'],
    ] as const) {
      for (const attribute of Object.keys(open)) {
        for (const enabled of [false, true]) {
          const answer = await patch(path, { [attribute]: enabled });
          expect(answer.status, answer.text).toBe(200);
          const whole = answer.json<Record<string, Record<string, unknown>>>();
          const shown = key === null ? whole : whole[key];
          expect(shown?.['changeableAttributes']).toEqual({ ...open, [attribute]: enabled });
          expect(answer.json()).toEqual(await acr(path));
        }
      }
      expect((await patch(path, {})).status).toBe(200);
      expect((await patch(path, { writeEnabled: null })).status).toBe(200);
    }
  });

  it.each([
    '',
    '[]',
    'null',
    '{',
    '{"writeEnabled":"false"}',
    '{"writeEnabled":0}',
    '{"unknown":true}',
    '{"__proto__":{"writeEnabled":false}}',
    '{"writeEnabled":false,"writeEnabled":true}',
    `{"writeEnabled":${' '.repeat(20_000)}true}`,
  ])('refuses to change attributes by %.40s', async (body) => {
    expect((await patch(repository, body)).status).toBe(400);
    expect(await acr(repository)).toMatchObject({ changeableAttributes: open });
  });

  it('is 404 for what is not there', async () => {
    for (const [path, code] of [
      ['no/such', 'NAME_UNKNOWN'],
      ['no/such/_tags', 'NAME_UNKNOWN'],
      ['no/such/_manifests', 'NAME_UNKNOWN'],
      ['no/such/_tags/v1', 'NAME_UNKNOWN'],
      [`${repository}/_tags/none`, 'MANIFEST_UNKNOWN'],
      [`${repository}/_manifests/${digestOf('none')}`, 'MANIFEST_UNKNOWN'],
    ] as const) {
      const got = await admin('GET', `/acr/v1/${path}`);
      expect({ path, status: got.status, code: got.code }).toEqual({ path, status: 404, code });
      if (!/_(tags|manifests)$/.test(path)) expect((await patch(path, { writeEnabled: true })).status).toBe(404);
    }
    for (const path of ['no/such', `${repository}/_tags/none`]) {
      expect((await admin('DELETE', `/acr/v1/${path}`)).status).toBe(404);
    }
  });
});

describe('untag', () => {
  it('leaves the manifest, where a deletion by digest takes it', async () => {
    const { digest } = await pushImage(admin, 'lab/untag', 'one', 'untag');
    expect((await admin('DELETE', '/acr/v1/lab/untag/_tags/one')).status).toBe(202);
    expect((await admin('GET', `/v2/lab/untag/manifests/${digest}`)).status).toBe(200);
    const shown = (await acr(`lab/untag/_manifests/${digest}`))['manifest'];
    expect(shown).not.toHaveProperty('tags');
    expect((await admin('DELETE', '/acr/v1/lab/untag/_tags/one')).status).toBe(404);
  });
});

describe('deleting a repository', () => {
  it('answers what was in it', async () => {
    const first = await pushImage(admin, 'lab/whole', 'one', 'first');
    const second = await pushImage(admin, 'lab/whole', 'two', 'second');
    const answer = await admin('DELETE', '/acr/v1/lab%2Fwhole');
    expect(answer.status).toBe(202);
    const { manifestsDeleted, tagsDeleted } = answer.json<Record<string, string[]>>();
    expect(manifestsDeleted?.sort()).toEqual([first.digest, second.digest].sort());
    expect(tagsDeleted?.sort()).toEqual(['one', 'two']);
    expect((await admin('GET', '/acr/v1/lab/whole')).status).toBe(404);
  });
});

describe('lists in order of time', () => {
  const many = 'lab/many';
  const names: string[] = [];
  const digests: string[] = [];
  beforeAll(async () => {
    for (let number = 0; number < 30; number++) {
      // Names run against time, so that the two orders cannot be taken for each other.
      const name = `t${String(99 - number)}`;
      const pushed = await pushImage(admin, many, name, name);
      names.push(name);
      digests.push(pushed.digest);
    }
  });

  const tagsOf = (page: Record<string, unknown>) => ((page['tags'] ?? []) as { name: string }[]).map((one) => one.name);
  const digestsOf = (page: Record<string, unknown>) =>
    ((page['manifests'] ?? []) as { digest: string }[]).map((one) => one.digest);

  it.each([1, 7, 30, 100])('come whole by pages of %i', async (n) => {
    const all = async (list: string, order: string) =>
      followLinks(admin, `/acr/v1/${many}/${list}?n=${n}&orderby=${order}`);
    const times = (page: Record<string, unknown>[], key: string) =>
      page.flatMap((one) => ((one[key] ?? []) as { lastUpdateTime: string }[]).map((entry) => entry.lastUpdateTime));
    const ascending = await all('_tags', 'timeasc');
    const descending = await all('_tags', 'timedesc');
    expect(ascending.flatMap(tagsOf).sort()).toEqual([...names].sort());
    expect(times(ascending, 'tags')).toEqual(times(ascending, 'tags').sort());
    expect(descending.flatMap(tagsOf)).toEqual(ascending.flatMap(tagsOf).reverse());
    expect((await all('_tags', 'none')).flatMap(tagsOf)).toEqual([...names].sort());
    expect((await all('_tags', '')).flatMap(tagsOf)).toEqual([...names].sort());
    const manifests = await all('_manifests', 'timedesc');
    expect(manifests.flatMap(digestsOf).sort()).toEqual([...digests].sort());
    expect((await all('_manifests', 'timeasc')).flatMap(digestsOf)).toEqual(manifests.flatMap(digestsOf).reverse());
  });

  it('keep filter and order in the Link', async () => {
    await pushImage(admin, many, 'extra', 'extra');
    const body = imageOf('extra');
    await pushManifest(admin, many, 'extra2', body);
    const digest = digestOf(JSON.stringify(body));
    const pages = await followLinks(
      admin,
      `/acr/v1/${many}/_tags?n=1&orderby=timedesc&digest=${encodeURIComponent(digest)}`,
    );
    expect(pages.flatMap(tagsOf).sort()).toEqual(['extra', 'extra2']);
    await admin('DELETE', `/v2/${many}/manifests/${digest}`);
  });

  it('refuse an order or a place that is none', async () => {
    for (const query of ['orderby=random', 'orderby=time_desc', 'orderby=timedesc&last=never-there', 'n=-1']) {
      expect((await admin('GET', `/acr/v1/${many}/_tags?${query}`)).status, query).toBe(400);
    }
  });

  it('end with null, not with an empty list, as acr CLI expects', async () => {
    const last = names.toSorted().at(-1);
    expect(await acr(`${many}/_tags?last=${last}`)).toMatchObject({ tags: null });
    const lastDigest = digests.toSorted().at(-1);
    expect(await acr(`${many}/_manifests?last=${lastDigest}`)).toMatchObject({ manifests: null });
  });

  it('go on behind a page that was deleted, as acr purge does', async () => {
    const seen: string[] = [];
    for (let path = `/acr/v1/${many}/_tags?n=7&orderby=timedesc`; ; ) {
      const page = await admin('GET', path);
      expect(page.status, page.text).toBe(200);
      const tags = tagsOf(page.json());
      if (tags.length === 0) {
        expect(page.json()['tags']).toBeNull();
        break;
      }
      seen.push(...tags);
      for (const tag of tags) expect((await admin('DELETE', `/acr/v1/${many}/_tags/${tag}`)).status).toBe(202);
      path = `/acr/v1/${many}/_tags?n=7&orderby=timedesc&last=${tags.at(-1)}`;
    }
    expect(seen.toSorted()).toEqual(names.toSorted());

    const gone: string[] = [];
    await pushImage(admin, many, 'kept', 'kept');
    for (let path = `/acr/v1/${many}/_manifests?n=7&orderby=timedesc`; ; ) {
      const found = digestsOf((await admin('GET', path)).json());
      if (found.length === 0) break;
      for (const digest of found) {
        if (digest === digestOf(JSON.stringify(imageOf('kept')))) continue;
        gone.push(digest);
        expect((await admin('DELETE', `/v2/${many}/manifests/${digest}`)).status).toBe(202);
      }
      path = `/acr/v1/${many}/_manifests?n=7&orderby=timedesc&last=${found.at(-1)}`;
    }
    expect(gone.toSorted()).toEqual(digests.toSorted());
  });
});
