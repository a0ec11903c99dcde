import { createHash, randomFillSync } from 'node:crypto';

/** Media type of an image manifest (image-spec, "Image Manifest"). */
export const imageManifestType = 'application/vnd.oci.image.manifest.v1+json';
const configType = 'application/vnd.oci.image.config.v1+json';
const layerType = 'application/vnd.oci.image.layer.v1.tar+gzip';

/** Bytes with their digest. */
export interface Blob {
  readonly digest: string;
  readonly bytes: Buffer;
}

/** An image: a configuration, layers and the manifest that names them. */
export interface Image {
  readonly config: Blob;
  readonly layers: readonly Blob[];
  readonly manifest: Blob;
}

/** `count` blobs of `size` fresh random bytes each. */
export function randomBlobs(count: number, size: number): Blob[] {
  const pool = Buffer.allocUnsafeSlow(count * size);
  // randomFillSync takes at most 2^31 - 1 bytes at once.
  for (let at = 0; at < pool.length; at += 2 ** 28) randomFillSync(pool, at, Math.min(2 ** 28, pool.length - at));
  return Array.from({ length: count }, (_, index) => blobOf(pool.subarray(index * size, (index + 1) * size)));
}

/** A fresh image with `layers` random layers of `blobBytes` each and a configuration padded to the same size. */
export function randomImage(layers: number, blobBytes: number): Image {
  const [salt, ...layerBlobs] = randomBlobs(layers + 1, blobBytes);
  if (salt === undefined) throw new Error('an image needs at least its configuration');
  const config = blobOf(configBytes(layerBlobs, salt, blobBytes));
  const manifest = {
    schemaVersion: 2,
    mediaType: imageManifestType,
    config: { mediaType: configType, digest: config.digest, size: config.bytes.length },
    layers: layerBlobs.map((layer) => ({ mediaType: layerType, digest: layer.digest, size: layer.bytes.length })),
    annotations: { 'org.opencontainers.image.title': 'bench', 'org.opencontainers.image.version': '1' },
  };
  return { config, layers: layerBlobs, manifest: blobOf(Buffer.from(JSON.stringify(manifest))) };
}

function configBytes(layers: readonly Blob[], salt: Blob, size: number): Buffer {
  const config = {
    architecture: 'amd64',
    os: 'linux',
    config: { Labels: { salt: salt.digest, padding: '' } },
    rootfs: { type: 'layers', diff_ids: layers.map((layer) => layer.digest) },
  };
  config.config.Labels.padding = 'x'.repeat(Math.max(0, size - JSON.stringify(config).length));
  return Buffer.from(JSON.stringify(config));
}

function blobOf(bytes: Buffer): Blob {
  return { digest: `sha256:${createHash('sha256').update(bytes).digest('hex')}`, bytes };
}
