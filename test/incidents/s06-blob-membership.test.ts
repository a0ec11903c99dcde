// S6, blobs without membership. zot served any blob by digest through any repository (CVE-2024-39897); in Distribution a
// deleted blob came back through the shared cache (CVE-2026-35172); Gitea mounted what the caller could not read.
// What a mount itself does is in test/e2e/mount.test.ts.
import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Answer, Client } from '../e2e/_client.ts';
import { digestOf, imageOf, ociManifest, pushBlob, pushImage } from '../e2e/_content.ts';
import { type Berth, startBerth } from '../e2e/_server.ts';
import { accessToken } from '../e2e/_tokens.ts';
import { secondRegistry } from './_matrix.ts';

let berth: Berth;
let second: Client;
beforeAll(async () => {
  berth = await startBerth();
  second = (await secondRegistry(berth, 'secondone')).admin;
});
afterAll(() => berth[Symbol.asyncDispose]());

/** Blobs of both kinds: those that are rows, and are cached, and those that are files. */
const sizes = [{ size: 900 }, { size: 200_000 }];

async function expectHidden(who: Client, repository: string, digest: string): Promise<void> {
  for (const method of ['GET', 'HEAD'] as const) {
    for (const headers of [{}, { range: 'bytes=0-3' }, { 'if-none-match': `"${digest}"` }, { 'if-none-match': '*' }]) {
      const answer = await who(method, `/v2/${repository}/blobs/${digest}`, { headers });
      expect({ method, headers, status: answer.status }).toEqual({ method, headers, status: 404 });
    }
  }
}

const mount = (who: Client, into: string, digest: string, from?: string): Promise<Answer> =>
  who('POST', `/v2/${into}/blobs/uploads/?mount=${digest}${from === undefined ? '' : `&from=${from}`}`);

describe.each(sizes)('a blob of $size bytes (S6)', ({ size }) => {
  it('is hidden from other repositories, whether caches are cold or warm', async () => {
    const bytes = randomBytes(size);
    const { digest } = await pushBlob(berth.admin, 'vault/a', bytes);
    await pushImage(berth.admin, 'open/b', 'v1', `beside ${size}`);
    await expectHidden(berth.admin, 'open/b', digest);
    expect((await berth.admin('GET', `/v2/vault/a/blobs/${digest}`)).body.equals(bytes)).toBe(true);
    await expectHidden(berth.admin, 'open/b', digest);
    await expectHidden(berth.admin, 'vault', digest);
    await expectHidden(berth.admin, 'vault/a/b', digest);
  });

  it('is gone at once where it was deleted, also from the cache, and stays elsewhere', async () => {
    const bytes = randomBytes(size);
    const { digest } = await pushBlob(berth.admin, 'vault/gone', bytes);
    await pushBlob(berth.admin, 'vault/kept', bytes);
    for (const name of ['gone', 'kept']) {
      expect((await berth.admin('GET', `/v2/vault/${name}/blobs/${digest}`)).body.equals(bytes)).toBe(true);
    }
    expect((await berth.admin('DELETE', `/v2/vault/gone/blobs/${digest}`)).status).toBe(202);
    await expectHidden(berth.admin, 'vault/gone', digest);
    expect((await berth.admin('GET', `/v2/vault/kept/blobs/${digest}`)).body.equals(bytes)).toBe(true);
    await expectHidden(berth.admin, 'vault/gone', digest);
    expect((await berth.admin('DELETE', `/v2/vault/kept/blobs/${digest}`)).status).toBe(202);
    for (const name of ['gone', 'kept']) await expectHidden(berth.admin, `vault/${name}`, digest);
    expect((await mount(berth.admin, 'vault/again', digest, 'vault/kept')).status).toBe(202);
    expect((await mount(berth.admin, 'vault/again', digest)).status).toBe(202);
  });

  it('goes with its repository', async () => {
    const bytes = randomBytes(size);
    await pushImage(berth.admin, 'vault/whole', 'v1', `whole ${size}`);
    const { digest } = await pushBlob(berth.admin, 'vault/whole', bytes);
    expect((await berth.admin('GET', `/v2/vault/whole/blobs/${digest}`)).status).toBe(200);
    expect((await berth.admin('DELETE', '/acr/v1/vault/whole')).status).toBe(202);
    await expectHidden(berth.admin, 'vault/whole', digest);
    await pushImage(berth.admin, 'vault/whole', 'v1', `whole ${size}`);
    await expectHidden(berth.admin, 'vault/whole', digest);
  });

  it('is mounted only with the right to read the source and to write the target', async () => {
    const { digest } = await pushBlob(berth.admin, 'vault/source', randomBytes(size));
    const rights: Record<string, [source: string[], target: string[], status: number]> = {
      'neither right': [[], [], 401],
      'the source alone': [['content/read'], [], 401],
      'the target alone': [[], ['content/write', 'content/read'], 202],
      'writing the source': [['content/write'], ['content/write', 'content/read'], 202],
      'metadata of the source': [['metadata/read'], ['content/write', 'content/read'], 202],
      'reading the target': [['content/read'], ['content/read'], 401],
      'both rights': [['content/read'], ['content/write', 'content/read'], 201],
    };
    for (const [index, [who, [source, target, status]]] of Object.entries(rights).entries()) {
      const name = `mounter-${size}-${index}`;
      const into = `target/${name}`;
      const grants = { 'vault/source': source, [into]: target, 'unrelated/x': ['content/read'] };
      const client = berth.as(await berth.createToken(name, grants));
      const scopes = [`repository:vault/source:pull,push`, `repository:${into}:pull,push`];
      const bearer = berth.bearer(await accessToken(client, ...scopes));
      for (const one of [client, bearer]) {
        for (const from of ['vault/source', undefined]) {
          const answer = await mount(one, into, digest, from);
          expect({ who, from, status: answer.status }).toEqual({ who, from, status });
        }
      }
      expect((await berth.admin('HEAD', `/v2/${into}/blobs/${digest}`)).status).toBe(status === 201 ? 200 : 404);
    }
  });

  it('is not mounted by a bearer that did not ask for the source, though its holder may read it', async () => {
    const { digest } = await pushBlob(berth.admin, 'vault/narrow', randomBytes(size));
    const bearer = berth.bearer(await accessToken(berth.admin, 'repository:target/narrow:pull,push'));
    for (const from of ['vault/narrow', undefined]) {
      expect((await mount(bearer, 'target/narrow', digest, from)).status).toBe(202);
    }
    await expectHidden(berth.admin, 'target/narrow', digest);
  });

  it('is another one in another registry, with the same digest', async () => {
    const bytes = randomBytes(size);
    const { digest } = await pushBlob(berth.admin, 'vault/twin', bytes);
    expect((await berth.admin('GET', `/v2/vault/twin/blobs/${digest}`)).status).toBe(200);
    await expectHidden(second, 'vault/twin', digest);
    await pushBlob(second, 'vault/twin', bytes);
    expect((await berth.admin('DELETE', `/v2/vault/twin/blobs/${digest}`)).status).toBe(202);
    await expectHidden(berth.admin, 'vault/twin', digest);
    expect((await second('GET', `/v2/vault/twin/blobs/${digest}`)).body.equals(bytes)).toBe(true);
  });

  it('is not proven by a manifest that names it', async () => {
    const bytes = randomBytes(size);
    const { digest } = await pushBlob(berth.admin, 'vault/named', bytes);
    await pushBlob(berth.admin, 'open/claims', '{}');
    const layer = { mediaType: 'application/vnd.oci.image.layer.v1.tar', digest, size };
    const body = JSON.stringify(imageOf('claims', { layers: [layer] }));
    const headers = { 'content-type': ociManifest };
    const put = await berth.admin('PUT', '/v2/open/claims/manifests/v1', { body, headers });
    expect({ status: put.status, code: put.code }).toEqual({ status: 404, code: 'MANIFEST_BLOB_UNKNOWN' });
    await expectHidden(berth.admin, 'open/claims', digest);
  });
});

describe('a manifest (S6)', () => {
  it('is hidden from other repositories and registries, warm or cold', async () => {
    const image = await pushImage(berth.admin, 'vault/manifest', 'v1', 'secret manifest');
    await pushImage(berth.admin, 'open/manifest', 'v1', 'another');
    for (let warm = 0; warm < 2; warm++) {
      for (const who of [berth.admin, second]) {
        const path = `/v2/open/manifest/manifests/${image.digest}`;
        expect((await who('GET', path, { headers: { 'if-none-match': '*' } })).status).toBe(404);
      }
      expect((await second('GET', `/v2/vault/manifest/manifests/${image.digest}`)).status).toBe(404);
      expect((await berth.admin('GET', `/v2/vault/manifest/manifests/${image.digest}`)).status).toBe(200);
    }
    expect((await berth.admin('DELETE', `/v2/vault/manifest/manifests/${image.digest}`)).status).toBe(202);
    for (const reference of ['v1', image.digest]) {
      expect((await berth.admin('GET', `/v2/vault/manifest/manifests/${reference}`)).status).toBe(404);
    }
  });
});

describe('where everybody may pull (S6)', () => {
  it('nobody still needs the repository that holds the blob', async () => {
    const { digest } = await pushBlob(berth.admin, 'vault/anonymous', 'public bytes');
    await berth.operator('PATCH', `/registries/${berth.registry}`, { anonymousPull: true });
    try {
      await expectHidden(berth.nobody, 'open/b', digest);
      expect((await berth.nobody('GET', `/v2/vault/anonymous/blobs/${digest}`)).text).toBe('public bytes');
      expect((await mount(berth.nobody, 'open/b', digest, 'vault/anonymous')).status).toBe(401);
    } finally {
      await berth.operator('PATCH', `/registries/${berth.registry}`, { anonymousPull: false });
    }
    expect((await berth.nobody('GET', `/v2/vault/anonymous/blobs/${digest}`)).status).toBe(401);
    expect(digest).toBe(digestOf('public bytes'));
  });
});
