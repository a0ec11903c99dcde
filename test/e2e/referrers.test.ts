import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Client } from './_client.ts';
import {
  descriptorOf,
  digestOf,
  emptyType,
  followLinks,
  imageOf,
  indexOf,
  ociIndex,
  ociManifest,
  type Pushed,
  pushBlob,
  pushImage,
  pushManifest,
} from './_content.ts';
import { type Berth, startBerth } from './_server.ts';

const repository = 'team/signed';
const sbom = 'application/vnd.example.sbom.v1';
const signature = 'application/vnd.example.signature.v1';

let berth: Berth;
let admin: Client;
let subject: Pushed;
beforeAll(async () => {
  berth = await startBerth();
  admin = berth.admin;
  subject = await pushImage(admin, repository, 'v1', 'subject');
});
afterAll(() => berth[Symbol.asyncDispose]());

type Listed = { digest: string; mediaType: string; size: number; artifactType?: string; annotations?: object };

function toSubject({ mediaType, digest, size }: Pushed): object {
  return { subject: { mediaType, digest, size } };
}

async function referrersOf(digest: string, query = '', from = repository): Promise<Listed[]> {
  const pages = await followLinks(admin, `/v2/${from}/referrers/${digest}${query}`);
  return pages.flatMap((page) => page['manifests'] as Listed[]);
}

describe('referrers', () => {
  it('are an empty index where there are none: known or unknown subject, known or unknown repository', async () => {
    for (const path of [
      `${repository}/referrers/${subject.digest}`,
      `${repository}/referrers/${digestOf('x')}`,
      `no/such/referrers/${digestOf('x')}`,
    ]) {
      const answer = await admin('GET', `/v2/${path}`);
      expect(answer.status).toBe(200);
      expect(answer.headers['content-type']).toBe(ociIndex);
      expect(answer.json()).toEqual({ schemaVersion: 2, mediaType: ociIndex, manifests: [] });
    }
  });

  it.each(['sha256:short', 'v1', 'md5:d41d8cd98f00b204e9800998ecf8427e'])('of "%s" are refused', async (digest) => {
    const answer = await admin('GET', `/v2/${repository}/referrers/${digest}`);
    expect({ status: answer.status, code: answer.code }).toEqual({ status: 400, code: 'DIGEST_INVALID' });
  });

  it('carry artifact type and annotations; the push is told that its subject was seen', async () => {
    const target = await pushImage(admin, repository, null, 'described');
    const annotations = { 'org.example.format': 'json', odd: 'ä"\\\u2028' };
    const body = Buffer.from(JSON.stringify(imageOf('', { artifactType: sbom, annotations, ...toSubject(target) })));
    const put = await admin('PUT', `/v2/${repository}/manifests/${digestOf(body)}`, {
      body,
      headers: { 'content-type': ociManifest },
    });
    expect({ status: put.status, subject: put.headers['oci-subject'] }).toEqual({
      status: 201,
      subject: target.digest,
    });
    expect(await referrersOf(target.digest)).toEqual([
      { mediaType: ociManifest, digest: digestOf(body), size: body.length, artifactType: sbom, annotations },
    ]);
  });

  it('take the type of the config where an image names none, and none for an index', async () => {
    const target = await pushImage(admin, repository, null, 'typed');
    const image = await pushImage(admin, repository, null, 'by config', toSubject(target));
    const index = await pushManifest(admin, repository, null, indexOf([], toSubject(target)), ociIndex);
    const own = await pushManifest(
      admin,
      repository,
      null,
      indexOf([], { artifactType: sbom, ...toSubject(target) }),
      ociIndex,
    );
    const listed = await referrersOf(target.digest);
    const typeOf = (digest: string) => listed.find((one) => one.digest === digest);
    expect(typeOf(image.digest)).toMatchObject({ artifactType: emptyType, mediaType: ociManifest });
    expect(typeOf(index.digest)).toEqual({ mediaType: ociIndex, digest: index.digest, size: index.size });
    expect(typeOf(own.digest)).toMatchObject({ artifactType: sbom, mediaType: ociIndex });
  });

  it('are filtered by artifact type, and the answer says so', async () => {
    const target = await pushImage(admin, repository, null, 'filtered');
    for (const [artifactType, count] of [
      [sbom, 3],
      [signature, 2],
    ] as const) {
      for (let index = 0; index < count; index++) {
        await pushImage(admin, repository, null, `${artifactType} ${index}`, { artifactType, ...toSubject(target) });
      }
    }
    const path = `/v2/${repository}/referrers/${target.digest}`;
    expect((await admin('GET', path)).headers['oci-filters-applied']).toBeUndefined();
    for (const [artifactType, count] of [
      [sbom, 3],
      [signature, 2],
      ['application/none', 0],
    ] as const) {
      const answer = await admin('GET', `${path}?artifactType=${encodeURIComponent(artifactType)}`);
      expect(answer.headers['oci-filters-applied']).toBe('artifactType');
      expect(answer.json<{ manifests: Listed[] }>().manifests.map((one) => one.artifactType)).toEqual(
        Array.from({ length: count }, () => artifactType),
      );
    }
    expect(await referrersOf(target.digest, `?artifactType=${sbom}&n=1`)).toHaveLength(3);
  });

  it('come in pages by Link, each of them once', async () => {
    const target = await pushImage(admin, repository, null, 'paged');
    const pushed: string[] = [];
    for (let index = 0; index < 120; index++) {
      const body = indexOf([], { annotations: { index: String(index) }, ...toSubject(target) });
      pushed.push((await pushManifest(admin, repository, null, body, ociIndex)).digest);
    }
    pushed.sort();
    for (const query of ['', '?n=50', '?n=119', '?n=120', '?n=1000']) {
      expect((await referrersOf(target.digest, query)).map((one) => one.digest)).toEqual(pushed);
    }
  });

  it('come in pages too when their annotations are large', async () => {
    const target = await pushImage(admin, repository, null, 'heavy');
    const pushed: string[] = [];
    for (let index = 0; index < 150; index++) {
      const annotations = { index: String(index), text: 'x'.repeat(15_000) };
      const body = indexOf([], { annotations, ...toSubject(target) });
      pushed.push((await pushManifest(admin, repository, null, body, ociIndex)).digest);
    }
    const pages = await followLinks(admin, `/v2/${repository}/referrers/${target.digest}?n=1000`);
    expect(pages.length).toBeGreaterThan(1);
    const listed = pages.flatMap((page) => page['manifests'] as Listed[]);
    expect(listed.map((one) => one.digest)).toEqual(pushed.sort());
    for (const page of pages) expect(JSON.stringify(page).length).toBeLessThan(4 * 1024 * 1024);
  });

  it('vanish when they are deleted, and stay when they lose a tag', async () => {
    const target = await pushImage(admin, repository, null, 'vanishing');
    const first = await pushImage(admin, repository, 'sig', 'first', toSubject(target));
    const second = await pushImage(admin, repository, null, 'second', toSubject(target));
    await admin('DELETE', `/v2/${repository}/manifests/sig`);
    expect(await referrersOf(target.digest)).toHaveLength(2);
    await admin('DELETE', `/v2/${repository}/manifests/${first.digest}`);
    expect((await referrersOf(target.digest)).map((one) => one.digest)).toEqual([second.digest]);
    await pushImage(admin, repository, null, 'first', toSubject(target));
    expect(await referrersOf(target.digest)).toHaveLength(2);
  });

  it('may be pushed before their subject, and outlive it', async () => {
    const body = imageOf('late subject');
    const digest = digestOf(JSON.stringify(body));
    const early = await pushImage(admin, repository, null, 'early', {
      subject: { mediaType: ociManifest, digest, size: JSON.stringify(body).length },
    });
    expect((await referrersOf(digest)).map((one) => one.digest)).toEqual([early.digest]);
    await pushManifest(admin, repository, null, body);
    expect(await referrersOf(digest)).toHaveLength(1);
    await admin('DELETE', `/v2/${repository}/manifests/${digest}`);
    expect(await referrersOf(digest)).toHaveLength(1);
  });

  it('are those of one repository', async () => {
    await pushImage(admin, 'team/copy', 'v1', 'subject');
    await pushImage(admin, 'team/copy', null, 'there', toSubject(subject));
    expect(await referrersOf(subject.digest)).toEqual([]);
    expect(await referrersOf(subject.digest, '', 'team/copy')).toHaveLength(1);
  });

  it('work for subjects under sha512', async () => {
    const digest = digestOf('long', 'sha512');
    const pushed = await pushImage(admin, repository, null, 'of sha512', {
      subject: { mediaType: ociManifest, digest, size: 4 },
    });
    expect((await referrersOf(digest)).map((one) => one.digest)).toEqual([pushed.digest]);
  });
});

describe('the fallback tag of older clients', () => {
  it('is a tag like any other', async () => {
    const tag = subject.digest.replace(':', '-');
    const referrer = await pushImage(admin, repository, null, 'by tag', { artifactType: signature });
    const pushed = await pushManifest(
      admin,
      repository,
      tag,
      indexOf([{ ...referrer, artifactType: signature }]),
      ociIndex,
    );
    expect((await admin('GET', `/v2/${repository}/manifests/${tag}`)).body.equals(pushed.bytes)).toBe(true);
    expect((await admin('GET', `/v2/${repository}/tags/list`)).json()['tags']).toContain(tag);
    expect((await admin('DELETE', `/v2/${repository}/manifests/${tag}`)).status).toBe(202);
  });
});

describe('a subject', () => {
  it('must be a whole descriptor', async () => {
    await pushBlob(admin, repository, '{}', emptyType);
    for (const wrong of [{}, { digest: digestOf('x') }, 'text', { ...descriptorOf('x', ociManifest), digest: 'x' }]) {
      const answer = await admin('PUT', `/v2/${repository}/manifests/wrong`, {
        body: JSON.stringify(imageOf('wrong', { subject: wrong })),
        headers: { 'content-type': ociManifest },
      });
      expect({ status: answer.status, code: answer.code }).toEqual({ status: 400, code: 'MANIFEST_INVALID' });
    }
  });
});
