import { createHash } from 'node:crypto';
import { expect } from 'vitest';
import type { Client } from './_client.ts';

export const ociManifest = 'application/vnd.oci.image.manifest.v1+json';
export const ociIndex = 'application/vnd.oci.image.index.v1+json';
export const dockerManifest = 'application/vnd.docker.distribution.manifest.v2+json';
export const dockerList = 'application/vnd.docker.distribution.manifest.list.v2+json';
export const configType = 'application/vnd.oci.image.config.v1+json';
export const layerType = 'application/vnd.oci.image.layer.v1.tar+gzip';
export const emptyType = 'application/vnd.oci.empty.v1+json';

export interface Descriptor {
  readonly mediaType: string;
  readonly digest: string;
  readonly size: number;
  readonly [more: string]: unknown;
}

/** A manifest as it was pushed. */
export interface Pushed extends Descriptor {
  readonly bytes: Buffer;
}

export function digestOf(bytes: Uint8Array | string, algorithm: 'sha256' | 'sha512' = 'sha256'): string {
  return `${algorithm}:${createHash(algorithm).update(bytes).digest('hex')}`;
}

export function descriptorOf(bytes: Uint8Array | string, mediaType = layerType): Descriptor {
  return { mediaType, digest: digestOf(bytes), size: Buffer.byteLength(bytes) };
}

/** Pushes a blob in one request. */
export async function pushBlob(
  client: Client,
  repository: string,
  bytes: Uint8Array | string,
  mediaType = layerType,
): Promise<Descriptor> {
  const descriptor = descriptorOf(bytes, mediaType);
  const path = `/v2/${repository}/blobs/uploads/?digest=${descriptor.digest}`;
  const pushed = await client('POST', path, { body: bytes });
  expect(pushed.status, pushed.text).toBe(201);
  return descriptor;
}

/** Opens an upload session and answers its location. */
export async function openUpload(client: Client, repository: string, query = ''): Promise<string> {
  const opened = await client('POST', `/v2/${repository}/blobs/uploads/${query}`);
  expect(opened.status, opened.text).toBe(202);
  return String(opened.headers.location);
}

/** Pushes a manifest that must be taken. */
export async function pushManifest(
  client: Client,
  repository: string,
  reference: string | null,
  manifest: object | Buffer,
  mediaType = ociManifest,
): Promise<Pushed> {
  const bytes = Buffer.isBuffer(manifest) ? manifest : Buffer.from(JSON.stringify(manifest));
  const digest = digestOf(bytes);
  const put = await client('PUT', `/v2/${repository}/manifests/${reference ?? digest}`, {
    body: bytes,
    headers: { 'content-type': mediaType },
  });
  expect(put.status, put.text).toBe(201);
  return { mediaType, digest, size: bytes.length, bytes };
}

/** An image manifest of a pushed `{}` config and no layers; `text` makes it differ from others. */
export function imageOf(text: string, more: object = {}): Record<string, unknown> {
  return {
    schemaVersion: 2,
    mediaType: ociManifest,
    config: descriptorOf('{}', emptyType),
    layers: [],
    annotations: { text },
    ...more,
  };
}

/** Pushes a small image whose digest follows from `text` alone. */
export async function pushImage(
  client: Client,
  repository: string,
  reference: string | null,
  text: string,
  more: object = {},
): Promise<Pushed> {
  await pushBlob(client, repository, '{}', emptyType);
  return pushManifest(client, repository, reference, imageOf(text, more));
}

/** An index of the given manifests. */
export function indexOf(manifests: readonly Descriptor[], more: object = {}): Record<string, unknown> {
  return {
    schemaVersion: 2,
    mediaType: ociIndex,
    manifests: manifests.map(({ mediaType, digest, size }) => ({ mediaType, digest, size })),
    ...more,
  };
}

/** Follows `Link` from a first page to the last and answers every page. */
export async function followLinks(client: Client, path: string): Promise<Record<string, unknown>[]> {
  const pages: Record<string, unknown>[] = [];
  for (let next: string | undefined = path; next !== undefined; ) {
    const page = await client('GET', next);
    expect(page.status, page.text).toBe(200);
    pages.push(page.json());
    const link = page.headers['link'];
    next = typeof link === 'string' ? /^<([^>]+\?[^>]+)>; rel="next"$/.exec(link)?.[1] : undefined;
    if (link !== undefined) expect(next, `Link: ${String(link)}`).toBeDefined();
    expect(pages.length).toBeLessThan(400);
  }
  return pages;
}
