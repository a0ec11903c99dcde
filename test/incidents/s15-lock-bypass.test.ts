// S15, locks by another verb. zot's immutable tags were overwritten through a push by digest with several tags
// (CVE-2026-31801, #4266), Quay's through a deletion by digest, and Distribution deleted tags with deletion off
// (CVE-2026-41888). Every operation against every switch is in test/e2e/locks.test.ts; here: the ways around.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Answer, type Client, client } from '../e2e/_client.ts';
import {
  digestOf,
  imageOf,
  indexOf,
  ociIndex,
  ociManifest,
  openUpload,
  type Pushed,
  pushBlob,
  pushImage,
  pushManifest,
} from '../e2e/_content.ts';
import { type Berth, startBerth } from '../e2e/_server.ts';
import { accessToken } from '../e2e/_tokens.ts';

let berth: Berth;
let admin: Client;
let worlds = 0;
beforeAll(async () => {
  berth = await startBerth();
  admin = berth.admin;
});
afterAll(() => berth[Symbol.asyncDispose]());

/** A repository with the image `v1`. */
async function open(): Promise<{ repository: string; image: Pushed }> {
  const repository = `locked/r${worlds++}`;
  return { repository, image: await pushImage(admin, repository, 'v1', repository) };
}

async function lock(path: string, change: object = { writeEnabled: false }): Promise<void> {
  const answer = await admin('PATCH', `/acr/v1/${path}`, { body: JSON.stringify(change) });
  expect(answer.status, answer.text).toBe(200);
}

const put = (repository: string, reference: string, body: string | Buffer, type = ociManifest): Promise<Answer> =>
  admin('PUT', `/v2/${repository}/manifests/${reference}`, { body, headers: { 'content-type': type } });

const newcomer = JSON.stringify(imageOf('newcomer'));

async function expectKept(repository: string, image: Pushed): Promise<void> {
  const got = await admin('GET', `/v2/${repository}/manifests/v1`);
  expect(got.headers['docker-content-digest']).toBe(image.digest);
  expect(got.body.equals(image.bytes)).toBe(true);
}

describe('a locked tag (S15)', () => {
  it('is not moved by a push of many tags, in whatever place it stands, and no other tag is set', async () => {
    for (const switches of [{ writeEnabled: false }, { writeEnabled: false, deleteEnabled: false }]) {
      const { repository, image } = await open();
      await lock(`${repository}/_tags/v1`, switches);
      for (const tags of [['v1'], ['a', 'v1', 'b'], ['v1', 'v1'], ['z', 'z', 'v1'], [...Array(63).fill('x'), 'v1']]) {
        const query = tags.map((tag) => `tag=${tag}`).join('&');
        expect((await put(repository, `${digestOf(newcomer)}?${query}`, newcomer)).status, query).toBe(405);
      }
      expect((await admin('GET', `/v2/${repository}/tags/list`)).json()['tags']).toEqual(['v1']);
      await expectKept(repository, image);
    }
  });

  it('is not moved under another spelling of its path', async () => {
    const { repository, image } = await open();
    await lock(`${repository}/_tags/v1`);
    for (const path of [
      `/v2/${repository}/manifests/%76%31`,
      `/v2/${repository.replace('/', '%2f')}/manifests/v1`,
      `//v2//${repository}//manifests//v1`,
      `/v2/${repository}/manifests/v1/`,
      `/v2/${repository}/manifests/v1?tag=`,
    ]) {
      const answer = await admin('PUT', path, { body: newcomer, headers: { 'content-type': ociManifest } });
      expect([400, 404, 405], path).toContain(answer.status);
      expect([400, 404, 405], path).toContain((await admin('DELETE', path)).status);
    }
    await expectKept(repository, image);
  });

  it('is not lost with its manifest, its repository, an index above it or the tag beside it', async () => {
    const { repository, image } = await open();
    await put(repository, 'beside', image.bytes);
    await lock(`${repository}/_tags/v1`, { deleteEnabled: false });
    const index = await pushManifest(admin, repository, 'index', indexOf([image]), ociIndex);
    expect((await admin('DELETE', `/v2/${repository}/manifests/${image.digest}`)).status).toBe(405);
    expect((await admin('DELETE', `/acr/v1/${repository}`)).status).toBe(405);
    expect((await admin('DELETE', `/v2/${repository}/manifests/${index.digest}`)).status).toBe(202);
    expect((await admin('DELETE', `/v2/${repository}/manifests/beside`)).status).toBe(202);
    await expectKept(repository, image);
  });

  it('is a lock for every identity and every kind of credential', async () => {
    const { repository, image } = await open();
    await lock(`${repository}/_tags/v1`);
    const all = ['content/read', 'content/write', 'content/delete', 'metadata/read'];
    const person = berth.as(await berth.createToken(`pusher-${worlds}`, { [repository]: all }));
    const bearer = berth.bearer(await accessToken(admin, `repository:${repository}:*`));
    for (const who of [person, bearer]) {
      const headers = { 'content-type': ociManifest };
      const path = `/v2/${repository}/manifests/v1`;
      expect((await who('PUT', path, { body: newcomer, headers })).status).toBe(405);
      expect((await who('DELETE', path)).status).toBe(405);
    }
    // Who may push and delete may still not take the lock off.
    for (const target of ['', '/_tags/v1', `/_manifests/${image.digest}`]) {
      const answer = await person('PATCH', `/acr/v1/${repository}${target}`, { body: '{"writeEnabled":true}' });
      expect(answer.status).toBe(401);
    }
    await expectKept(repository, image);
  });
});

describe('a locked manifest (S15)', () => {
  it('stays with its blobs: neither a deletion by digest nor one of its blobs takes it', async () => {
    const { repository } = await open();
    const layer = await pushBlob(admin, repository, 'a layer of it');
    const image = await pushImage(admin, repository, 'v1', 'with a layer', { layers: [layer] });
    await lock(`${repository}/_manifests/${image.digest}`, { deleteEnabled: false });
    for (const path of [
      `/v2/${repository}/manifests/${image.digest}`,
      `/acr/v1/${repository}`,
      `/v2/${repository}/blobs/${layer.digest}`,
      `/v2/${repository}/blobs/${digestOf('{}')}`,
    ]) {
      expect((await admin('DELETE', path)).status, path).toBe(405);
    }
    expect((await admin('GET', `/v2/${repository}/blobs/${layer.digest}`)).text).toBe('a layer of it');
    await expectKept(repository, image);
  });
});

describe('a locked repository (S15)', () => {
  it('takes nothing: no push, no mount, no upload from before, no tag, no first manifest', async () => {
    const { repository, image } = await open();
    await pushBlob(admin, 'locked/source', 'to mount');
    const begun = await openUpload(admin, repository);
    await admin('PATCH', begun, { body: 'beg' });
    await lock(repository);
    const digest = digestOf('to mount');
    const tries: [string, string, object][] = [
      ['POST', `/v2/${repository}/blobs/uploads/?mount=${digest}&from=locked/source`, {}],
      ['POST', `/v2/${repository}/blobs/uploads/?mount=${digest}`, {}],
      ['POST', `/v2/${repository}/blobs/uploads/?mount=${digestOf('{}')}`, {}],
      ['POST', `/v2/${repository}/blobs/uploads/`, {}],
      ['POST', `/v2/${repository}/blobs/uploads/?digest=${digestOf('new')}`, { body: 'new' }],
      ['PUT', `${begun}?digest=${digestOf('begun')}`, { body: 'un' }],
      ['PUT', `/v2/${repository}/manifests/v2`, { body: image.bytes }],
      ['PUT', `/v2/${repository}/manifests/${image.digest}?tag=v2`, { body: image.bytes }],
      ['DELETE', `/v2/${repository}/manifests/v1`, {}],
      ['DELETE', `/acr/v1/${repository}/_tags/v1`, {}],
      ['DELETE', `/v2/${repository}/blobs/${digestOf('{}')}`, {}],
      ['DELETE', `/acr/v1/${repository}`, {}],
    ];
    for (const [method, path, options] of tries) {
      expect((await admin(method, path, options)).status, `${method} ${path}`).toBe(405);
    }
    expect((await admin('HEAD', `/v2/${repository}/blobs/${digest}`)).status).toBe(404);
    expect((await admin('GET', `/v2/${repository}/tags/list`)).json()['tags']).toEqual(['v1']);
    await expectKept(repository, image);
  });

  it('with reading off cannot be read by range, condition, HEAD, tag, digest, mount or list', async () => {
    const { repository, image } = await open();
    const { digest } = await pushBlob(admin, repository, `read ${repository}`);
    await admin('GET', `/v2/${repository}/blobs/${digest}`);
    await lock(repository, { readEnabled: false });
    for (const path of [`blobs/${digest}`, 'manifests/v1', `manifests/${image.digest}`]) {
      for (const headers of [
        {},
        { range: 'bytes=0-1' },
        { 'if-none-match': `"${digest}"` },
        { 'if-none-match': '*' },
      ]) {
        for (const method of ['GET', 'HEAD']) {
          expect((await admin(method, `/v2/${repository}/${path}`, { headers })).status, `${method} ${path}`).toBe(405);
        }
      }
    }
    expect((await admin('POST', `/v2/locked/thief/blobs/uploads/?mount=${digest}&from=${repository}`)).status).toBe(
      202,
    );
  });
});

describe('the change of a lock (S15)', () => {
  it('is one for all of its switches, and a refused one changes none', async () => {
    const { repository } = await open();
    for (const body of [
      '{"writeEnabled":false,"x":1}',
      '{"writeEnabled":false,"readEnabled":"no"}',
      '{"writeEnabled":0}',
    ]) {
      expect((await admin('PATCH', `/acr/v1/${repository}/_tags/v1`, { body })).status).toBe(400);
    }
    const shown = (await admin('GET', `/acr/v1/${repository}/_tags/v1`)).json<{ tag: Record<string, object> }>();
    expect(shown.tag['changeableAttributes']).toMatchObject({ writeEnabled: true, readEnabled: true });
  });

  it('at the same time as pushes leaves no push behind it', async () => {
    const { repository } = await open();
    const racing = client({ address: berth.address, authorization: `Basic ${basicOf()}` });
    const pushes = Array.from({ length: 20 }, (_, n) => {
      const body = JSON.stringify(imageOf(`race ${n}`));
      return racing('PUT', `/v2/${repository}/manifests/v1`, { body, headers: { 'content-type': ociManifest } });
    });
    const [, ...answers] = await Promise.all([lock(`${repository}/_tags/v1`), ...pushes]);
    const held = (await admin('GET', `/v2/${repository}/manifests/v1`)).headers['docker-content-digest'];
    for (const answer of answers) expect([201, 405]).toContain(answer.status);
    expect((await put(repository, 'v1', newcomer)).status).toBe(405);
    expect((await admin('GET', `/v2/${repository}/manifests/v1`)).headers['docker-content-digest']).toBe(held);
  });
});

function basicOf(): string {
  return Buffer.from(`${berth.username}:${berth.password}`).toString('base64');
}
