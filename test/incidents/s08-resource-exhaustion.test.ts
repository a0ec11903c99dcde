// S8, lists and sizes without end. `n=` of Distribution filled its memory (CVE-2023-2253), bodies and lists without a cap
// did so elsewhere (CVE-2017-11468, notation CVE-2023-33957), and zot walked indexes for ever. Page sizes are in
// test/e2e/lists.test.ts, depth and width of indexes in test/e2e/push-manifests.test.ts, slow clients and large heads in
// test/e2e/connections.test.ts.
import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Answer, type Client, client } from '../e2e/_client.ts';
import {
  descriptorOf,
  digestOf,
  imageOf,
  indexOf,
  layerType,
  ociIndex,
  ociManifest,
  type Pushed,
  pushBlob,
  pushImage,
  pushManifest,
} from '../e2e/_content.ts';
import { type Berth, startBerth } from '../e2e/_server.ts';

const repository = 'team/many';
/** 10^5 take minutes; the pages are as quick at a hundredth, which is what the test of their time is about. */
const referrerCount = process.env['BERTH_TEST_FULL'] === '1' ? 20_000 : 1500;

let berth: Berth;
let admin: Client;
let image: Pushed;
beforeAll(async () => {
  berth = await startBerth();
  admin = berth.admin;
  image = await pushImage(admin, repository, 'v1', 'exhaustion');
});
afterAll(() => berth[Symbol.asyncDispose]());

const put = (reference: string, body: string | Buffer, type = ociManifest): Promise<Answer> =>
  admin('PUT', `/v2/${repository}/manifests/${reference}`, { body, headers: { 'content-type': type } });

async function timed<T>(work: () => Promise<T>): Promise<{ value: T; ms: number }> {
  const started = performance.now();
  return { value: await work(), ms: performance.now() - started };
}

/** Resident memory of the server, in bytes. */
async function residentBytes(): Promise<number> {
  const { pid } = await berth.operator('GET', '/status');
  const [, kilobytes] = /VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${Number(pid)}/status`, 'utf8')) ?? [];
  return Number(kilobytes) * 1024;
}

describe('a page (S8)', () => {
  const numbers = [2n ** 31n, 2n ** 32n, 2n ** 53n, 2n ** 63n - 1n, 2n ** 63n, 2n ** 64n].map(String);
  const refused = [
    '-1',
    '-9223372036854775808',
    'NaN',
    'Infinity',
    '1e9',
    '0x7fffffff',
    '１',
    '9'.repeat(4000),
    '1,2',
    '[1]',
  ];
  const lists = [
    '/v2/_catalog',
    '/acr/v1/_catalog',
    `/v2/${repository}/tags/list`,
    `/acr/v1/${repository}/_tags`,
    `/acr/v1/${repository}/_manifests`,
    `/v2/${repository}/referrers/sha256:${'0'.repeat(64)}`,
  ];

  it.each(lists)('of %s has a bounded size whatever n and last say', async (path) => {
    for (const n of numbers) expect((await admin('GET', `${path}?n=${n}`)).status, n).toBe(200);
    for (const n of refused) {
      const answer = await admin('GET', `${path}?n=${encodeURIComponent(n)}`);
      expect({ n, status: answer.status }).toEqual({ n, status: 400 });
      expect(answer.text.length).toBeLessThan(500);
    }
    for (const last of ['x'.repeat(513), 'x'.repeat(12_000), '%00', '%ff%00']) {
      expect((await admin('GET', `${path}?last=${last}`)).status, last.slice(0, 20)).toBe(400);
    }
    const twice = await admin('GET', `${path}?n=1&n=${numbers[3]}`);
    expect(twice.status).toBe(200);
  });

  it('of a query of thousands of parameters is answered, or refused as too large', async () => {
    for (const query of ['&'.repeat(14_000), 'n=1&'.repeat(3000), 'a[]='.repeat(3000), `x=${'%41'.repeat(4000)}`]) {
      const { value, ms } = await timed(() => admin('GET', `/v2/_catalog?${query}`));
      expect([200, 400, 431]).toContain(value.status);
      expect(ms).toBeLessThan(3000);
    }
    const tooLong = await admin('GET', `/v2/_catalog?x=${'y'.repeat(40_000)}`);
    expect([414, 431]).toContain(tooLong.status);
  });
});

describe('one subject of very many referrers (S8)', () => {
  it(`answers pages as quickly behind ${referrerCount} as at the first`, async () => {
    const subject = { mediaType: image.mediaType, digest: image.digest, size: image.size };
    const pushers = Array.from({ length: 8 }, async (_, worker) => {
      for (let n = worker; n < referrerCount; n += 8) {
        const pushed = imageOf(`referrer ${n}`, { subject, artifactType: `application/x-${n % 7}` });
        await pushManifest(admin, repository, null, pushed);
      }
    });
    await Promise.all(pushers);
    const digests = new Set<string>();
    const times: number[] = [];
    for (let next: string | undefined = `/v2/${repository}/referrers/${image.digest}`; next !== undefined; ) {
      const path: string = next;
      const { value, ms } = await timed(() => admin('GET', path));
      times.push(ms);
      const { manifests } = value.json<{ manifests: { digest: string }[] }>();
      expect(manifests.length).toBeLessThanOrEqual(1000);
      for (const { digest } of manifests) digests.add(digest);
      next = /<([^>]+)>/.exec(String(value.headers['link'] ?? ''))?.[1];
    }
    expect(digests.size).toBe(referrerCount);
    const [first = 0] = times;
    expect(Math.max(...times.slice(1)), times.map((ms) => ms.toFixed()).join(' ')).toBeLessThan(first * 5 + 500);
    const filtered = await timed(() =>
      admin('GET', `/v2/${repository}/referrers/${image.digest}?artifactType=application/none`),
    );
    expect(filtered.value.json()['manifests']).toEqual([]);
    expect(filtered.ms).toBeLessThan(2000);
    expect((await admin('GET', `/v2/${repository}/manifests/v1`)).status).toBe(200);
  }, 600_000);
});

describe('a manifest (S8)', () => {
  it('of 4096 layers is taken, of one more it is not, and each in good time', async () => {
    await pushBlob(admin, repository, 'layer');
    const layer = descriptorOf('layer', layerType);
    const of = (count: number) =>
      JSON.stringify(imageOf('layers', { layers: Array.from({ length: count }, () => layer) }));
    const taken = await timed(() => put('layers', of(4096)));
    expect(taken.value.status, taken.value.text).toBe(201);
    expect(taken.ms).toBeLessThan(10_000);
    expect((await put('more', of(4097))).code).toBe('MANIFEST_INVALID');
  });

  it('of thousands of layers that are not there is refused in few words', async () => {
    const layers = Array.from({ length: 4000 }, (_, n) => descriptorOf(`absent ${n}`));
    const { value, ms } = await timed(() => put('absent', JSON.stringify(imageOf('absent', { layers }))));
    expect(value.code).toBe('MANIFEST_BLOB_UNKNOWN');
    expect(value.text.length).toBeLessThan(64 * 1024);
    expect(ms).toBeLessThan(10_000);
  });

  it('may carry 64 tags and not ten thousand', async () => {
    const body = JSON.stringify(imageOf('tags'));
    const query = (count: number) => Array.from({ length: count }, (_, n) => `tag=t${n}`).join('&');
    expect((await put(`${digestOf(body)}?${query(64)}`, body)).status).toBe(201);
    const more = await put(`${digestOf(body)}?${query(65)}`, body);
    expect({ status: more.status, code: more.code }).toEqual({ status: 400, code: 'TAG_INVALID' });
    expect([400, 431]).toContain((await put(`${digestOf(body)}?${query(10_000)}`, body)).status);
    expect((await admin('GET', `/v2/${repository}/manifests/t64`)).status).toBe(404);
  });

  it('that names itself, or a ring of others, cannot be made; what claims so is stored without being followed', async () => {
    const itself = indexOf([{ mediaType: ociIndex, digest: `sha256:${'1'.repeat(64)}`, size: 1 }]);
    for (const [name, body] of [
      ['itself', itself],
      [
        'subject',
        { ...imageOf('subject'), subject: { mediaType: ociManifest, digest: `sha256:${'2'.repeat(64)}`, size: 1 } },
      ],
    ] as const) {
      const { value, ms } = await timed(() =>
        put(name, JSON.stringify(body), name === 'itself' ? ociIndex : ociManifest),
      );
      expect(value.status, value.text).toBe(201);
      expect(ms).toBeLessThan(5000);
    }
  });

  it('of an index that lists one manifest a thousand times is one edge', async () => {
    const body = JSON.stringify(indexOf(Array.from({ length: 1000 }, () => image)));
    const { value, ms } = await timed(() => put('same', body, ociIndex));
    expect(value.status, value.text).toBe(201);
    expect(ms).toBeLessThan(5000);
  });

  it('of 4 MiB of brackets, keys or annotations costs no more than its size', async () => {
    const size = 4 * 1024 * 1024 - 1000;
    for (const text of [
      '['.repeat(size),
      '{"a":'.repeat(size / 5),
      `"${'\\u0000'.repeat(size / 6)}"`,
      '1'.repeat(size),
    ]) {
      const { value, ms } = await timed(() => put('bomb', text));
      expect(value.code).toBe('MANIFEST_INVALID');
      expect(value.text.length).toBeLessThan(1000);
      expect(ms).toBeLessThan(5000);
    }
    const annotations = Object.fromEntries(Array.from({ length: 20_000 }, (_, n) => [`k${n}`, 'v'.repeat(150)]));
    const { value, ms } = await timed(() => put('annotated', JSON.stringify(imageOf('a', { annotations }))));
    expect([201, 400]).toContain(value.status);
    expect(ms).toBeLessThan(10_000);
  });

  it('claimed to be endless is refused before a byte of it is read', async () => {
    for (const length of [String(2 ** 53), '99999999999999999999', String(2n ** 64n)]) {
      const hasty = client({ address: berth.address, authorization: authorizationOf() });
      const headers = { 'content-length': length, expect: '100-continue', 'content-type': ociManifest };
      const answer = await hasty('PUT', `/v2/${repository}/manifests/endless`, { headers }).catch(
        (error: unknown) => error,
      );
      const status = (answer as Partial<Answer>).status;
      // A number beyond 64 bits is no HTTP at all.
      if (status !== undefined) expect([400, 413]).toContain(status);
      expect((await admin('GET', '/v2/')).status).toBe(200);
    }
  });
});

describe('memory (S8)', () => {
  it('does not grow with what is refused', async () => {
    const before = await residentBytes();
    const large = Buffer.alloc(5 * 1024 * 1024, '[');
    for (let round = 0; round < 30; round++) {
      expect((await put('large', large)).status).toBe(413);
      await admin('POST', '/oauth2/token', { body: large });
      await admin('PATCH', `/acr/v1/${repository}`, { body: large });
    }
    expect((await residentBytes()) - before).toBeLessThan(200 * 1024 * 1024);
  });
});

function authorizationOf(): string {
  return `Basic ${Buffer.from(`${berth.username}:${berth.password}`).toString('base64')}`;
}
