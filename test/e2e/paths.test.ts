import { existsSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { basic, type Client } from './_client.ts';
import { digestOf, imageOf, openUpload, type Pushed, pushImage } from './_content.ts';
import { exchangeRaw } from './_raw.ts';
import { type Berth, startBerth } from './_server.ts';

const repository = 'lab/app';

let berth: Berth;
let admin: Client;
let image: Pushed;
beforeAll(async () => {
  berth = await startBerth();
  admin = berth.admin;
  image = await pushImage(admin, repository, 'v1', 'paths');
});
afterAll(() => berth[Symbol.asyncDispose]());

/** Spellings that climb folders, end strings, or look like separators somewhere. */
const hostile = [
  '..',
  '.',
  '%2e%2e',
  '%2E.',
  '..%2f..%2fetc%2fpasswd',
  '%2fetc%2fpasswd',
  'a%00b',
  '%00',
  'a%5cb',
  '..%5c..%5cx',
  'a\\b',
  '%c0%ae%c0%ae',
  '%ef%bc%8e%ef%bc%8e',
  'a%0d%0ab',
  'a%20b',
  '%252e%252e',
  'A',
  'a;b',
  'a%3fb',
  '%e2%80%ae',
  'a'.repeat(300),
];

describe.each(hostile)('"%s" (S10)', (text) => {
  it('is no repository, tag, digest or upload, whatever is done with it', async () => {
    const digest = image.digest;
    const paths: [string, string][] = [
      ['GET', `/v2/${text}/tags/list`],
      ['GET', `/v2/${repository}/${text}/manifests/v1`],
      ['GET', `/v2/${text}/${repository}/manifests/v1`],
      ['PUT', `/v2/${repository}/${text}/manifests/v1`],
      ['POST', `/v2/${repository}/${text}/blobs/uploads/`],
      ['GET', `/v2/${repository}/${text}/blobs/${digest}`],
      ['GET', `/acr/v1/${repository}/${text}`],
      ['DELETE', `/acr/v1/${repository}/${text}`],
      ['GET', `/v2/${repository}/blobs/${text}`],
      ['DELETE', `/v2/${repository}/blobs/${text}`],
      ['GET', `/v2/${repository}/blobs/sha256:${text}`],
      ['GET', `/v2/${repository}/referrers/${text}`],
      ['GET', `/v2/${repository}/blobs/uploads/${text}`],
      ['PATCH', `/v2/${repository}/blobs/uploads/${text}`],
      ['PUT', `/v2/${repository}/blobs/uploads/${text}?digest=${digestOf('x')}`],
      ['DELETE', `/v2/${repository}/blobs/uploads/${text}`],
      ['GET', `/acr/v1/${repository}/_manifests/${text}`],
      ['POST', `/v2/${repository}/blobs/uploads/?mount=${digest}&from=${text}`],
      ['POST', `/v2/${repository}/blobs/uploads/?digest=sha256:${text}`],
    ];
    const isTag = /^[A-Za-z0-9_][A-Za-z0-9._-]{0,127}$/.test(text);
    for (const method of ['GET', 'PUT', 'DELETE']) {
      if (!isTag) paths.push([method, `/v2/${repository}/manifests/${text}`]);
    }
    for (const method of ['GET', 'PATCH', 'DELETE']) {
      if (!isTag) paths.push([method, `/acr/v1/${repository}/_tags/${text}`]);
    }
    for (const [method, path] of paths) {
      if (path.includes('\\') && method !== 'GET') continue;
      const answer = await admin(method, path, method === 'PATCH' ? { body: '{}' } : {});
      expect([400, 404], `${method} ${path}: ${answer.status} ${answer.text}`).toContain(answer.status);
      expect(answer.status, path).not.toBe(500);
    }
    const kept = await admin('GET', `/v2/${repository}/manifests/v1`);
    expect(kept.body.equals(image.bytes)).toBe(true);
  });
});

describe('a path', () => {
  it('with %2F in the repository name is the same as with a slash', async () => {
    const name = 'lab%2Fapp';
    for (const path of [
      `/v2/${name}/tags/list`,
      `/v2/${name}/manifests/v1`,
      `/v2/${name}/manifests/${image.digest.replace(':', '%3A')}`,
      `/v2/${name}/referrers/${image.digest}`,
      `/acr/v1/${name}`,
      `/acr/v1/${name}/_tags`,
      `/acr/v1/${name}/_tags/v1`,
      `/acr/v1/${name}/_manifests`,
      `/acr/v1/${name}/_manifests/${image.digest.replace(':', '%3A')}`,
    ]) {
      const answer = await admin('GET', path);
      expect(answer.status, path).toBe(200);
      expect(answer.text).toBe((await admin('GET', path.replaceAll('%2F', '/').replace('%3A', ':'))).text);
    }
    const location = await openUpload(admin, name);
    expect(location).toContain('/v2/lab/app/blobs/uploads/');
    const put = await admin('PUT', `/v2/${name}/manifests/encoded`, {
      body: JSON.stringify(imageOf('paths')),
      headers: { 'content-type': image.mediaType },
    });
    expect(put.status).toBe(201);
  });

  it('never hides its verb in an encoded slash', async () => {
    for (const path of ['/v2/lab%2Fapp%2Fmanifests%2Fv1', '/v2%2Flab/app/manifests/v1', '/%76%32%2f']) {
      expect([400, 404]).toContain((await admin('GET', path)).status);
    }
  });

  it('is judged and served alike, however it is spelled (S21)', async () => {
    const spellings = [
      '//v2//lab//app//manifests//v1',
      '/v2/lab/app/manifests/v1/',
      '/v2/%6cab/app/manifests/v1',
      '/%76%32/lab/app/%6d%61nifests/v1',
      '/v2/lab%2fapp/manifests/v1',
    ];
    const stranger = berth.as(
      await berth.createToken('stranger', { 'lab/other': ['content/read'], 'other/*': ['content/read'] }),
    );
    for (const path of spellings) {
      const served = (await admin('GET', path)).status === 200;
      for (const client of [berth.nobody, stranger]) {
        const refused = await client('GET', path);
        expect({ path, status: refused.status }).toEqual({ path, status: served ? 401 : refused.status });
        expect(refused.status).not.toBe(200);
      }
    }
    for (const path of [
      '/v2/lab/other/../app/manifests/v1',
      '/v2/other/%2e%2e/lab/app/manifests/v1',
      '/v2/lab/other%2f..%2fapp/manifests/v1',
    ]) {
      expect((await stranger('GET', path)).status).toBe(400);
    }
  });

  it('may be sent as an absolute URL', async () => {
    const authorization = `Authorization: ${basic(berth.username, berth.password)}`;
    const line = `GET http://${berth.address}/v2/lab/app/manifests/v1 HTTP/1.1`;
    const answer = await exchangeRaw(
      berth.address,
      `${line}\r\nHost: ${berth.address}\r\n${authorization}\r\nConnection: close\r\n\r\n`,
    );
    expect(answer).toContain('HTTP/1.1 200 OK');
  });

  it('may hold the words of routes in the repository name', async () => {
    for (const name of [
      'tags/list',
      'blobs/uploads',
      'a/manifests/b',
      'referrers',
      'a/blobs/uploads',
      'v2',
      'acr/v1',
    ]) {
      const pushed = await pushImage(admin, name, 'v1', name);
      expect((await admin('GET', `/v2/${name}/manifests/v1`)).body.equals(pushed.bytes), name).toBe(true);
      expect((await admin('GET', `/v2/${name}/tags/list`)).json(), name).toEqual({ name, tags: ['v1'] });
      expect((await admin('GET', `/acr/v1/${name}`)).json()['imageName']).toBe(name);
      const location = await openUpload(admin, name);
      expect((await admin('GET', location)).status).toBe(204);
      expect((await admin('DELETE', location)).status).toBe(204);
    }
  });
});

describe('a part of Azure that this version does not have', () => {
  it.each([
    ['GET', '/acr/v1/_deleted/_catalog', 'Soft delete'],
    ['GET', `/acr/v1/_deleted/${repository}/_manifests`, 'Soft delete'],
    ['POST', `/acr/v1/_deleted/${repository}/_manifests/sha256:a`, 'Soft delete'],
    ['GET', `/acr/v1/${repository}/_streaming`, 'Artifact streaming'],
    ['POST', `/acr/v1/${repository}/_streaming`, 'Artifact streaming'],
    ['GET', `/acr/v1/${repository}/_operations/1`, 'Artifact streaming'],
    ['GET', '/helm/v1/repo/_charts', 'helm push oci://'],
  ])('is refused by name: %s %s', async (method, path, what) => {
    const answer = await admin(method, path);
    expect({ status: answer.status, code: answer.code }).toEqual({ status: 405, code: 'UNSUPPORTED' });
    expect(answer.text).toContain(what);
  });

  it('takes no name away that a repository can have', async () => {
    for (const name of ['deleted', 'x/deleted', 'app/streaming', 'a_b/operations__x']) {
      await pushImage(admin, name, 'v1', name);
      expect((await admin('GET', `/acr/v1/${name}/_tags`)).status, name).toBe(200);
    }
    expect((await admin('GET', '/acr/v1/_other/_tags')).code).toBe('NAME_INVALID');
  });
});

describe('unknown query parameters', () => {
  it('are ignored, like the ns of a mirror', async () => {
    for (const path of [
      `/v2/${repository}/manifests/v1`,
      `/v2/${repository}/blobs/${digestOf('{}')}`,
      `/v2/${repository}/tags/list`,
      `/v2/${repository}/referrers/${image.digest}`,
      '/v2/',
    ]) {
      const plain = await admin('GET', path);
      for (const query of ['?ns=docker.io', '?_state=x&_nouploadcache=false', '?', '?&&=&%', '?a=%ff%00']) {
        const answer = await admin('GET', `${path}${query}`);
        expect({ status: answer.status, text: answer.text }).toEqual({ status: 200, text: plain.text });
      }
    }
  });
});

describe('the data folder', () => {
  it('holds nothing whose name came from a client', async () => {
    const names = (await readdir(berth.data, { recursive: true })).join('\n');
    for (const word of ['lab', 'passwd', 'v1', image.digest.slice(7)]) expect(names).not.toContain(word);
    expect(existsSync(join(berth.data, '..', 'etc'))).toBe(false);
  });
});
