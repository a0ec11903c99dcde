import type { RequestContext } from '../data/index.ts';
import {
  algorithmOf,
  type Digest,
  digestOf,
  Fault,
  type Reference,
  type RepositoryName,
  type Tag,
} from '../kernel/index.ts';
import type { Bodies } from './body-cache.ts';
import type { ContentEnvironment, RegistryRef } from './environment.ts';
import { maxLayers } from './limits.ts';
import { type ParsedManifest, parseManifest } from './manifest.ts';
import { mayServe } from './may-serve.ts';
import type { Pulls } from './pulls.ts';
import { servedByDigest, servedByTag } from './store/manifest-store.ts';
import { deleteManifest, deleteTag, type PushedChild, putManifest } from './transactions/manifest-transactions.ts';

/** A manifest that may be served. Its bytes are those that were pushed. */
export interface FoundManifest {
  /** Its row, for noting pulls. */
  readonly id: number;
  readonly digest: Digest;
  readonly mediaType: string;
  readonly size: number;
  bytes(): Promise<Uint8Array>;
}

/** A manifest as it comes in. `reference` is what the path named, `tags` are those of `?tag=`. */
export interface PushedManifest {
  readonly reference: Reference;
  readonly tags: readonly Tag[];
  readonly contentType: string | null;
  readonly bytes: Uint8Array;
}

/** Manifests (distribution-spec, "Pulling manifests", "Pushing manifests", "Deleting"). */
export interface Manifests {
  /** Throws `manifest-unknown`, `locked` or `not-permitted`. `pulled` notes the time of a GET. */
  find(
    registry: RegistryRef,
    repository: RepositoryName,
    reference: Reference,
    options: { pulled: boolean },
  ): Promise<FoundManifest>;
  put(
    context: RequestContext,
    registry: RegistryRef,
    repository: RepositoryName,
    pushed: PushedManifest,
  ): Promise<{ digest: Digest; subject: Digest | null }>;
  /** By digest: the manifest with all its tags. By tag: the tag alone. */
  remove(
    context: RequestContext,
    registry: RegistryRef,
    repository: RepositoryName,
    reference: Reference,
  ): Promise<void>;
}

/** Tags one PUT may set (distribution-spec main asks for at least ten). */
export const maxTagsOfPut = 64;

/** Makes the manifest use-cases. */
export function manifests(environment: ContentEnvironment, bodies: Bodies, pulls: Pulls): Manifests {
  const { database, limits, seal } = environment;

  return {
    async find(registry, repository, reference, { pulled }) {
      const row =
        reference.tag === undefined
          ? await database.first(servedByDigest, { registryId: registry.id, repository, digest: reference.digest })
          : await database.first(servedByTag, { registryId: registry.id, repository, tag: reference.tag });
      const label =
        reference.tag === undefined ? `manifest ${reference.digest}` : `manifest tagged by "${reference.tag}"`;
      if (!row) throw new Fault('manifest-unknown', `${label} is not found`);
      mayServe({
        label,
        repository,
        tag: reference.tag,
        digest: row.digest,
        state: row.state,
        repositoryLocks: row.repository_locks,
        tagLocks: row.tag_locks,
        manifestLocks: row.manifest_locks,
      });
      if (pulled) pulls.note(row.manifest_id);
      return {
        id: row.manifest_id,
        digest: row.digest as Digest,
        mediaType: row.media_type,
        size: row.size,
        async bytes() {
          const bytes = await bodies.read(registry.id, 'manifest', row.digest);
          if (!bytes) throw new Fault('manifest-unknown', `${label} is not found`);
          return bytes;
        },
      };
    },

    async put(context, registry, repository, pushed) {
      const { bytes, reference } = pushed;
      if (bytes.length > limits.manifestBytes) {
        throw new Fault(
          'manifest-too-large',
          `a manifest has at most ${limits.manifestBytes} bytes, this one has ${bytes.length}`,
        );
      }
      const digest = digestOf(bytes, reference.digest === undefined ? 'sha256' : algorithmOf(reference.digest));
      if (reference.digest !== undefined && reference.digest !== digest) {
        throw new Fault('digest-invalid', `the manifest that came has digest ${digest}, not ${reference.digest}`);
      }
      const parsed = parseManifest(bytes, pushed.contentType, { maxIndexWidth: limits.indexWidth, maxLayers });
      const platform = await platformOf(registry, parsed);
      const tags = reference.tag === undefined ? pushed.tags : [reference.tag, ...pushed.tags];
      await database.transact(putManifest, {
        context,
        registryId: registry.id,
        repository,
        digest,
        mediaType: parsed.mediaType,
        artifactType: parsed.artifactType,
        ownArtifactType: parsed.ownArtifactType,
        configMediaType: parsed.configMediaType,
        subject: parsed.subject,
        annotations: parsed.subject === null || parsed.annotations === null ? null : JSON.stringify(parsed.annotations),
        architecture: platform?.architecture ?? null,
        os: platform?.os ?? null,
        size: bytes.length,
        imageSize: parsed.imageSize,
        isIndex: parsed.kind === 'index',
        children: childrenOf(parsed),
        tags: [...new Set(tags)],
        body: seal.sealBody(registry.id, bytes),
        codec: seal.codec,
        keyId: seal.keyId,
        maxIndexDepth: limits.indexDepth,
        graceMs: limits.blobLeaseMs,
      });
      return { digest, subject: parsed.subject };
    },

    async remove(context, registry, repository, reference) {
      const common = { context, registryId: registry.id, repository, graceMs: limits.blobLeaseMs };
      if (reference.tag === undefined) await database.transact(deleteManifest, { ...common, digest: reference.digest });
      else await database.transact(deleteTag, { ...common, tag: reference.tag });
    },
  };

  /** Architecture and system as the image's config says them; configs are small and live in rows. */
  async function platformOf(
    registry: RegistryRef,
    parsed: ParsedManifest,
  ): Promise<{ architecture: string; os: string } | null> {
    const config = parsed.children.find((child) => child.kind === 'config');
    if (
      parsed.kind !== 'image' ||
      !config ||
      !/(?:image\.v1|image\.config\.v1)\+json$|container\.image\.v1\+json$/.test(config.mediaType)
    ) {
      return null;
    }
    const bytes = await bodies.read(registry.id, 'blob', config.digest);
    if (!bytes) return null;
    try {
      const value = JSON.parse(Buffer.from(bytes).toString('utf8')) as { architecture?: unknown; os?: unknown };
      const { architecture, os } = value;
      return isName(architecture) && isName(os) ? { architecture, os } : null;
    } catch {
      // A config may be anything; then the image has no known platform.
      return null;
    }
  }
}

function childrenOf(parsed: ParsedManifest): PushedChild[] {
  const children: PushedChild[] = parsed.children.map((child) => ({
    kind: child.kind,
    digest: child.digest,
    size: child.size,
    // An index may be sparse: its children may come later or never. Everything else must be here.
    required: parsed.kind !== 'index' && child.distributable,
  }));
  if (parsed.subject !== null) children.push({ kind: 'subject', digest: parsed.subject, size: 0, required: false });
  return children;
}

function isName(value: unknown): value is string {
  return typeof value === 'string' && value.length > 0 && value.length <= 64;
}
