import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { cpuTime } from '../kernel/_cpu-time.ts';
import { Fault, isFault } from '../kernel/index.ts';
import {
  artifact,
  config,
  dockerImage,
  entry,
  image,
  index,
  layer,
  ociArtifact,
  ociImage,
  ociIndex,
  withLayer,
} from './_manifest-samples.ts';
import { parseManifest } from './manifest.ts';

const limits = { maxIndexWidth: 1e6, maxLayers: 1e6 };

/** True for a manifest that keeps its promises and for a short refusal; false for anything else that happens. */
function isSoundOrFault(bytes: Uint8Array, contentType: string | null): boolean {
  try {
    const { children, imageSize } = parseManifest(bytes, contentType, limits);
    const areDigests = children.every((child) => /^sha(256|512):[0-9a-f]{64,128}$/.test(child.digest));
    return areDigests && Number.isSafeInteger(imageSize);
  } catch (error) {
    return isFault(error, 'manifest-invalid') && error.message.length < 1000;
  }
}

describe('parseManifest', () => {
  const types = fc.constantFrom(null, '', 'application/json', ociImage, ociIndex, dockerImage, ociArtifact, 'x');
  it('answers random bytes with a manifest or a fault', () => {
    fc.assert(
      fc.property(fc.uint8Array(), types, (bytes, contentType) => {
        expect(isSoundOrFault(bytes, contentType)).toBe(true);
      }),
    );
  });

  it('answers random JSON under known keys with a manifest or a fault', () => {
    const key = fc.constantFrom(
      'schemaVersion',
      'mediaType',
      'config',
      'layers',
      'manifests',
      'blobs',
      'subject',
      'digest',
      'size',
      'data',
      'platform',
      'urls',
      'annotations',
      'Size',
      'constructor',
      '__proto__',
    );
    const leaf = fc.constantFrom<unknown>(
      null,
      0,
      2,
      -1,
      1e300,
      true,
      '',
      'x',
      ociImage,
      ociIndex,
      config.digest,
      config,
      layer,
      entry,
    );
    const { tree } = fc.letrec<{ tree: unknown }>((tie) => ({
      tree: fc.oneof(
        { maxDepth: 4 },
        leaf,
        fc.array(tie('tree'), { maxLength: 3 }),
        fc.dictionary(key, tie('tree'), { maxKeys: 6 }),
      ),
    }));
    const base = fc.constantFrom<object>({}, image, index, artifact);
    fc.assert(
      fc.property(base, fc.dictionary(key, tree, { maxKeys: 3 }), types, (start, changes, contentType) => {
        const bytes = Buffer.from(JSON.stringify({ ...start, ...changes }));
        expect(isSoundOrFault(bytes, contentType)).toBe(true);
      }),
      { numRuns: 2000 },
    );
  });

  it('answers a good manifest with some bytes changed with a manifest or a fault', () => {
    const good = Buffer.from(JSON.stringify({ ...image, subject: entry, annotations: { a: 'b' } }));
    const change = fc.tuple(fc.nat(good.length - 1), fc.nat(255));
    fc.assert(
      fc.property(fc.array(change, { minLength: 1, maxLength: 3 }), (changes) => {
        const bytes = Buffer.from(good);
        for (const [at, byte] of changes) bytes[at] = byte;
        expect(isSoundOrFault(bytes, ociImage)).toBe(true);
      }),
      { numRuns: 2000 },
    );
  });

  // Work that grew with the square of the length would need hours here.
  const size = 4 << 20;
  const repeat = (text: string) => text.repeat(Math.floor(size / text.length));
  it.each([
    ['layers', { ...image, layers: Array.from({ length: size / 200 }, () => layer) }],
    [
      'annotations',
      { ...image, annotations: Object.fromEntries(Array.from({ length: size / 20 }, (_, n) => [`k${n}`, 'v'])) },
    ],
    ['unknown keys', { ...image, ...Object.fromEntries(Array.from({ length: size / 20 }, (_, n) => [`K${n}`, 1])) }],
    ['embedded data', withLayer({ data: repeat('AAAA') })],
    ['embedded data that is no base64', withLayer({ data: repeat('=') })],
    ['a long key', { ...image, [repeat('K')]: 1 }],
    ['a long media type', withLayer({ mediaType: repeat('a') })],
    ['a long media type of slashes', withLayer({ mediaType: repeat('/') })],
    ['a long digest', withLayer({ digest: `sha256:${repeat('a')}` })],
    ['a long digest of separators', withLayer({ digest: repeat('a+') })],
    ['a long operating system', withLayer({ platform: { os: repeat('a') } })],
  ])('takes linear time on 4 MiB of %s', (_, body) => {
    const bytes = Buffer.from(JSON.stringify(body));
    const took = cpuTime(() => {
      expect(isSoundOrFault(bytes, ociImage)).toBe(true);
    });
    expect(took).toBeLessThan(5000);
  });

  it('takes linear time on a long Content-Type', () => {
    const took = cpuTime(() => {
      for (const text of ['a', '/', ';', ' ', 'a/'])
        expect(() => parseManifest(Buffer.from('{}'), repeat(text), limits)).toThrow(Fault);
    });
    expect(took).toBeLessThan(5000);
  });
});
