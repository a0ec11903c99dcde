import type { Digest, Fault } from '../kernel/index.ts';
import { isObject, type JsonObject, member, parseStrictJson, StrictJsonError } from '../kernel/index.ts';
import { type Descriptor, type Platform, readDescriptor } from './manifest-descriptor.ts';
import {
  bareMediaType,
  isManifestMediaType,
  isNondistributable,
  type ManifestKind,
  type ManifestMediaType,
  manifestKinds,
  namesManifest,
} from './manifest-media-types.ts';
import {
  expected,
  invalid,
  isAbsent,
  knownKeys,
  quote,
  readAnnotations,
  readArray,
  readOptionalMediaType,
  refuseCaseVariants,
} from './manifest-member.ts';

/** What a manifest points at. A `blob` is an entry of an artifact manifest, or of an index when it is no manifest. */
export interface ManifestChild {
  readonly kind: 'manifest' | 'config' | 'layer' | 'blob';
  readonly digest: Digest;
  readonly size: number;
  readonly mediaType: string;
  /** False for layers that may be absent here because their type says that they are kept elsewhere. */
  readonly distributable: boolean;
  readonly platform: Platform | null;
}

/** A manifest whose every member has been checked. */
export interface ParsedManifest {
  readonly mediaType: ManifestMediaType;
  readonly kind: ManifestKind;
  /** For the list of referrers: the own type, else for images that of the config (distribution-spec, "Listing Referrers"). */
  readonly artifactType: string | null;
  readonly ownArtifactType: string | null;
  readonly configMediaType: string | null;
  readonly subject: Digest | null;
  /** In the order of the manifest; the same digest may come more than once. */
  readonly children: readonly ManifestChild[];
  readonly annotations: Readonly<Record<string, string>> | null;
  /** Bytes of all children as the manifest states them. */
  readonly imageSize: number;
  /** Bytes of the manifest itself. */
  readonly size: number;
}

export interface ManifestLimits {
  readonly maxIndexWidth: number;
  readonly maxLayers: number;
}

/** The members that make a manifest what it is. `fsLayers` and `history` are those of Docker schema 1. */
const shapes: Readonly<Record<ManifestKind | 'schema1', readonly string[]>> = {
  image: ['config', 'layers'],
  index: ['manifests'],
  artifact: ['blobs'],
  schema1: ['fsLayers', 'history'],
};
const topLevelKeys = knownKeys(
  'schemaVersion',
  'mediaType',
  'artifactType',
  'subject',
  'annotations',
  ...Object.values(shapes).flat(),
);
/** What clients send when they do not know; it then counts as no statement. */
const genericTypes = new Set(['', 'application/json', 'application/octet-stream']);

/**
 * Parses a manifest as pushed with `contentType`. Takes what all readers understand alike and nothing else: the media types
 * of header and body agree, no member of another kind of manifest is present, no key comes twice or in another letter
 * case, and every descriptor is complete. Unknown members are left alone. Throws `manifest-invalid` with the JSON path.
 */
export function parseManifest(bytes: Uint8Array, contentType: string | null, limits: ManifestLimits): ParsedManifest {
  const stated = readContentType(contentType);
  const body = readBody(bytes);
  refuseCaseVariants(body, '', topLevelKeys);
  const mediaType = agreeOnMediaType(stated, body);
  const kind = manifestKinds[mediaType];
  refuseOtherShapes(body, kind, mediaType);
  if (kind !== 'artifact' && member(body, 'schemaVersion') !== 2) {
    throw expected('schemaVersion', 'the number 2', member(body, 'schemaVersion'));
  }

  const children = readChildren(body, kind, limits);
  const configMediaType = children.find((child) => child.kind === 'config')?.mediaType ?? null;
  const ownArtifactType = readOptionalMediaType(member(body, 'artifactType'), 'artifactType');
  const subject = member(body, 'subject');
  return {
    mediaType,
    kind,
    artifactType: ownArtifactType ?? configMediaType,
    ownArtifactType,
    configMediaType,
    subject: isAbsent(subject) ? null : readDescriptor(subject, 'subject').digest,
    children,
    annotations: readAnnotations(member(body, 'annotations'), 'annotations'),
    imageSize: sumOfSizes(children),
    size: bytes.length,
  };
}

function readContentType(header: string | null): ManifestMediaType | null {
  const stated = bareMediaType(header ?? '');
  if (genericTypes.has(stated)) return null;
  if (!isManifestMediaType(stated)) throw unsupported('Content-Type', stated);
  return stated;
}

function readBody(bytes: Uint8Array): JsonObject {
  try {
    const body = parseStrictJson(bytes);
    if (isObject(body)) return body;
  } catch (error) {
    throw error instanceof StrictJsonError ? invalid('manifest', `not strict JSON: ${error.message}`, error) : error;
  }
  throw invalid('manifest', 'a JSON object expected');
}

function agreeOnMediaType(stated: ManifestMediaType | null, body: JsonObject): ManifestMediaType {
  const own = readOptionalMediaType(member(body, 'mediaType'), 'mediaType');
  if (own === null) {
    if (stated !== null) return stated;
    throw invalid('mediaType', `neither the body nor the Content-Type names the kind of manifest; ${takenTypes()}`);
  }
  if (stated !== null && own !== stated) {
    throw invalid('mediaType', `${quote(own)} is not what the Content-Type says, "${stated}"`);
  }
  if (!isManifestMediaType(own)) throw unsupported('mediaType', own);
  return own;
}

function unsupported(where: string, mediaType: string): Fault {
  return invalid(where, `${quote(mediaType)} is not a manifest that can be stored; ${takenTypes()}`);
}

function takenTypes(): string {
  return `taken are ${Object.keys(manifestKinds).join(', ')}`;
}

/** Refuses manifests that some clients would read as another kind (GHSA-qq97-vm5h-rrhg, CVE-2021-41190). */
function refuseOtherShapes(body: JsonObject, kind: ManifestKind, mediaType: ManifestMediaType): void {
  for (const key of Object.values(shapes).flat()) {
    if (Object.hasOwn(body, key) && !shapes[kind].includes(key)) {
      throw invalid(key, `does not belong in a manifest of type ${mediaType}`);
    }
  }
}

function readChildren(body: JsonObject, kind: ManifestKind, limits: ManifestLimits): ManifestChild[] {
  switch (kind) {
    case 'image':
      return [
        toChild('config', readDescriptor(member(body, 'config'), 'config')),
        ...readDescriptors(body, 'layers', limits.maxLayers).map((layer) => toChild('layer', layer)),
      ];
    case 'index':
      return readDescriptors(body, 'manifests', limits.maxIndexWidth).map((entry) =>
        toChild(namesManifest(entry.mediaType) ? 'manifest' : 'blob', entry),
      );
    case 'artifact':
      // The image-spec drafts make `blobs` optional.
      if (isAbsent(member(body, 'blobs'))) return [];
      return readDescriptors(body, 'blobs', limits.maxLayers).map((blob) => toChild('blob', blob));
    default:
      return kind satisfies never;
  }
}

function readDescriptors(body: JsonObject, key: string, limit: number): Descriptor[] {
  return readArray(member(body, key), key, limit).map((value, index) => readDescriptor(value, `${key}[${index}]`));
}

function toChild(kind: ManifestChild['kind'], descriptor: Descriptor): ManifestChild {
  // A config or manifest that claims to be kept elsewhere would only dodge the check that it exists.
  const mayBeElsewhere = kind === 'layer' || kind === 'blob';
  return { kind, ...descriptor, distributable: !(mayBeElsewhere && isNondistributable(descriptor.mediaType)) };
}

function sumOfSizes(children: readonly ManifestChild[]): number {
  const sum = children.reduce((total, child) => total + child.size, 0);
  if (!Number.isSafeInteger(sum))
    throw invalid('manifest', 'the sizes of its parts add up to more than 2^53 - 1 bytes');
  return sum;
}
