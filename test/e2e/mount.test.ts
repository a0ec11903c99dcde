/* oxlint-disable vitest/no-conditional-expect -- the cases of a table expect different things */
import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Answer, Client } from './_client.ts';
import { digestOf, pushBlob } from './_content.ts';
import { type Berth, startBerth } from './_server.ts';

let berth: Berth;
let reader: Client;
let stranger: Client;
const bytes = randomBytes(90_000);
const digest = digestOf(bytes);
beforeAll(async () => {
  berth = await startBerth();
  await pushBlob(berth.admin, 'vault/source', bytes);
  const rights = ['content/read', 'content/write'];
  reader = berth.as(await berth.createToken('reader', { 'vault/source': ['content/read'], 'reader/*': rights }));
  stranger = berth.as(await berth.createToken('stranger', { 'stranger/*': [...rights, 'content/delete'] }));
});
afterAll(() => berth[Symbol.asyncDispose]());

function mount(client: Client, into: string, from?: string, wanted = digest): Promise<Answer> {
  return client('POST', `/v2/${into}/blobs/uploads/?mount=${wanted}${from === undefined ? '' : `&from=${from}`}`);
}

/** An answer without what differs from session to session. */
function shapeOf(answer: Answer): unknown {
  const id = String(answer.headers['docker-upload-uuid']);
  const { date: _date, 'x-ms-correlation-request-id': _id, ...headers } = answer.headers;
  return JSON.parse(JSON.stringify({ status: answer.status, headers, text: answer.text }).replaceAll(id, 'ID'));
}

describe('a mount', () => {
  it('makes the blob readable where it was mounted', async () => {
    const answer = await mount(reader, 'reader/one', 'vault/source');
    expect(answer.status).toBe(201);
    expect(answer.headers).toMatchObject({
      location: `/v2/reader/one/blobs/${digest}`,
      'docker-content-digest': digest,
    });
    expect((await reader('GET', `/v2/reader/one/blobs/${digest}`)).body.equals(bytes)).toBe(true);
  });

  it('finds a source by itself when none is named', async () => {
    expect((await mount(reader, 'reader/two')).status).toBe(201);
    expect((await reader('HEAD', `/v2/reader/two/blobs/${digest}`)).status).toBe(200);
  });

  it('outlives the deletion in the source', async () => {
    await pushBlob(berth.admin, 'vault/brief', 'brief');
    const brief = digestOf('brief');
    expect((await mount(berth.admin, 'kept/one', 'vault/brief', brief)).status).toBe(201);
    expect((await berth.admin('DELETE', `/v2/vault/brief/blobs/${brief}`)).status).toBe(202);
    expect((await berth.admin('GET', `/v2/vault/brief/blobs/${brief}`)).status).toBe(404);
    expect((await berth.admin('GET', `/v2/kept/one/blobs/${brief}`)).text).toBe('brief');
  });

  it('of what is not there begins an upload that can be used', async () => {
    const answer = await mount(reader, 'reader/three', 'vault/source', digestOf('fresh'));
    expect(answer.status).toBe(202);
    const put = await reader('PUT', `${String(answer.headers.location)}?digest=${digestOf('fresh')}`, {
      body: 'fresh',
    });
    expect(put.status).toBe(201);
  });

  it.each(['sha256:short', 'nothing', ''])('of "%s" is refused', async (wanted) => {
    const answer = await mount(reader, 'reader/four', 'vault/source', wanted);
    expect({ status: answer.status, code: answer.code }).toEqual({ status: 400, code: 'DIGEST_INVALID' });
  });
});

describe('a blob of others (S6)', () => {
  it('looks to a mount like one that is not there, with the source named or not', async () => {
    for (const from of ['vault/source', undefined]) {
      const hidden = await mount(stranger, 'stranger/a', from);
      const absent = await mount(stranger, 'stranger/a', from, digestOf('nobody has this'));
      expect(hidden.status).toBe(202);
      expect(shapeOf(hidden)).toEqual(shapeOf(absent));
    }
    expect((await stranger('HEAD', `/v2/stranger/a/blobs/${digest}`)).status).toBe(404);
  });

  it('cannot be read through a repository that does not hold it, before and after others read it', async () => {
    for (const warm of [false, true]) {
      if (warm) expect((await berth.admin('GET', `/v2/vault/source/blobs/${digest}`)).status).toBe(200);
      for (const method of ['GET', 'HEAD']) {
        expect((await stranger(method, `/v2/stranger/a/blobs/${digest}`)).status).toBe(404);
        expect((await stranger(method, `/v2/vault/source/blobs/${digest}`)).status).toBe(401);
      }
    }
  });

  it('is not there any more for who deleted it, though others hold it, and a manifest cannot name it', async () => {
    await pushBlob(stranger, 'stranger/own', bytes);
    expect((await stranger('GET', `/v2/stranger/own/blobs/${digest}`)).status).toBe(200);
    expect((await stranger('DELETE', `/v2/stranger/own/blobs/${digest}`)).status).toBe(202);
    expect((await stranger('GET', `/v2/stranger/own/blobs/${digest}`)).status).toBe(404);
    expect((await stranger('DELETE', `/v2/stranger/own/blobs/${digest}`)).status).toBe(404);
    const put = await stranger('PUT', '/v2/stranger/own/manifests/v1', {
      headers: { 'content-type': 'application/vnd.oci.image.manifest.v1+json' },
      body: JSON.stringify({
        schemaVersion: 2,
        config: { mediaType: 'application/vnd.oci.empty.v1+json', digest, size: bytes.length },
        layers: [],
      }),
    });
    expect({ status: put.status, code: put.code }).toEqual({ status: 404, code: 'MANIFEST_BLOB_UNKNOWN' });
    expect((await berth.admin('GET', `/v2/vault/source/blobs/${digest}`)).status).toBe(200);
  });

  it('never crosses registries', async () => {
    await berth.operator('POST', '/registries', { name: 'secondone', adminEnabled: true });
    const { username, passwords } = (await berth.operator('GET', '/registries/secondone/credentials')) as {
      username: string;
      passwords: { value: string }[];
    };
    const second = berth.at(
      'secondone',
      `Basic ${Buffer.from(`${username}:${passwords[0]?.value}`).toString('base64')}`,
    );
    expect((await second('GET', '/v2/')).status).toBe(200);
    for (const from of ['vault/source', undefined]) expect((await mount(second, 'vault/copy', from)).status).toBe(202);
    expect((await second('HEAD', `/v2/vault/source/blobs/${digest}`)).status).toBe(404);
  });
});
