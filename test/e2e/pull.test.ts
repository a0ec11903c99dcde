import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Answer } from './_client.ts';
import { digestOf, type Pushed, pushBlob, pushImage } from './_content.ts';
import { type Berth, startBerth } from './_server.ts';

const repository = 'team/pull';
const smallBytes = Buffer.from('a small blob, kept in a row');
// Above 64 KiB a blob is an object of the blob store, and read in pieces.
const largeBytes = randomBytes(1_300_001);

let berth: Berth;
let image: Pushed;
beforeAll(async () => {
  berth = await startBerth();
  await pushBlob(berth.admin, repository, smallBytes);
  await pushBlob(berth.admin, repository, largeBytes);
  image = await pushImage(berth.admin, repository, 'v1', 'pull');
});
afterAll(() => berth[Symbol.asyncDispose]());

const blobPath = (bytes: Uint8Array) => `/v2/${repository}/blobs/${digestOf(bytes)}`;

/** Headers that every answer has its own of. */
function lasting({ headers }: Answer): Record<string, unknown> {
  const { date, connection, 'keep-alive': keepAlive, 'x-ms-correlation-request-id': id, ...rest } = headers;
  expect({ date, id }).toEqual({ date: expect.any(String), id: expect.any(String) });
  expect([connection, keepAlive]).toBeDefined();
  return rest;
}

describe('a manifest', () => {
  it('comes by tag and by digest with the bytes that were pushed, its type, digest and length', async () => {
    for (const reference of ['v1', image.digest]) {
      const got = await berth.admin('GET', `/v2/${repository}/manifests/${reference}`);
      expect(got.status).toBe(200);
      expect(got.body.equals(image.bytes)).toBe(true);
      expect(got.headers).toMatchObject({
        'content-type': image.mediaType,
        'docker-content-digest': image.digest,
        'content-length': String(image.size),
      });
    }
  });

  it('is not there under another tag, another digest, or in another repository', async () => {
    const absent = digestOf('absent');
    for (const path of [`${repository}/manifests/v2`, `${repository}/manifests/${absent}`, `team/none/manifests/v1`]) {
      const got = await berth.admin('GET', `/v2/${path}`);
      expect({ status: got.status, code: got.code }).toEqual({ status: 404, code: 'MANIFEST_UNKNOWN' });
      expect((await berth.admin('HEAD', `/v2/${path}`)).status).toBe(404);
    }
  });

  it('is sent whatever the client accepts, and never converted', async () => {
    const accept = 'application/vnd.docker.distribution.manifest.v2+json';
    const got = await berth.admin('GET', `/v2/${repository}/manifests/v1`, { headers: { accept } });
    expect(got.headers['content-type']).toBe(image.mediaType);
    expect(got.body.equals(image.bytes)).toBe(true);
  });

  it('is answered 304 when the client has it', async () => {
    const etag = `"${image.digest}"`;
    for (const condition of [etag, `W/${etag}`, `"other", ${etag}`, '*']) {
      const got = await berth.admin('GET', `/v2/${repository}/manifests/v1`, {
        headers: { 'if-none-match': condition },
      });
      expect({ status: got.status, length: got.body.length, etag: got.headers.etag }).toEqual({
        status: 304,
        length: 0,
        etag,
      });
    }
    const other = await berth.admin('GET', `/v2/${repository}/manifests/v1`, {
      headers: { 'if-none-match': '"other"' },
    });
    expect(other.status).toBe(200);
  });
});

describe('HEAD', () => {
  it('says what GET says, without the body', async () => {
    const paths = [
      '/v2/',
      `/v2/${repository}/manifests/v1`,
      `/v2/${repository}/manifests/${image.digest}`,
      blobPath(smallBytes),
      blobPath(largeBytes),
      `/v2/${repository}/manifests/absent`,
      `/v2/${repository}/blobs/${digestOf('absent')}`,
      `/v2/${repository}/blobs/sha256:short`,
      '/v2/Upper/manifests/x',
      '/v2/_catalog?n=1',
      `/v2/${repository}/tags/list?n=1`,
      `/v2/${repository}/referrers/${image.digest}`,
      '/acr/v1/_catalog',
      `/acr/v1/${repository}`,
      `/acr/v1/${repository}/_tags?n=1`,
      `/acr/v1/${repository}/_tags/v1`,
      `/acr/v1/${repository}/_manifests`,
      `/acr/v1/${repository}/_manifests/${image.digest}`,
      '/acr/v1/no/such',
    ];
    for (const path of paths) {
      const get = await berth.admin('GET', path);
      const head = await berth.admin('HEAD', path);
      expect(head.status, path).toBe(get.status);
      expect(head.body.length).toBe(0);
      expect(lasting(head), path).toEqual(lasting(get));
      expect(Number(head.headers['content-length']), path).toBe(get.body.length);
    }
  });

  it('ignores a range, which only GET has', async () => {
    const head = await berth.admin('HEAD', blobPath(smallBytes), { headers: { range: 'bytes=0-3' } });
    expect({ status: head.status, length: head.headers['content-length'] }).toEqual({
      status: 200,
      length: String(smallBytes.length),
    });
  });
});

describe('a blob', () => {
  it('comes whole, with its digest and length', async () => {
    for (const bytes of [smallBytes, largeBytes]) {
      const got = await berth.admin('GET', blobPath(bytes));
      expect(got.status).toBe(200);
      expect(got.body.equals(bytes)).toBe(true);
      expect(got.headers).toMatchObject({
        'docker-content-digest': digestOf(bytes),
        'content-length': String(bytes.length),
        'accept-ranges': 'bytes',
      });
    }
  });

  it('is 404 when the repository does not hold it', async () => {
    for (const path of [
      `/v2/${repository}/blobs/${digestOf('absent')}`,
      `/v2/team/none/blobs/${digestOf(smallBytes)}`,
    ]) {
      const got = await berth.admin('GET', path);
      expect({ status: got.status, code: got.code }).toEqual({ status: 404, code: 'BLOB_UNKNOWN' });
    }
  });

  it.each([
    ['bytes=0-0', 0, 0],
    ['bytes=5-9', 5, 9],
    ['bytes=10-', 10, Number.POSITIVE_INFINITY],
    ['bytes=-7', -7, Number.POSITIVE_INFINITY],
    ['bytes=3-99999999', 3, Number.POSITIVE_INFINITY],
    ['bytes=-99999999', 0, Number.POSITIVE_INFINITY],
  ])('answers %s with 206 and just these bytes', async (range, first, last) => {
    for (const bytes of [smallBytes, largeBytes]) {
      const start = first < 0 ? bytes.length + first : first;
      const end = Math.min(last, bytes.length - 1);
      const got = await berth.admin('GET', blobPath(bytes), { headers: { range } });
      expect(got.status).toBe(206);
      expect(got.headers['content-range']).toBe(`bytes ${start}-${end}/${bytes.length}`);
      expect(got.headers['content-length']).toBe(String(end - start + 1));
      expect(got.body.equals(bytes.subarray(start, end + 1))).toBe(true);
    }
  });

  it.each(['bytes=0-1,4-5', 'bytes=9-2', 'bytes=x', 'lines=1-2', 'bytes='])(
    'answers %s, which it does not serve in part, with the whole',
    async (range) => {
      const got = await berth.admin('GET', blobPath(smallBytes), { headers: { range } });
      expect(got.status).toBe(200);
      expect(got.body.equals(smallBytes)).toBe(true);
    },
  );

  it.each(['bytes=100000000-', 'bytes=99999999999999999999-', 'bytes=-0'])(
    'answers %s with 416 and its size',
    async (range) => {
      for (const bytes of [smallBytes, largeBytes]) {
        const got = await berth.admin('GET', blobPath(bytes), { headers: { range } });
        expect(got.status).toBe(416);
        expect(got.headers['content-range']).toBe(`bytes */${bytes.length}`);
      }
    },
  );

  it('is answered 304 when the client has it, even for a range', async () => {
    const etag = `"${digestOf(smallBytes)}"`;
    for (const headers of [{ 'if-none-match': etag }, { 'if-none-match': etag, range: 'bytes=0-1' }]) {
      const got = await berth.admin('GET', blobPath(smallBytes), { headers });
      expect({ status: got.status, length: got.body.length }).toEqual({ status: 304, length: 0 });
    }
  });

  it('honours a range only while If-Range names these bytes', async () => {
    const etag = `"${digestOf(largeBytes)}"`;
    const same = await berth.admin('GET', blobPath(largeBytes), { headers: { range: 'bytes=0-9', 'if-range': etag } });
    expect({ status: same.status, length: same.body.length }).toEqual({ status: 206, length: 10 });
    for (const other of ['"other"', `W/${etag}`, 'Wed, 21 Oct 2015 07:28:00 GMT']) {
      const got = await berth.admin('GET', blobPath(largeBytes), {
        headers: { range: 'bytes=0-9', 'if-range': other },
      });
      expect({ status: got.status, length: got.body.length }).toEqual({ status: 200, length: largeBytes.length });
    }
  });

  it('of no bytes comes whole, also when a range is asked', async () => {
    await pushBlob(berth.admin, repository, '');
    const path = blobPath(Buffer.alloc(0));
    for (const headers of [{}, { range: 'bytes=0-' }]) {
      const got = await berth.admin('GET', path, { headers });
      expect({ status: got.status, length: got.headers['content-length'] }).toEqual({ status: 200, length: '0' });
    }
    expect((await berth.admin('HEAD', path)).headers['content-length']).toBe('0');
  });
});
