/* oxlint-disable vitest/no-conditional-expect -- the cases of a table expect different things */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { dataRoutes } from '../../src/content/index.ts';
import type { SendOptions } from './_client.ts';
import {
  descriptorOf,
  digestOf,
  emptyType,
  imageOf,
  ociManifest,
  openUpload,
  type Pushed,
  pushImage,
} from './_content.ts';
import { type Berth, startBerth } from './_server.ts';

const repository = 'team/errors';

let berth: Berth;
let image: Pushed;
let upload: string;
beforeAll(async () => {
  berth = await startBerth('--limits-open-uploads-per-identity', '1', '--limits-manifest-bytes', '1MiB');
  image = await pushImage(berth.admin, repository, 'v1', 'errors');
  upload = await openUpload(berth.admin, repository);
  const held = await berth.admin('PATCH', upload, { body: 'abc' });
  if (held.status !== 202) throw new Error(held.text);
});
afterAll(() => berth[Symbol.asyncDispose]());

const manifest = (body: unknown): SendOptions => ({
  body: typeof body === 'string' ? body : JSON.stringify(body),
  headers: { 'content-type': ociManifest },
});
const absent = digestOf('absent');

/** Every code of the specification, and a request that calls it forth. */
const cases: [code: string, status: number, method: string, path: () => string, options?: SendOptions][] = [
  ['BLOB_UNKNOWN', 404, 'GET', () => `/v2/${repository}/blobs/${absent}`],
  ['BLOB_UPLOAD_INVALID', 400, 'PATCH', () => upload, { body: 'abc', headers: { 'content-range': 'x' } }],
  ['BLOB_UPLOAD_INVALID', 416, 'PATCH', () => upload, { body: 'abc', headers: { 'content-range': '7-9' } }],
  ['BLOB_UPLOAD_UNKNOWN', 404, 'GET', () => `/v2/${repository}/blobs/uploads/${'0'.repeat(36)}`],
  ['DIGEST_INVALID', 400, 'POST', () => `/v2/${repository}/blobs/uploads/?digest=${absent}`, { body: 'x' }],
  ['DIGEST_INVALID', 400, 'GET', () => `/v2/${repository}/blobs/sha256:nothing`],
  [
    'MANIFEST_BLOB_UNKNOWN',
    404,
    'PUT',
    () => `/v2/${repository}/manifests/x`,
    manifest(imageOf('x', { config: descriptorOf('absent', emptyType) })),
  ],
  ['MANIFEST_INVALID', 400, 'PUT', () => `/v2/${repository}/manifests/x`, manifest('{')],
  ['MANIFEST_UNKNOWN', 404, 'GET', () => `/v2/${repository}/manifests/${absent}`],
  ['NAME_INVALID', 400, 'GET', () => '/v2/Upper/Case/tags/list'],
  ['NAME_UNKNOWN', 404, 'GET', () => '/v2/no/such/tags/list'],
  ['SIZE_INVALID', 413, 'PUT', () => `/v2/${repository}/manifests/x`, manifest(imageOf('x'.repeat(1024 * 1024)))],
  ['UNSUPPORTED', 405, 'DELETE', () => `/v2/${repository}/blobs/${digestOf('{}')}`],
  ['TOOMANYREQUESTS', 429, 'POST', () => `/v2/${repository}/blobs/uploads/`],
];

describe('an error', () => {
  it.each(cases)('%s is %i', async (code, status, method, path, options) => {
    const answer = await berth.admin(method, path(), options);
    expect({ status: answer.status, type: answer.headers['content-type'] }, answer.text).toEqual({
      status,
      type: 'application/json; charset=utf-8',
    });
    const { errors, ...rest } = answer.json<{ errors: Record<string, unknown>[] }>();
    expect(rest).toEqual({});
    expect(errors).toHaveLength(1);
    expect(errors[0]).toEqual({ code, message: expect.stringMatching(/\w/), detail: errors[0]?.['detail'] });
    expect(answer.headers['x-ms-correlation-request-id']).toMatch(/^[0-9a-f-]{36}$/);
  });

  it('UNAUTHORIZED is 401 with a challenge', async () => {
    const answer = await berth.nobody('GET', `/v2/${repository}/tags/list`);
    expect({ status: answer.status, code: answer.code }).toEqual({ status: 401, code: 'UNAUTHORIZED' });
    expect(answer.headers['www-authenticate']).toMatch(/^Bearer realm="/);
  });
});

describe('a method that a path does not have', () => {
  const methods = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'TRACE'];
  const filled = (pattern: string) =>
    pattern
      .replace('{name*}', repository)
      .replace('{reference}', 'v1')
      .replace('{tag}', 'v1')
      .replace('{digest}', image.digest)
      .replace('{id}', '0'.repeat(36));

  it.each([...new Set(dataRoutes.map((route) => route.pattern))])('%s is 405 with Allow', async (pattern) => {
    const here = dataRoutes.filter((route) => route.pattern === pattern).flatMap((route) => route.methods);
    // A catalog or a list is also below a prefix that a wider pattern takes.
    const wider = pattern.startsWith('/acr/v1/') && /_[a-z]+$|_[a-z]+\/\{/.test(pattern);
    const uploads = pattern.startsWith('/v2/{name*}/blobs/uploads');
    for (const method of methods) {
      if (here.includes(method) || wider || uploads) continue;
      const answer = await berth.admin(method, filled(pattern));
      expect({ method, status: answer.status }, answer.text).toEqual({ method, status: 405 });
      expect(String(answer.headers['allow']).split(', ').sort()).toEqual([...here].sort());
      if (method !== 'HEAD') expect(answer.code).toBe('UNSUPPORTED');
    }
  });

  it('never does harm on a list below a repository', async () => {
    for (const method of ['PUT', 'POST', 'PATCH', 'DELETE']) {
      for (const path of ['_catalog', `${repository}/_tags`, `${repository}/_manifests`, `${repository}/_tags/`]) {
        const answer = await berth.admin(method, `/acr/v1/${path}`, method === 'PATCH' ? { body: '{}' } : {});
        expect([400, 405], `${method} ${path}`).toContain(answer.status);
      }
    }
    expect((await berth.admin('GET', `/v2/${repository}/manifests/v1`)).status).toBe(200);
  });
});

describe('a path that is none', () => {
  it.each([
    '/',
    '/v1/',
    '/v2',
    '/v3/',
    '/v2/x',
    `/v2/${repository}/manifests`,
    '/acr/v2/x',
    '/oauth2',
    '/metrics',
    '/healthz',
    '/registries',
  ])('%s is 404, or the base of the protocol', async (path) => {
    const answer = await berth.admin('GET', path);
    expect(answer.status).toBe(path === '/v2' ? 200 : 404);
  });
});
