/* oxlint-disable vitest/no-conditional-expect -- the cases of a table expect different things */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Answer, Client } from './_client.ts';
import {
  configType,
  type Descriptor,
  descriptorOf,
  digestOf,
  dockerList,
  dockerManifest,
  emptyType,
  imageOf,
  indexOf,
  layerType,
  ociIndex,
  ociManifest,
  pushBlob,
  pushImage,
  pushManifest,
} from './_content.ts';
import { type Berth, startBerth } from './_server.ts';

const repository = 'team/manifests';

let berth: Berth;
let admin: Client;
let layer: Descriptor;
beforeAll(async () => {
  berth = await startBerth('--limits-index-depth', '3', '--limits-index-width', '5');
  admin = berth.admin;
  await pushBlob(admin, repository, '{}', emptyType);
  layer = await pushBlob(admin, repository, 'a layer');
});
afterAll(() => berth[Symbol.asyncDispose]());

function put(
  reference: string,
  body: object | string | Buffer,
  contentType: string | null = ociManifest,
): Promise<Answer> {
  const bytes = Buffer.isBuffer(body) || typeof body === 'string' ? body : JSON.stringify(body);
  const headers = contentType === null ? {} : { 'content-type': contentType };
  return admin('PUT', `/v2/${repository}/manifests/${reference}`, { body: bytes, headers });
}

const get = (reference: string) => admin('GET', `/v2/${repository}/manifests/${reference}`);

describe('a push', () => {
  it('answers where the manifest is, and keeps its bytes to the last blank', async () => {
    const body = `${JSON.stringify(imageOf('blanks'), null, 3)}\n \n`;
    const answer = await put('blanks', body);
    expect(answer.status).toBe(201);
    expect(answer.headers).toMatchObject({
      location: `/v2/${repository}/manifests/${digestOf(body)}`,
      'docker-content-digest': digestOf(body),
    });
    expect((await get('blanks')).text).toBe(body);
    expect((await admin('GET', String(answer.headers.location))).text).toBe(body);
  });

  it('by digest makes no tag', async () => {
    const { digest } = await pushManifest(admin, 'team/untagged', null, indexOf([]), ociIndex);
    expect((await admin('GET', '/v2/team/untagged/tags/list')).json()).toEqual({ name: 'team/untagged', tags: [] });
    expect((await admin('GET', `/v2/team/untagged/manifests/${digest}`)).status).toBe(200);
  });

  it('over a tag moves it; the older manifest stays under its digest', async () => {
    const before = await pushManifest(admin, repository, 'moving', imageOf('before'));
    const after = await pushManifest(admin, repository, 'moving', imageOf('after'));
    expect((await get('moving')).headers['docker-content-digest']).toBe(after.digest);
    expect((await get(before.digest)).body.equals(before.bytes)).toBe(true);
  });

  it('by a digest that is not its own is refused', async () => {
    const answer = await put(digestOf('other'), imageOf('other digest'));
    expect({ status: answer.status, code: answer.code }).toEqual({ status: 400, code: 'DIGEST_INVALID' });
  });

  it('works under sha512, and the manifest is then not there under sha256', async () => {
    const body = JSON.stringify(imageOf('sha512', { layers: [layer] }));
    const digest = digestOf(body, 'sha512');
    const answer = await put(`${digest}?tag=long`, body);
    expect({ status: answer.status, digest: answer.headers['docker-content-digest'] }).toEqual({ status: 201, digest });
    for (const reference of [digest, 'long']) {
      const got = await get(reference);
      expect(got.text).toBe(body);
      expect(got.headers['docker-content-digest']).toBe(digest);
    }
    expect((await get(digestOf(body))).status).toBe(404);
  });

  it('may leave the Content-Type to the body', async () => {
    for (const contentType of [null, 'application/json', 'application/octet-stream']) {
      expect((await put('typed', imageOf(String(contentType)), contentType)).status).toBe(201);
      expect((await get('typed')).headers['content-type']).toBe(ociManifest);
    }
  });

  it('of many to one tag at once leaves it on one of them', async () => {
    const bodies = Array.from({ length: 12 }, (_, number) => JSON.stringify(imageOf(`race ${number}`)));
    const answers = await Promise.all(bodies.map((body) => put('race', body)));
    expect(answers.map((answer) => answer.status)).toEqual(bodies.map(() => 201));
    expect(bodies).toContain((await get('race')).text);
  });

  it('ignores parameters of the Content-Type', async () => {
    expect((await put('parameters', imageOf('parameters'), `${ociManifest}; charset=utf-8`)).status).toBe(201);
    expect((await get('parameters')).headers['content-type']).toBe(ociManifest);
  });
});

describe('several tags at once', () => {
  it('are set and named in OCI-Tag', async () => {
    const body = JSON.stringify(imageOf('tags'));
    const tags = Array.from({ length: 12 }, (_, index) => `t${index}`);
    const answer = await put(`${digestOf(body)}?${tags.map((tag) => `tag=${tag}`).join('&')}`, body);
    expect(answer.status).toBe(201);
    expect(answer.all('oci-tag').flatMap((value) => value.split(/, */))).toEqual(tags);
    for (const tag of tags) expect((await get(tag)).headers['docker-content-digest']).toBe(digestOf(body));
  });

  it('are all refused when one is no tag, and nothing is stored', async () => {
    const body = JSON.stringify(imageOf('bad tag'));
    const answer = await put(`${digestOf(body)}?tag=good&tag=-bad`, body);
    expect({ status: answer.status, code: answer.code }).toEqual({ status: 400, code: 'TAG_INVALID' });
    expect((await get('good')).status).toBe(404);
    expect((await get(digestOf(body))).status).toBe(404);
  });

  it('do not go with a tag in the path', async () => {
    expect((await put('one?tag=two', imageOf('one and two'))).status).toBe(400);
    expect((await get('one')).status).toBe(404);
  });
});

describe('what a manifest names', () => {
  it('must be in the repository, and the refusal says what is not', async () => {
    const absent = descriptorOf('absent');
    for (const more of [{ layers: [layer, absent] }, { config: { ...absent, mediaType: configType } }]) {
      const answer = await put('incomplete', imageOf('incomplete', more));
      expect({ status: answer.status, code: answer.code }).toEqual({ status: 404, code: 'MANIFEST_BLOB_UNKNOWN' });
      expect(answer.text).toContain(absent.digest);
    }
    expect((await get('incomplete')).status).toBe(404);
  });

  it('may be kept elsewhere when it is a layer that must not be distributed', async () => {
    for (const mediaType of [
      'application/vnd.oci.image.layer.nondistributable.v1.tar+gzip',
      'application/vnd.docker.image.rootfs.foreign.diff.tar.gzip',
    ]) {
      const foreign = { ...descriptorOf(mediaType, mediaType), urls: ['https://elsewhere.example/layer'] };
      expect((await put('foreign', imageOf(mediaType, { layers: [foreign] }))).status).toBe(201);
      expect((await admin('HEAD', `/v2/${repository}/blobs/${foreign.digest}`)).status).toBe(404);
    }
    const config = { ...descriptorOf('x'), mediaType: 'application/vnd.oci.image.layer.nondistributable.v1.tar' };
    expect((await put('foreign', imageOf('config elsewhere', { config }))).code).toBe('MANIFEST_BLOB_UNKNOWN');
  });

  it('may be embedded, if it is what its digest says', async () => {
    const config = { ...descriptorOf('{}', emptyType), data: Buffer.from('{}').toString('base64') };
    expect((await put('embedded', imageOf('embedded', { config }))).status).toBe(201);
    for (const data of [Buffer.from('[]').toString('base64'), 'e30', '***', 7]) {
      const answer = await put('lying', imageOf('lying', { config: { ...config, data } }));
      expect({ status: answer.status, code: answer.code }).toEqual({ status: 400, code: 'MANIFEST_INVALID' });
    }
  });

  it('may be a subject that is not there', async () => {
    const subject = { ...descriptorOf('nobody', ociManifest) };
    const answer = await put('orphan', imageOf('orphan', { subject }));
    expect({ status: answer.status, subject: answer.headers['oci-subject'] }).toEqual({
      status: 201,
      subject: subject.digest,
    });
  });
});

describe('an index', () => {
  it('may be empty, or name manifests that are not there', async () => {
    expect((await put('empty', indexOf([]), ociIndex)).status).toBe(201);
    const sparse = indexOf([descriptorOf('absent', ociManifest)]);
    expect((await put('sparse', sparse, ociIndex)).status).toBe(201);
    expect((await get('sparse')).text).toBe(JSON.stringify(sparse));
  });

  it('may hold indexes to the depth allowed, and not deeper', async () => {
    let child: Descriptor = await pushManifest(admin, repository, null, imageOf('leaf'));
    const statuses: number[] = [];
    for (let depth = 1; depth <= 5; depth++) {
      const body = Buffer.from(JSON.stringify(indexOf([child])));
      const answer = await put(`depth${depth}`, body, ociIndex);
      statuses.push(answer.status);
      if (answer.status !== 201) expect(answer.code).toBe('MANIFEST_INVALID');
      child = { mediaType: ociIndex, digest: digestOf(body), size: body.length };
    }
    // Above a refused one the next names only what is not there, so it is sparse and shallow again.
    expect(statuses).toEqual([201, 201, 201, 400, 201]);
  });

  it('cannot be nested deeper by pushing the outermost first', async () => {
    let child: Descriptor = descriptorOf('innermost', ociManifest);
    const bodies: Buffer[] = [];
    for (let depth = 1; depth <= 5; depth++) {
      const body = Buffer.from(JSON.stringify(indexOf([child], { annotations: { depth: String(depth) } })));
      bodies.unshift(body);
      child = { mediaType: ociIndex, digest: digestOf(body), size: body.length };
    }
    const statuses: number[] = [];
    for (const body of bodies) statuses.push((await put(digestOf(body), body, ociIndex)).status);
    expect(statuses).toEqual([201, 201, 201, 400, 201]);
  });

  it('may be as wide as allowed, and not wider', async () => {
    const wide = (width: number) =>
      indexOf(Array.from({ length: width }, (_, index) => descriptorOf(`wide ${index}`, ociManifest)));
    expect((await put('wide', wide(5), ociIndex)).status).toBe(201);
    const answer = await put('wider', wide(6), ociIndex);
    expect({ status: answer.status, code: answer.code }).toEqual({ status: 400, code: 'MANIFEST_INVALID' });
  });

  it('whose levels double in number is stored quickly', async () => {
    let children: Descriptor[] = [await pushManifest(admin, repository, null, imageOf('bottom'))];
    for (let level = 0; level < 3; level++) {
      const next: Descriptor[] = [];
      for (let copy = 0; copy < 5; copy++) {
        const body = indexOf(children, { annotations: { level: String(level), copy: String(copy) } });
        next.push(await pushManifest(admin, repository, null, body, ociIndex));
      }
      children = next;
    }
    expect(children).toHaveLength(5);
  });
});

describe("Docker's own types", () => {
  it('are stored and served as they are', async () => {
    const config = await pushBlob(
      admin,
      repository,
      '{"architecture":"amd64","os":"linux"}',
      'application/vnd.docker.container.image.v1+json',
    );
    const schema2 = { schemaVersion: 2, mediaType: dockerManifest, config, layers: [layer] };
    const image = await pushManifest(admin, repository, 'schema2', schema2, dockerManifest);
    const platform = { architecture: 'amd64', os: 'linux' };
    const list = {
      schemaVersion: 2,
      mediaType: dockerList,
      manifests: [{ mediaType: dockerManifest, digest: image.digest, size: image.size, platform }],
    };
    const pushed = await pushManifest(admin, repository, 'list', list, dockerList);
    for (const accept of [ociManifest, ociIndex, dockerManifest, '*/*', undefined]) {
      const headers = accept === undefined ? {} : { accept };
      for (const [tag, one] of [
        ['schema2', image],
        ['list', pushed],
      ] as const) {
        const got = await admin('GET', `/v2/${repository}/manifests/${tag}`, { headers });
        expect(got.headers['content-type']).toBe(one.mediaType);
        expect(got.body.equals(one.bytes)).toBe(true);
      }
    }
  });

  it('of schema 1 are refused', async () => {
    const schema1 = { schemaVersion: 1, name: repository, tag: 'old', fsLayers: [], history: [] };
    const answer = await put('old', schema1, 'application/vnd.docker.distribution.manifest.v1+json');
    expect({ status: answer.status, code: answer.code }).toEqual({ status: 400, code: 'MANIFEST_INVALID' });
  });
});

describe('what readers could take for two things (S9)', () => {
  const both = { ...imageOf('both'), manifests: [] };
  it.each<[string, object | string, string | null]>([
    ['layers and manifests', both, ociManifest],
    ['layers and manifests as an index', both, ociIndex],
    ['another type in the header', imageOf('header'), dockerManifest],
    ['an index with an image type', imageOf('kind', { mediaType: ociIndex }), ociIndex],
    [
      'a key twice',
      `{"schemaVersion":2,"schemaVersion":2,"config":${JSON.stringify(descriptorOf('{}', emptyType))},"layers":[]}`,
      ociManifest,
    ],
    ['a key in two letter cases', { ...imageOf('case'), Layers: [] }, ociManifest],
    ['fsLayers beside layers', { ...imageOf('schema1'), fsLayers: [] }, ociManifest],
    [
      'a digest that climbs folders',
      imageOf('climb', { config: { ...descriptorOf('{}', emptyType), digest: 'sha256:../../etc/passwd' } }),
      ociManifest,
    ],
    [
      'a digest in upper case',
      imageOf('upper', { config: { ...descriptorOf('{}', emptyType), digest: digestOf('{}').toUpperCase() } }),
      ociManifest,
    ],
    ['a negative size', imageOf('negative', { config: { ...descriptorOf('{}', emptyType), size: -1 } }), ociManifest],
    ['no type at all', { schemaVersion: 2, config: descriptorOf('{}', emptyType), layers: [] }, null],
    ['no JSON', 'not json', ociManifest],
    ['nothing', '', ociManifest],
    ['an array', [], ociManifest],
    ['an unknown type', imageOf('unknown', { mediaType: 'application/json' }), 'application/json'],
  ])('is refused: %s', async (_, body, contentType) => {
    const answer = await put('confused', body, contentType);
    expect({ status: answer.status, code: answer.code }, answer.text).toEqual({
      status: 400,
      code: 'MANIFEST_INVALID',
    });
    expect((await get('confused')).status).toBe(404);
  });
});

describe('the size of a manifest', () => {
  const padded = (size: number): Buffer => {
    const empty = Buffer.byteLength(JSON.stringify(imageOf('')));
    return Buffer.from(JSON.stringify(imageOf('x'.repeat(size - empty))));
  };

  it('may be 4 MiB', async () => {
    const body = padded(4 * 1024 * 1024);
    expect(body.length).toBe(4 * 1024 * 1024);
    expect((await put('large', body)).status).toBe(201);
    expect((await get('large')).body.equals(body)).toBe(true);
  });

  it('may not be one byte more, with a length or without', async () => {
    const body = padded(4 * 1024 * 1024 + 1);
    for (const chunked of [false, true]) {
      const answer = await admin('PUT', `/v2/${repository}/manifests/larger`, {
        body,
        chunked,
        headers: { 'content-type': ociManifest },
      });
      expect({ status: answer.status, code: answer.code }).toEqual({ status: 413, code: 'SIZE_INVALID' });
    }
    expect((await get('larger')).status).toBe(404);
  });
});

describe('an image', () => {
  it('may have no layers, one layer twice, and layers of no bytes', async () => {
    await pushImage(admin, repository, 'none', 'no layers');
    expect((await put('twice', imageOf('twice', { layers: [layer, layer] }))).status).toBe(201);
    const nothing = await pushBlob(admin, repository, '', layerType);
    expect((await put('nothing', imageOf('nothing', { layers: [nothing] }))).status).toBe(201);
  });
});
