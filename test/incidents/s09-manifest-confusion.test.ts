// S9, manifest confusion. One document that is an image to one reader and an index to another (GHSA-qq97-vm5h-rrhg,
// CVE-2021-41190), digests that nobody checked (CVE-2024-3727) and pins that were ignored (regclient). Shapes at the door:
// "what readers could take for two things" in test/e2e/push-manifests.test.ts and src/content/manifest.test.ts.
import { createHash } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Answer, Client } from '../e2e/_client.ts';
import {
  descriptorOf,
  digestOf,
  dockerManifest,
  emptyType,
  imageOf,
  indexOf,
  ociIndex,
  ociManifest,
  type Pushed,
  pushBlob,
  pushImage,
} from '../e2e/_content.ts';
import { type Berth, startBerth } from '../e2e/_server.ts';

const repository = 'team/confused';

let berth: Berth;
let admin: Client;
let image: Pushed;
beforeAll(async () => {
  berth = await startBerth();
  admin = berth.admin;
  image = await pushImage(admin, repository, 'v1', 'confusion');
  await pushBlob(admin, repository, 'layer');
});
afterAll(() => berth[Symbol.asyncDispose]());

function put(reference: string, body: string | Buffer, contentType = ociManifest): Promise<Answer> {
  return admin('PUT', `/v2/${repository}/manifests/${reference}`, { body, headers: { 'content-type': contentType } });
}

const hex = (algorithm: string, text: string) => createHash(algorithm).update(text).digest('hex');

describe('a digest (S9)', () => {
  const body = JSON.stringify(imageOf('tricks'));
  const spelled = (): Record<string, string> => ({
    'of an upper-case algorithm': `SHA256:${hex('sha256', body)}`,
    'of upper-case hex': `sha256:${hex('sha256', body).toUpperCase()}`,
    'of another spelling': `sha-256:${hex('sha256', body)}`,
    'of md5': `md5:${hex('md5', body)}`,
    'of sha1': `sha1:${hex('sha1', body)}`,
    'of sha384': `sha384:${hex('sha384', body)}`,
    'of sha512/256': `sha512-256:${hex('sha512-256', body)}`,
    'of a multihash': `multihash+base58:QmRZxt2b1FVZPNqd8hsiykDL3TdBDeTSPX9Kv46HmX4Gx8`,
    'without hex': 'sha256:',
    'without an algorithm': `:${hex('sha256', body)}`,
    'of the empty string': ':',
    'cut short': `sha256:${hex('sha256', body).slice(1)}`,
    'with one digit more': `sha256:${hex('sha256', body)}0`,
    'of the other length': `sha256:${hex('sha512', body)}`,
    'of the other length, too': `sha512:${hex('sha256', body)}`,
    'in base64': `sha256:${createHash('sha256').update(body).digest('base64url')}`,
    'with two colons': `sha256:sha256:${hex('sha256', body)}`,
    'with a blank': `sha256:%20${hex('sha256', body)}`,
    'with an end of line': `sha256:${hex('sha256', body)}%0a`,
    'of letters that look like hex': `sha256:${hex('sha256', body).replace(/[a-f]/g, 'а')}`.replace(/а/g, '%D0%B0'),
  });

  it.each(Object.keys(spelled()))('%s names nothing that could be pushed, pulled or deleted', async (which) => {
    const reference = spelled()[which] ?? '';
    const answers = [
      await put(reference, body),
      await admin('GET', `/v2/${repository}/manifests/${reference}`),
      await admin('DELETE', `/v2/${repository}/manifests/${reference}`),
      await admin('GET', `/v2/${repository}/blobs/${reference}`),
      await admin('GET', `/v2/${repository}/referrers/${reference}`),
      await admin('GET', `/acr/v1/${repository}/_manifests/${reference}`),
      await admin('POST', `/v2/${repository}/blobs/uploads/?digest=${reference}`, { body }),
      await admin('POST', `/v2/${repository}/blobs/uploads/?mount=${reference}`),
    ];
    expect(answers.map(({ status, code }) => ({ status, code }))).toEqual(
      answers.map(() => ({ status: 400, code: 'DIGEST_INVALID' })),
    );
    const config = { ...descriptorOf('{}', emptyType), digest: decodeURIComponent(reference) };
    expect((await put('inside', JSON.stringify(imageOf('inside', { config })))).status).toBe(400);
    expect((await put('subject', JSON.stringify(imageOf('subject', { subject: config })))).status).toBe(400);
  });

  it('that is not that of the bytes is refused for each algorithm, and nothing is kept', async () => {
    for (const algorithm of ['sha256', 'sha512'] as const) {
      const wrong = digestOf('something else', algorithm);
      expect((await put(wrong, body)).code).toBe('DIGEST_INVALID');
      for (const name of [wrong, digestOf(body), digestOf(body, 'sha512')]) {
        expect((await admin('GET', `/v2/${repository}/manifests/${name}`)).status).toBe(404);
      }
    }
  });

  it('in the query means nothing to a manifest, and cannot override the path', async () => {
    const other = digestOf('other');
    const pushed = await put(`${digestOf(body)}?digest=${other}`, body);
    expect(pushed.status).toBe(201);
    expect(pushed.headers['docker-content-digest']).toBe(digestOf(body));
    const got = await admin('GET', `/v2/${repository}/manifests/${digestOf(body)}?digest=${other}`);
    expect(got.headers['docker-content-digest']).toBe(digestOf(body));
    expect((await admin('GET', `/v2/${repository}/manifests/${other}`)).status).toBe(404);
  });

  it('given twice to an upload counts as the first, and must be that of the bytes', async () => {
    const right = digestOf('twice');
    for (const query of [`digest=${digestOf('no')}&digest=${right}`, `digest=&digest=${right}`]) {
      expect((await admin('POST', `/v2/${repository}/blobs/uploads/?${query}`, { body: 'twice' })).status).toBe(400);
    }
    expect((await admin('HEAD', `/v2/${repository}/blobs/${right}`)).status).toBe(404);
  });
});

describe('the type of a manifest (S9)', () => {
  it('is what was pushed, to every reader, whatever it accepts', async () => {
    for (const accept of [
      undefined,
      ociIndex,
      dockerManifest,
      'application/json',
      '*/*',
      'text/html',
      'x'.repeat(4000),
    ]) {
      for (const method of ['GET', 'HEAD']) {
        const answer = await admin(method, `/v2/${repository}/manifests/v1`, { headers: accept ? { accept } : {} });
        expect(answer.headers['content-type']).toBe(ociManifest);
        expect(answer.headers['x-content-type-options']).toBe('nosniff');
        if (method === 'GET') expect(digestOf(answer.body)).toBe(image.digest);
      }
    }
  });

  it.each([
    `${ociManifest}; charset=utf-8`,
    `${ociManifest};charset="x;y"`,
    `${ociManifest} ; q=1; q=2`,
    ociManifest.toUpperCase(),
    `\t${ociManifest}`,
  ])('may be written "%s", and is stored bare', async (contentType) => {
    expect((await put('written', image.bytes, contentType)).status).toBe(201);
    expect((await admin('GET', `/v2/${repository}/manifests/written`)).headers['content-type']).toBe(ociManifest);
  });

  it.each([
    `${ociIndex}; charset=utf-8`,
    `${ociManifest}, ${ociIndex}`,
    `${ociIndex}, ${ociManifest}`,
    `${ociManifest}${ociIndex}`,
    `text/html; ${ociManifest}`,
    'text/html',
    'multipart/form-data; boundary=x',
    'application/vnd.oci.image.manifest.v2+json',
  ])('cannot be "%s"', async (contentType) => {
    expect((await put('refused', image.bytes, contentType)).code).toBe('MANIFEST_INVALID');
    expect((await admin('HEAD', `/v2/${repository}/manifests/refused`)).status).toBe(404);
  });

  it('stays what it was when the same untyped bytes are pushed again as another type', async () => {
    const { mediaType: _type, ...untyped } = imageOf('untyped');
    const bytes = JSON.stringify(untyped);
    expect((await put('typed', bytes, ociManifest)).status).toBe(201);
    const again = await put('typed', bytes, dockerManifest);
    const shown = (await admin('GET', `/v2/${repository}/manifests/${digestOf(bytes)}`)).headers['content-type'];
    expect({ again: again.status, shown }).toEqual({ again: 201, shown: ociManifest });
  });

  it.each<[string, string]>([
    ['a key twice by escape', JSON.stringify(imageOf('x')).replace('"layers"', '"\\u006cayers":[],"layers"')],
    ['a key twice further down', JSON.stringify(imageOf('x')).replace('"size"', '"size":1,"size"')],
    ['keys in other cases', JSON.stringify(imageOf('x')).replace('"config"', '"Config":null,"config"')],
    ['a case that folds', JSON.stringify(imageOf('x')).replace('"config"', '"manifeſts":[],"config"')],
    ['bytes behind the end', `${JSON.stringify(imageOf('x'))}{}`],
    ['a byte order mark', `\ufeff${JSON.stringify(imageOf('x'))}`],
    ['comments', `/* */${JSON.stringify(imageOf('x'))}`],
    ['NaN', JSON.stringify(imageOf('x')).replace('"size":2', '"size":NaN')],
    ['a size beyond 2^53', JSON.stringify(imageOf('x')).replace('"size":2', '"size":9007199254740993')],
    ['a size of 1e400', JSON.stringify(imageOf('x')).replace('"size":2', '"size":1e400')],
    ['a size in words', JSON.stringify(imageOf('x')).replace('"size":2', '"size":"2"')],
    ['an index with layers', JSON.stringify(indexOf([], { layers: [] }))],
    ['a null manifests', JSON.stringify(imageOf('x', { manifests: null }))],
    ['a null fsLayers', JSON.stringify(imageOf('x', { fsLayers: null }))],
  ])('is refused with %s', async (_, text) => {
    for (const type of [ociManifest, ociIndex, 'application/json']) {
      expect((await put('refused', text, type)).code).toBe('MANIFEST_INVALID');
    }
  });
});
