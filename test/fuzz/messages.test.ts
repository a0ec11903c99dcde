import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { config, entry, image, index, ociImage, ociIndex } from '../../src/content/_manifest-samples.ts';
import { parseRegistryName } from '../../src/content/index.ts';
import { parseManifest } from '../../src/content/manifest.ts';
import { parseAttributes } from '../../src/content/wire/acr/models.ts';
import { digestOf, isFault, parseStamp } from '../../src/kernel/index.ts';
import { expectLinear, fuzz, hostileText, outcomeOf } from './_fuzz.ts';

const limits = { maxIndexWidth: 1000, maxLayers: 4096 };
const bytesOf = (value: unknown) => Buffer.from(JSON.stringify(value));

// What hostile bytes do is in src/content/manifest.hostile.test.ts; here is what good ones must come out as.
describe('a manifest', () => {
  const descriptor = fc.record({
    mediaType: fc.constantFrom('application/vnd.oci.image.layer.v1.tar', 'text/plain; charset=utf-8', 'a/b'),
    digest: fc.uint8Array({ maxLength: 4 }).map((bytes) => digestOf(bytes)),
    size: fc.maxSafeNat().map((size) => Math.floor(size / 32)),
  });

  it('of an image says what its parts say', () => {
    const extra = fc.dictionary(fc.stringMatching(/^x-[a-z]{1,5}$/), fc.jsonValue({ maxDepth: 3 }), { maxKeys: 3 });
    fuzz(fc.tuple(fc.array(descriptor, { maxLength: 6 }), fc.option(descriptor), extra), ([layers, subject, more]) => {
      const bytes = bytesOf({ ...more, ...image, config, layers, ...(subject ? { subject } : {}) });
      const { value, error } = outcomeOf(() => parseManifest(bytes, ociImage, limits));
      if (/"__proto__"|\\ud[89a-f]/i.test(bytes.toString())) return;
      expect(error, bytes.toString()).toBeUndefined();
      expect(value?.children.map((child) => child.digest)).toEqual([config.digest, ...layers.map((one) => one.digest)]);
      expect(value?.imageSize).toBe(layers.reduce((sum, one) => sum + one.size, config.size));
      expect(value?.subject).toBe(subject?.digest ?? null);
    });
  });

  it('with one member of one descriptor replaced is refused, or says the same', () => {
    const strange = fc.constantFrom<unknown>(null, '', -1, 1.5, 2 ** 53, '1', [], {}, 'sha256:0', 'x'.repeat(5000));
    const key = fc.constantFrom('digest', 'size', 'mediaType');
    fuzz(fc.tuple(key, strange, fc.boolean()), ([name, value, inIndex]) => {
      const changed = { ...entry, [name]: value };
      const body = inIndex ? { ...index, manifests: [changed] } : { ...image, layers: [changed] };
      const { error } = outcomeOf(() => parseManifest(bytesOf(body), inIndex ? ociIndex : ociImage, limits));
      expect(isFault(error, 'manifest-invalid'), JSON.stringify(changed)).toBe(true);
    });
  });
});

describe('a change of attributes', () => {
  const names = ['deleteEnabled', 'writeEnabled', 'readEnabled', 'listEnabled'];

  it('is some of four switches, or refused', () => {
    const key = fc.constantFrom(...names, '__proto__', 'constructor', 'toString', 'DeleteEnabled', '');
    const value = fc.oneof(fc.boolean(), fc.jsonValue({ maxDepth: 2 }));
    fuzz(
      fc.oneof(fc.dictionary(key, value, { maxKeys: 4 }), fc.jsonValue()),
      (body) => {
        const { value: found, error } = outcomeOf(() => parseAttributes(bytesOf(body)));
        if (found === undefined) {
          expect(isFault(error, 'request-invalid')).toBe(true);
          return;
        }
        for (const [name, enabled] of Object.entries(found)) {
          expect(names).toContain(name);
          expect(enabled).toBe((body as Record<string, unknown>)[name]);
        }
      },
      1000,
    );
  });

  it('of any bytes is refused in few words', () => {
    fuzz(
      fc.oneof(
        fc.uint8Array(),
        hostileText('{', '"readEnabled":', 'true').map((text) => Buffer.from(text)),
      ),
      (bytes) => {
        const { error } = outcomeOf(() => parseAttributes(bytes));
        if (error !== undefined) expect(isFault(error, 'request-invalid') && error.message.length < 400).toBe(true);
      },
    );
  });

  it('takes linear time', () => {
    for (const unit of ['[', '{"a":', '"readEnabled":true,', ' '])
      expectLinear(
        (size) => Buffer.from(unit.repeat(size / unit.length)),
        (bytes) => outcomeOf(() => parseAttributes(bytes)),
      );
  });
});

describe('the name of a registry', () => {
  it('is 5 to 50 letters and digits of ASCII, or refused', () => {
    fuzz(
      hostileText('berth', 'MANAGEMENT', 'login', 'x'.repeat(49), 'K', 'ı', 'ſ'),
      (text) => {
        const { value, error } = outcomeOf(() => parseRegistryName(text));
        if (value === undefined) expect(isFault(error, 'request-invalid')).toBe(true);
        else {
          expect(value).toMatch(/^[a-z0-9]{5,50}$/);
          expect(text).toMatch(/^[A-Za-z0-9]{5,50}$/);
        }
      },
      1000,
    );
  });
});

describe('a stamp', () => {
  it('is taken in its one form only', () => {
    fuzz(hostileText('0'.repeat(16), '-0001', 'f'.repeat(16), 'F'), (text) => {
      const { value, error } = outcomeOf(() => parseStamp(text));
      if (value === undefined) expect(error).toBeInstanceOf(TypeError);
      else expect(text).toMatch(/^[0-9a-f]{16}-[0-9a-f]{4}$/);
    });
  });
});
