// S11, bombs. Rekor, Trivy, Harbor's charts and containerd's importer inflated what they were sent without a bound. Berth
// inflates nothing that a client sends: layers are opaque, and a Content-Encoding of a request changes nothing.
import { readFileSync } from 'node:fs';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Answer, Client } from '../e2e/_client.ts';
import { digestOf, imageOf, ociManifest, openUpload, pushBlob, pushImage } from '../e2e/_content.ts';
import { type Berth, startBerth } from '../e2e/_server.ts';

const repository = 'team/bombs';
/** 64 MB that weigh 64 kB. */
const bomb = gzipSync(Buffer.alloc(64_000_000));
const encodings = ['gzip', 'x-gzip', 'deflate', 'br', 'zstd', 'compress', 'gzip, gzip', 'identity, gzip', 'nonsense'];

let berth: Berth;
let admin: Client;
beforeAll(async () => {
  berth = await startBerth();
  admin = berth.admin;
  await pushImage(admin, repository, 'v1', 'bombs');
});
afterAll(() => berth[Symbol.asyncDispose]());

async function peakBytes(): Promise<number> {
  const { pid } = await berth.operator('GET', '/status');
  return Number(/VmHWM:\s+(\d+) kB/.exec(readFileSync(`/proc/${Number(pid)}/status`, 'utf8'))?.[1]) * 1024;
}

const form = { 'content-type': 'application/x-www-form-urlencoded' };

describe('a body that says it is compressed (S11)', () => {
  it('is never inflated: manifests, forms and attributes are read as they came, and memory stays', async () => {
    const before = await peakBytes();
    for (const encoding of encodings) {
      const headers = { 'content-encoding': encoding };
      const manifest = { body: bomb, headers: { ...headers, 'content-type': ociManifest } };
      expect((await admin('PUT', `/v2/${repository}/manifests/bomb`, manifest)).code).toBe('MANIFEST_INVALID');
      expect((await admin('PATCH', `/acr/v1/${repository}`, { body: bomb, headers })).status).toBe(400);
      expect((await admin('POST', '/oauth2/token', { body: bomb, headers: { ...headers, ...form } })).status).toBe(400);
    }
    expect((await peakBytes()) - before).toBeLessThan(60_000_000);
  });

  it('is not taken for the document inside', async () => {
    const inside = gzipSync(JSON.stringify(imageOf('inside')));
    const headers = { 'content-type': ociManifest, 'content-encoding': 'gzip' };
    const put = await admin('PUT', `/v2/${repository}/manifests/inside`, { body: inside, headers });
    expect(put.code).toBe('MANIFEST_INVALID');
    const change = { body: gzipSync('{"readEnabled":false}'), headers: { 'content-encoding': 'gzip' } };
    expect((await admin('PATCH', `/acr/v1/${repository}`, change)).status).toBe(400);
  });

  it('is stored as a blob byte for byte, under the digest of what was sent', async () => {
    for (const encoding of encodings) {
      const bytes = Buffer.concat([bomb, Buffer.from(encoding)]);
      const path = `/v2/${repository}/blobs/uploads/?digest=${digestOf(bytes)}`;
      expect((await admin('POST', path, { body: bytes, headers: { 'content-encoding': encoding } })).status).toBe(201);
      const got = await admin('GET', `/v2/${repository}/blobs/${digestOf(bytes)}`, {
        headers: { 'accept-encoding': 'gzip, br' },
      });
      expect(got.headers['content-encoding']).toBeUndefined();
      expect(digestOf(got.body)).toBe(digestOf(bytes));
    }
  });

  it('comes in pieces by no other transfer coding than chunked', async () => {
    const location = await openUpload(admin, repository);
    for (const coding of ['gzip, chunked', 'gzip', 'chunked, gzip', 'identity', 'xchunked']) {
      const headers = { 'transfer-encoding': coding };
      const answer = await admin('PATCH', location, { body: 'abc', headers, chunked: true }).catch(
        (error: unknown) => error,
      );
      const status = (answer as Partial<Answer>).status ?? 400;
      expect([400, 501], coding).toContain(status);
    }
    expect((await admin('GET', location)).headers['range']).toBe('0-0');
  });
});

describe('a layer that is a bomb (S11)', () => {
  it('is bytes like others: pushed, named and pulled without being opened', async () => {
    const before = await peakBytes();
    const layer = await pushBlob(admin, repository, bomb);
    await pushImage(admin, repository, 'bomb', 'bomb', { layers: [layer] });
    expect((await admin('GET', `/v2/${repository}/blobs/${layer.digest}`)).body.equals(bomb)).toBe(true);
    expect((await peakBytes()) - before).toBeLessThan(60_000_000);
  });
});

describe('a request for a token (S11)', () => {
  it('has a body of at most 64 KiB', async () => {
    const body = `grant_type=password&username=x&password=${'x'.repeat(70_000)}`;
    expect((await admin('POST', '/oauth2/token', { body, headers: form })).status).toBe(400);
    expect((await admin('POST', '/oauth2/token', { body, headers: form, chunked: true })).status).toBe(400);
  });

  it('of thousands of parameters or scopes is answered or refused quickly', async () => {
    for (const body of [
      'a=b&'.repeat(16_000),
      'scope=repository:a:pull&'.repeat(2500),
      '&'.repeat(60_000),
      '%'.repeat(60_000),
    ]) {
      const started = performance.now();
      const answer = await admin('POST', '/oauth2/token', { body, headers: form });
      expect(answer.status).toBe(400);
      expect(performance.now() - started).toBeLessThan(3000);
    }
  });
});

describe('JSON nested without end (S11)', () => {
  it('is refused wherever JSON is read', async () => {
    for (const text of ['['.repeat(15_000), '{"a":'.repeat(3000), `${'['.repeat(7000)}${']'.repeat(7000)}`]) {
      expect((await admin('PATCH', `/acr/v1/${repository}`, { body: text })).status).toBe(400);
      const headers = { 'content-type': ociManifest };
      expect((await admin('PUT', `/v2/${repository}/manifests/deep`, { body: text, headers })).status).toBe(400);
    }
    let nested: unknown = 'x';
    for (let depth = 0; depth < 200; depth++) nested = { adminEnabled: nested };
    await expect(berth.operator('PATCH', '/registries/-', nested)).rejects.toThrow('nested deeper');
  });
});
