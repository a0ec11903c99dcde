import { describe, expect, it } from 'vitest';
import { digestOf, isFault } from '../kernel/index.ts';
import {
  artifact,
  config,
  digest,
  dockerImage,
  dockerList,
  entry,
  image,
  index,
  layer,
  ociArtifact,
  ociImage,
  ociIndex,
  orasArtifact,
  untyped,
  withLayer,
} from './_manifest-samples.ts';
import { type ParsedManifest, parseManifest } from './manifest.ts';

const limits = { maxIndexWidth: 50, maxLayers: 50 };

function parse(body: unknown, contentType: string | null = null): ParsedManifest {
  const text = typeof body === 'string' ? body : JSON.stringify(body);
  return parseManifest(Buffer.from(text), contentType, limits);
}

function refusal(body: unknown, contentType: string | null = null): string {
  try {
    parse(body, contentType);
  } catch (error) {
    if (isFault(error, 'manifest-invalid')) return error.message;
    throw error;
  }
  throw new Error('not refused');
}

describe('parseManifest reads', () => {
  it('an OCI image', () => {
    const text = JSON.stringify({ ...image, annotations: { a: 'b' } });
    expect(parse(text, ociImage)).toEqual({
      mediaType: ociImage,
      kind: 'image',
      artifactType: config.mediaType,
      ownArtifactType: null,
      configMediaType: config.mediaType,
      subject: null,
      children: [
        { kind: 'config', ...config, distributable: true, platform: null },
        { kind: 'layer', ...layer, distributable: true, platform: null },
      ],
      annotations: { a: 'b' },
      imageSize: 42,
      size: text.length,
    });
  });

  it('an index with platforms, and sums the sizes of its entries', () => {
    const platform = { architecture: 'arm64', os: 'linux', variant: 'v8' };
    const parsed = parse({ ...index, manifests: [{ ...entry, platform }, entry] }, ociIndex);
    expect(parsed).toMatchObject({ kind: 'index', artifactType: null, configMediaType: null, imageSize: 1000 });
    expect(parsed.children.map((child) => child.platform)).toEqual([{ architecture: 'arm64', os: 'linux' }, null]);
  });

  it.each([
    [dockerImage, { ...untyped, mediaType: dockerImage }, 'image'],
    [dockerList, { ...index, mediaType: dockerList }, 'index'],
    [ociArtifact, artifact, 'artifact'],
    [orasArtifact, { ...artifact, mediaType: orasArtifact, subject: entry }, 'artifact'],
  ])('%s', (mediaType, body, kind) => expect(parse(body, mediaType)).toMatchObject({ mediaType, kind }));

  it('an image without layers, and an index without entries', () => {
    expect(parse({ ...image, layers: [] }).children).toHaveLength(1);
    expect(parse({ ...index, manifests: [] }).children).toEqual([]);
  });

  it('an artifact without blobs', () => expect(parse({ ...artifact, blobs: undefined }).children).toEqual([]));

  it('the empty config, and the artifact type before the type of the config', () => {
    const empty = { mediaType: 'application/vnd.oci.empty.v1+json', digest: digest('{}'), size: 2, data: 'e30=' };
    expect(parse({ ...image, config: empty, artifactType: 'application/vnd.example' })).toMatchObject({
      artifactType: 'application/vnd.example',
      ownArtifactType: 'application/vnd.example',
      configMediaType: 'application/vnd.oci.empty.v1+json',
    });
    expect(parse({ ...image, config: empty }).artifactType).toBe('application/vnd.oci.empty.v1+json');
  });

  it.each([
    ['an image', image],
    ['an index', index],
    ['an artifact', artifact],
  ])('the subject of %s', (_, body) => expect(parse({ ...body, subject: entry }).subject).toBe(entry.digest));

  it('the type from the body when the Content-Type is missing or generic', () => {
    for (const contentType of [
      null,
      '',
      'application/json',
      'Application/JSON; charset=utf-8',
      'application/octet-stream',
    ]) {
      expect(parse(image, contentType).mediaType).toBe(ociImage);
    }
  });

  it('the type from the Content-Type alone, without parameters and in any letter case', () => {
    expect(parse(untyped, ociImage).mediaType).toBe(ociImage);
    expect(parse(untyped, 'APPLICATION/vnd.oci.image.manifest.v1+JSON ; charset=utf-8').mediaType).toBe(ociImage);
  });

  it('members that are null or empty as absent', () => {
    const nulls = { urls: null, annotations: null, platform: null, data: null, artifactType: null };
    const body = { ...withLayer(nulls), artifactType: '', subject: null, annotations: null };
    expect(parse(body)).toMatchObject({ ownArtifactType: null, subject: null, annotations: null });
    expect(parse({ ...untyped, mediaType: '' }, ociImage).mediaType).toBe(ociImage);
  });

  it('members that it does not know, in any letter case', () => {
    expect(parse({ ...image, Extra: 1, config: { ...config, 'x-Note': [] } }).kind).toBe('image');
  });

  it('sha512 digests, media types with parameters, and a size of zero written as -0', () => {
    const sha512 = digestOf(Buffer.from('x'), 'sha512');
    const change = { digest: sha512, mediaType: 'text/plain; charset=utf-8', size: 0 };
    const text = JSON.stringify(withLayer(change)).replace('"size":0', '"size":-0');
    expect(parse(text).children[2]).toMatchObject(change);
  });

  it.each([
    'application/vnd.docker.image.rootfs.foreign.diff.tar.gzip',
    'application/vnd.oci.image.layer.nondistributable.v1.tar',
    'application/vnd.oci.image.layer.nondistributable.v1.tar+zstd',
  ])('%s as a layer that may be elsewhere', (mediaType) => {
    const parsed = parse(withLayer({ mediaType, urls: ['https://example.com/layer'] }));
    expect(parsed.children.map((child) => child.distributable)).toEqual([true, true, false]);
  });

  it('a config as one that must be here, whatever its type says', () => {
    const mediaType = 'application/vnd.docker.image.rootfs.foreign.diff.tar.gzip';
    expect(parse({ ...image, config: { ...config, mediaType } }).children[0]?.distributable).toBe(true);
  });

  it('entries of an index that are no manifests as blobs, as in a BuildKit cache', () => {
    const cache = { ...config, mediaType: 'application/vnd.buildkit.cacheconfig.v0' };
    const old = { ...entry, mediaType: 'application/vnd.docker.distribution.manifest.v1+json' };
    const parsed = parse({ ...index, manifests: [layer, cache, entry, old] });
    expect(parsed.children.map((child) => child.kind)).toEqual(['blob', 'blob', 'manifest', 'manifest']);
  });

  it('annotations that name inherited members as plain text', () => {
    const { annotations } = parse({ ...image, annotations: { constructor: 'x' } });
    expect(annotations?.['constructor']).toBe('x');
    expect(annotations?.['toString']).toBeUndefined();
  });
});

describe('parseManifest refuses, by media type,', () => {
  it.each([
    'application/vnd.docker.distribution.manifest.v1+json',
    'application/vnd.docker.distribution.manifest.v1+prettyjws',
    'text/html',
    'garbage',
  ])('%s in the header, and says what is taken', (mediaType) => {
    expect(refusal(image, mediaType)).toContain(
      `Content-Type: "${mediaType}" is not a manifest that can be stored; taken are`,
    );
  });

  it.each([
    'application/vnd.docker.distribution.manifest.v1+json',
    'application/vnd.docker.distribution.manifest.v1+prettyjws',
    'text/html',
  ])('%s in the body', (mediaType) => {
    expect(refusal({ ...untyped, mediaType })).toContain(
      `mediaType: "${mediaType}" is not a manifest that can be stored`,
    );
  });

  it('no type at all', () => {
    expect(refusal(untyped)).toContain('neither the body nor the Content-Type');
    expect(refusal(untyped, 'application/json')).toContain('neither the body nor the Content-Type');
  });

  it.each([
    ['image and index', image, ociIndex],
    ['index and image', index, ociImage],
    ['OCI and Docker', image, dockerImage],
    ['the right type in other letters', { ...image, mediaType: ociImage.toUpperCase() }, ociImage],
  ])('body and header that disagree: %s', (_, body, contentType) => {
    expect(refusal(body, contentType)).toContain(`is not what the Content-Type says, "${contentType}"`);
  });
});

describe('parseManifest refuses, against manifest confusion,', () => {
  it.each([
    ['manifests in an image', { ...image, manifests: [entry] }, 'manifests'],
    ['an empty list of manifests in an image', { ...image, manifests: [] }, 'manifests'],
    ['null for manifests in an image', { ...image, manifests: null }, 'manifests'],
    ['layers in an index', { ...index, layers: [layer] }, 'layers'],
    ['a config in an index', { ...index, config }, 'config'],
    ['blobs in an image', { ...image, blobs: [] }, 'blobs'],
    ['layers in an artifact', { ...artifact, layers: [] }, 'layers'],
    ['manifests in an artifact', { ...artifact, manifests: [] }, 'manifests'],
    ['fsLayers of schema 1 in an image', { ...image, fsLayers: [] }, 'fsLayers'],
    ['history of schema 1 in an index', { ...index, history: [] }, 'history'],
  ])('%s', (_, body, key) => expect(refusal(body)).toContain(`${key}: does not belong in a manifest of type`));

  it.each([
    ['Layers', { ...image, Layers: [] }, '"Layers"', 'layers'],
    ['MediaType', { ...untyped, MediaType: ociIndex }, '"MediaType"', 'mediaType'],
    ['MANIFESTS', { ...image, MANIFESTS: [] }, '"MANIFESTS"', 'manifests'],
    ['FSLayers', { ...image, FSLayers: [] }, '"FSLayers"', 'fsLayers'],
    ['Subject', { ...image, Subject: entry }, '"Subject"', 'subject'],
    ['layers with a long s', { ...image, 'layer\u017F': [] }, '"layer\u017F"', 'layers'],
    ['Digest in a config', { ...image, config: { ...config, Digest: digest('x') } }, 'config."Digest"', 'digest'],
    ['SIZE in a layer', withLayer({ SIZE: 1 }), 'layers[1]."SIZE"', 'size'],
    ['Size in a subject', { ...image, subject: { ...entry, Size: 1 } }, 'subject."Size"', 'size'],
    [
      'OS in a platform',
      { ...index, manifests: [{ ...entry, platform: { architecture: 'a', os: 'b', OS: 'c' } }] },
      'manifests[0].platform."OS"',
      'os',
    ],
  ])('the key %s', (_, body, path, meant) => {
    expect(refusal(body, ociImage === Reflect.get(body, 'mediaType') ? ociImage : null)).toBe(
      `${path}: the key differs from "${meant}" in letter case only; write "${meant}"`,
    );
  });

  it.each([
    ['a key twice at the top', `{"schemaVersion":2,"layers":[],"layers":[]}`, 'duplicate key "layers"'],
    ['a key twice in a descriptor', '{"config":{"size":1,"size":2}}', 'duplicate key "size"'],
    ['a key twice in annotations', '{"annotations":{"a":"1","a":"2"}}', 'duplicate key "a"'],
    ['the key __proto__', '{"__proto__":{"mediaType":"x"}}', '__proto__'],
    ['nesting without end', `{"a":${'['.repeat(200)}${']'.repeat(200)}}`, 'nested deeper'],
    ['a byte order mark', `\uFEFF${JSON.stringify(image)}`, 'byte order mark'],
    ['a second value', `${JSON.stringify(image)}{}`, 'the end expected'],
    ['nothing', '', 'found the end of the text'],
  ])('%s', (_, text, reason) =>
    expect(refusal(text, ociImage)).toMatch(new RegExp(`^manifest: not strict JSON: .*${reason}`)),
  );

  it('bytes that are no UTF-8', () => {
    expect(() => parseManifest(Uint8Array.from([0x22, 0xff, 0x22]), ociImage, limits)).toThrow(
      'invalid UTF-8 at byte 1',
    );
  });

  it.each(['[]', 'null', '"text"', '2'])('%s in place of an object', (text) => {
    expect(refusal(text, ociImage)).toBe('manifest: a JSON object expected');
  });
});

describe('parseManifest refuses, in the members,', () => {
  it.each([
    ['no schemaVersion', { ...image, schemaVersion: undefined }, 'schemaVersion: the number 2 expected, found nothing'],
    ['schemaVersion 1', { ...image, schemaVersion: 1 }, 'schemaVersion: the number 2 expected, found 1'],
    ['schemaVersion as text', { ...index, schemaVersion: '2' }, 'schemaVersion: the number 2 expected, found "2"'],
    ['no config', { ...image, config: undefined }, 'config: an object expected, found nothing'],
    ['a config of null', { ...image, config: null }, 'config: an object expected, found null'],
    ['no layers', { ...image, layers: undefined }, 'layers: an array expected, found nothing'],
    ['layers of null', { ...image, layers: null }, 'layers: an array expected, found null'],
    ['layers as an object', { ...image, layers: {} }, 'layers: an array expected, found an object'],
    ['no manifests', { ...index, manifests: undefined }, 'manifests: an array expected, found nothing'],
    ['a layer of null', { ...image, layers: [null] }, 'layers[0]: an object expected, found null'],
    ['a layer as an array', { ...image, layers: [[]] }, 'layers[0]: an object expected, found an array'],
    ['blobs as text', { ...artifact, blobs: 'x' }, 'blobs: an array expected, found "x"'],
    ['a mediaType that is a number', { ...image, mediaType: 2 }, 'mediaType: a media type expected, found 2'],
    ['a subject as text', { ...image, subject: 'x' }, 'subject: an object expected, found "x"'],
    [
      'a subject without a digest',
      { ...image, subject: { ...entry, digest: undefined } },
      'subject.digest: a digest expected, found nothing',
    ],
    [
      'an artifactType that is none',
      { ...image, artifactType: 'sbom' },
      'artifactType: a media type of the form type/subtype expected, found "sbom"',
    ],
    ['annotations as a list', { ...image, annotations: [] }, 'annotations: an object expected, found an array'],
    [
      'an annotation that is a number',
      { ...image, annotations: { a: 1 } },
      'annotations["a"]: a string expected, found 1',
    ],
    [
      'an annotation of null',
      { ...image, annotations: { a: null } },
      'annotations["a"]: a string expected, found null',
    ],
  ])('%s', (_, body, message) => expect(refusal(body)).toBe(message));

  it.each([
    ['no mediaType', { mediaType: undefined }, 'mediaType: a media type expected, found nothing'],
    ['an empty mediaType', { mediaType: '' }, 'mediaType: a media type of the form type/subtype expected, found ""'],
    [
      'a mediaType without a slash',
      { mediaType: 'tar' },
      'mediaType: a media type of the form type/subtype expected, found "tar"',
    ],
    [
      'a mediaType with a line feed',
      { mediaType: 'a/b;\n' },
      'mediaType: a media type of the form type/subtype expected, found "a/b;\\n"',
    ],
    ['no digest', { digest: undefined }, 'digest: a digest expected, found nothing'],
    [
      'a digest of a path',
      { digest: '../../etc/passwd' },
      'digest: "../../etc/passwd" is not a digest of the form algorithm:hex',
    ],
    [
      'a digest with a path inside',
      { digest: 'sha256:../../x' },
      'digest: "sha256:../../x" is not a digest of the form algorithm:hex',
    ],
    [
      'a short digest',
      { digest: 'sha256:abcd' },
      'digest: "sha256:abcd" is not a sha256 digest: 64 lower-case hex digits expected',
    ],
    [
      'a digest of upper-case hex',
      { digest: `sha256:${'A'.repeat(64)}` },
      `digest: "sha256:${'A'.repeat(64)}" is not a sha256 digest: 64 lower-case hex digits expected`,
    ],
    [
      'a digest of another algorithm',
      { digest: `md5:${'a'.repeat(32)}` },
      'digest: digest algorithm "md5" is not supported; use sha256 or sha512',
    ],
    [
      'sha256 hex under the name sha512',
      { digest: `sha512:${'a'.repeat(64)}` },
      `digest: "sha512:${'a'.repeat(64)}" is not a sha512 digest: 128 lower-case hex digits expected`,
    ],
    ['no size', { size: undefined }, 'size: a whole number of bytes expected, found nothing'],
    ['a negative size', { size: -1 }, 'size: a whole number of bytes expected, found -1'],
    ['a size with a fraction', { size: 1.5 }, 'size: a whole number of bytes expected, found 1.5'],
    ['a size of 2^53', { size: 2 ** 53 }, 'size: a whole number of bytes expected, found 9007199254740992'],
    ['a size as text', { size: '5' }, 'size: a whole number of bytes expected, found "5"'],
    ['urls as text', { urls: 'https://a' }, 'urls: an array expected, found "https://a"'],
    ['a url that is a number', { urls: ['https://a', 1] }, 'urls[1]: a string expected, found 1'],
    [
      'too many urls',
      { urls: Array.from({ length: 101 }, () => 'u') },
      'urls: at most 100 entries are taken, found 101',
    ],
    ['annotations as text', { annotations: 'x' }, 'annotations: an object expected, found "x"'],
    ['an annotation that is a list', { annotations: { a: [] } }, 'annotations["a"]: a string expected, found an array'],
    [
      'an artifactType that is none',
      { artifactType: 'x y' },
      'artifactType: a media type of the form type/subtype expected, found "x y"',
    ],
    ['data that is a number', { data: 1 }, 'data: a base64 string expected, found 1'],
    ['data without padding', { data: 'bGF5ZXI' }, 'data: padded base64 expected'],
    ['data with a blank', { data: 'bGF5 ZXI=' }, 'data: padded base64 expected'],
    ['data of another length', { data: 'bGF5ZXI=' }, 'data: 32 bytes expected, as "size" says, found 5'],
    [
      'data of other content',
      { data: 'TEFZRVI=', size: 5 },
      `data: content of ${layer.digest} expected, found ${digest('LAYER')}`,
    ],
    ['a platform as text', { platform: 'linux/amd64' }, 'platform: an object expected, found "linux/amd64"'],
    ['an os that is a number', { platform: { os: 1 } }, 'platform.os: a string expected, found 1'],
    [
      'an architecture with NUL',
      { platform: { architecture: 'a\0' } },
      'platform.architecture: up to 128 printable ASCII characters expected',
    ],
  ])('a descriptor with %s', (_, change, message) => expect(refusal(withLayer(change))).toBe(`layers[1].${message}`));

  it('a size that only exceeds numbers', () => {
    expect(refusal(JSON.stringify(image).replace('"size":32', '"size":1e999'))).toContain('layers[0].size');
  });

  it('names the path in every array', () => {
    const bad = { ...entry, size: -1 };
    expect(refusal({ ...index, manifests: [entry, entry, bad] })).toMatch(/^manifests\[2\]\.size: /);
    expect(refusal({ ...artifact, blobs: [bad] })).toMatch(/^blobs\[0\]\.size: /);
    expect(refusal({ ...image, config: bad })).toMatch(/^config\.size: /);
  });

  it('more entries than the limits allow', () => {
    const many = (count: number) => Array.from({ length: count }, () => layer);
    expect(parse({ ...image, layers: many(50) }).children).toHaveLength(51);
    expect(refusal({ ...image, layers: many(51) })).toBe('layers: at most 50 entries are taken, found 51');
    expect(refusal({ ...artifact, blobs: many(51) })).toBe('blobs: at most 50 entries are taken, found 51');
    expect(refusal({ ...index, manifests: many(51) })).toBe('manifests: at most 50 entries are taken, found 51');
  });

  it('sizes that add up to more than a safe integer', () => {
    const huge = { ...layer, size: Number.MAX_SAFE_INTEGER };
    expect(refusal({ ...image, layers: [huge] })).toContain('add up to more than');
    expect(refusal({ ...image, layers: [huge, huge] })).toContain('add up to more than');
  });
});
