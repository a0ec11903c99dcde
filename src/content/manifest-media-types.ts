/** What a manifest is: one image (or artifact in image form), a list of manifests, or an artifact of the early forms. */
export type ManifestKind = 'image' | 'index' | 'artifact';

export type ManifestMediaType =
  | 'application/vnd.oci.image.manifest.v1+json'
  | 'application/vnd.oci.image.index.v1+json'
  | 'application/vnd.docker.distribution.manifest.v2+json'
  | 'application/vnd.docker.distribution.manifest.list.v2+json'
  | 'application/vnd.oci.artifact.manifest.v1+json'
  | 'application/vnd.cncf.oras.artifact.manifest.v1+json';

/** Every manifest media type that can be pushed. */
export const manifestKinds: Readonly<Record<ManifestMediaType, ManifestKind>> = {
  'application/vnd.oci.image.manifest.v1+json': 'image',
  'application/vnd.oci.image.index.v1+json': 'index',
  'application/vnd.docker.distribution.manifest.v2+json': 'image',
  'application/vnd.docker.distribution.manifest.list.v2+json': 'index',
  'application/vnd.oci.artifact.manifest.v1+json': 'artifact',
  'application/vnd.cncf.oras.artifact.manifest.v1+json': 'artifact',
};

/** Docker schema 1: refused at the door, and still a manifest where an index names it. */
const schema1 = new Set([
  'application/vnd.docker.distribution.manifest.v1+json',
  'application/vnd.docker.distribution.manifest.v1+prettyjws',
]);

const restricted = /^[a-z0-9][a-z0-9!#$&^_.+-]{0,126}\/[a-z0-9][a-z0-9!#$&^_.+-]{0,126}$/i;

/** The media type without parameters, in lower case; media types compare so (RFC 9110 §8.3.1). */
export function bareMediaType(text: string): string {
  const semicolon = text.indexOf(';');
  return (semicolon < 0 ? text : text.slice(0, semicolon)).trim().toLowerCase();
}

/**
 * True for `type/subtype` by RFC 6838 §4.2. Parameters may follow, as in `text/plain; charset=utf-8`: clients that guess
 * types from file names send them.
 */
export function isMediaType(text: string): boolean {
  if (text.length > 1024) return false;
  const semicolon = text.indexOf(';');
  if (semicolon < 0) return restricted.test(text);
  return restricted.test(text.slice(0, semicolon).trimEnd()) && /^[\t\x20-\x7e]*$/.test(text.slice(semicolon));
}

/** True when the media type is one that can be pushed. */
export function isManifestMediaType(text: string): text is ManifestMediaType {
  return Object.hasOwn(manifestKinds, text);
}

/**
 * True when an entry of an index is a manifest by its type. Others are blobs: BuildKit's cache export lists layers and
 * its configuration in an index.
 */
export function namesManifest(mediaType: string): boolean {
  const bare = bareMediaType(mediaType);
  return isManifestMediaType(bare) || schema1.has(bare);
}

/** True for layers that may be kept elsewhere (image-spec, "Non-Distributable Layers"; Docker's foreign layers). */
export function isNondistributable(mediaType: string): boolean {
  const bare = bareMediaType(mediaType);
  return (
    bare === 'application/vnd.docker.image.rootfs.foreign.diff.tar.gzip' ||
    bare.startsWith('application/vnd.oci.image.layer.nondistributable.v1.')
  );
}
