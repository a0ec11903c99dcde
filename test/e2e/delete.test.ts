import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Client } from './_client.ts';
import { digestOf, imageOf, indexOf, ociIndex, pushBlob, pushImage, pushManifest } from './_content.ts';
import { type Berth, startBerth } from './_server.ts';

const repository = 'team/delete';

let berth: Berth;
let admin: Client;
beforeAll(async () => {
  berth = await startBerth();
  admin = berth.admin;
});
afterAll(() => berth[Symbol.asyncDispose]());

const manifest = (method: string, reference: string) => admin(method, `/v2/${repository}/manifests/${reference}`);

describe('deleting', () => {
  it('a tag leaves the manifest and its other tags', async () => {
    const { digest } = await pushImage(admin, repository, 'one', 'tagged twice');
    await pushImage(admin, repository, 'two', 'tagged twice');
    expect((await manifest('DELETE', 'one')).status).toBe(202);
    expect((await manifest('GET', 'one')).status).toBe(404);
    for (const reference of ['two', digest]) expect((await manifest('GET', reference)).status).toBe(200);
    const again = await manifest('DELETE', 'one');
    expect({ status: again.status, code: again.code }).toEqual({ status: 404, code: 'MANIFEST_UNKNOWN' });
  });

  it('a manifest takes every tag on it along', async () => {
    const { digest } = await pushImage(admin, repository, 'three', 'gone');
    await pushImage(admin, repository, 'four', 'gone');
    expect((await manifest('DELETE', digest)).status).toBe(202);
    for (const reference of ['three', 'four', digest]) {
      for (const method of ['GET', 'HEAD']) expect((await manifest(method, reference)).status).toBe(404);
    }
    const tags = (await admin('GET', `/v2/${repository}/tags/list`)).json()['tags'];
    expect(tags).not.toContain('three');
    expect((await manifest('DELETE', digest)).status).toBe(404);
  });

  it('and pushing again brings a manifest back, without its old tags', async () => {
    const { digest } = await pushImage(admin, repository, 'back', 'back again');
    await manifest('DELETE', digest);
    await pushManifest(admin, repository, null, imageOf('back again'));
    expect((await manifest('GET', digest)).status).toBe(200);
    expect((await manifest('GET', 'back')).status).toBe(404);
  });

  it('a child leaves the index as it was pushed', async () => {
    const child = await pushImage(admin, repository, null, 'child');
    const index = await pushManifest(admin, repository, 'index', indexOf([child]), ociIndex);
    expect((await manifest('DELETE', child.digest)).status).toBe(202);
    expect((await manifest('GET', 'index')).body.equals(index.bytes)).toBe(true);
    expect((await manifest('GET', child.digest)).status).toBe(404);
  });

  it('a blob is 202, then 404; one that a manifest names is refused until the manifest is gone', async () => {
    const loose = await pushBlob(admin, repository, 'loose');
    const path = `/v2/${repository}/blobs/${loose.digest}`;
    expect((await admin('DELETE', path)).status).toBe(202);
    expect((await admin('GET', path)).status).toBe(404);
    const again = await admin('DELETE', path);
    expect({ status: again.status, code: again.code }).toEqual({ status: 404, code: 'BLOB_UNKNOWN' });

    const layer = await pushBlob(admin, repository, 'a layer in use');
    const image = await pushImage(admin, repository, 'uses', 'uses', { layers: [layer] });
    const used = `/v2/${repository}/blobs/${layer.digest}`;
    const refused = await admin('DELETE', used);
    expect({ status: refused.status, code: refused.code }).toEqual({ status: 405, code: 'UNSUPPORTED' });
    expect((await admin('GET', used)).text).toBe('a layer in use');
    await manifest('DELETE', image.digest);
    expect((await admin('DELETE', used)).status).toBe(202);
  });

  it('in a repository that is not there is 404', async () => {
    const digest = digestOf('x');
    for (const path of [`manifests/${digest}`, 'manifests/v1', `blobs/${digest}`]) {
      expect((await admin('DELETE', `/v2/not/here/${path}`)).status).toBe(404);
    }
  });

  it('the last manifest takes the repository off every list, and a push brings it back', async () => {
    const { digest } = await pushImage(admin, 'team/brief', 'v1', 'brief');
    await admin('DELETE', `/v2/team/brief/manifests/${digest}`);
    expect((await admin('GET', '/v2/team/brief/tags/list')).status).toBe(404);
    expect((await admin('GET', '/acr/v1/team/brief')).status).toBe(404);
    await pushImage(admin, 'team/brief', 'v2', 'brief');
    expect((await admin('GET', '/v2/team/brief/tags/list')).json()).toEqual({ name: 'team/brief', tags: ['v2'] });
  });

  it('a repository takes blobs and manifests out of reach', async () => {
    const layer = await pushBlob(admin, 'team/whole', 'whole');
    const { digest } = await pushImage(admin, 'team/whole', 'v1', 'whole', { layers: [layer] });
    expect((await admin('DELETE', '/acr/v1/team/whole')).status).toBe(202);
    for (const path of [`manifests/${digest}`, 'manifests/v1', `blobs/${layer.digest}`]) {
      expect((await admin('GET', `/v2/team/whole/${path}`)).status, path).toBe(404);
      expect((await admin('HEAD', `/v2/team/whole/${path}`)).status, path).toBe(404);
    }
    await admin('POST', '/v2/team/whole/blobs/uploads/');
    for (const path of [`manifests/${digest}`, 'manifests/v1', `blobs/${layer.digest}`]) {
      expect((await admin('GET', `/v2/team/whole/${path}`)).status, `${path} after a new beginning`).toBe(404);
    }
  });
});
