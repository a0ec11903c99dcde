import type { RequestContext } from '../data/index.ts';
import { type Digest, Fault, type Page, type RepositoryName, type Tag } from '../kernel/index.ts';
import { readableRepository } from './catalog.ts';
import type { ContentEnvironment, RegistryRef } from './environment.ts';
import { attributesOf, type ChangeableAttributes } from './locks.ts';
import {
  indexChildren,
  type ManifestMetadata,
  manifestMetadata,
  manifestPosition,
  manifestsByDigest,
  manifestsByTimeAscending,
  manifestsByTimeDescending,
} from './store/manifest-store.ts';
import { findRepository, hasAttributes, type RepositoryRecord, repositorySummary } from './store/repository-store.ts';
import {
  findTag,
  type TagRecord,
  tagPosition,
  tagsByName,
  tagsByTimeAscending,
  tagsByTimeDescending,
  tagsOfManifests,
} from './store/tag-store.ts';
import { type DeletedRepository, deleteRepository, setAttributes } from './transactions/repository-transactions.ts';

/** Order of a metadata list: by name or digest, or by time of the last change. */
export type ListOrder = 'name' | 'timeasc' | 'timedesc';

export interface RepositoryMetadata {
  readonly createdMs: number;
  readonly updatedMs: number;
  readonly manifestCount: number;
  readonly tagCount: number;
  readonly attributes: ChangeableAttributes;
}

export interface TagMetadata {
  readonly name: string;
  readonly digest: string;
  readonly createdMs: number;
  readonly updatedMs: number;
  readonly attributes: ChangeableAttributes;
}

export interface ManifestEntry {
  readonly digest: string;
  readonly imageSize: number;
  readonly createdMs: number;
  readonly updatedMs: number;
  readonly architecture: string | null;
  readonly os: string | null;
  readonly mediaType: string;
  readonly configMediaType: string | null;
  readonly artifactType: string | null;
  readonly tags: readonly string[];
  /** Children of an index; only in the single answer. */
  readonly references: readonly { digest: string; architecture: string | null; os: string | null }[] | null;
  readonly attributes: ChangeableAttributes;
}

export interface MetadataPage<T> {
  readonly items: readonly T[];
  readonly more: boolean;
}

/** Names, times, sizes and locks, as ACR's metadata API has them (ACR-FACTS §7). */
export interface Metadata {
  repository(registry: RegistryRef, repository: RepositoryName): Promise<RepositoryMetadata>;
  tag(registry: RegistryRef, repository: RepositoryName, tag: Tag): Promise<TagMetadata>;
  manifest(registry: RegistryRef, repository: RepositoryName, digest: Digest): Promise<ManifestEntry>;
  /** `last` of the page is the name of the last tag seen; in a list by time it is looked up again. */
  tags(
    registry: RegistryRef,
    repository: RepositoryName,
    order: ListOrder,
    digest: Digest | null,
    page: Page,
  ): Promise<MetadataPage<TagMetadata>>;
  manifests(
    registry: RegistryRef,
    repository: RepositoryName,
    order: ListOrder,
    page: Page,
  ): Promise<MetadataPage<ManifestEntry>>;
  change(
    context: RequestContext,
    registry: RegistryRef,
    repository: RepositoryName,
    target: { kind: 'repository' } | { kind: 'tag' | 'manifest'; key: string },
    change: Partial<ChangeableAttributes>,
  ): Promise<void>;
  deleteRepository(
    context: RequestContext,
    registry: RegistryRef,
    repository: RepositoryName,
  ): Promise<DeletedRepository>;
}

/** Tags that a manifest shows, alone and in a list; the list of tags by digest has all of them. */
const maxTagsOfEntry = 1000;
const maxTagsOfListed = 100;
/** Tags that are read at once. */
const tagStep = 1000;

/** Makes the metadata use-cases. */
export function metadata(environment: ContentEnvironment): Metadata {
  const { database, limits } = environment;

  const repositoryOf = async (registry: RegistryRef, name: RepositoryName): Promise<RepositoryRecord> => {
    const repository = await database.first(findRepository, { registryId: registry.id, name });
    if (!repository || !hasAttributes(repository)) throw new Fault('name-unknown', `repository "${name}" is not found`);
    return repository;
  };

  /** The first `limit` tags of each manifest. One with a tag never comes out without: `acr purge` would delete it. */
  const tagsOf = async (
    repositoryId: number,
    manifests: readonly ManifestMetadata[],
    limit: number,
  ): Promise<(digest: string) => readonly string[]> => {
    const tags = new Map<string, string[]>(manifests.map((row) => [row.digest, []]));
    let left = [...tags.keys()].sort();
    for (let lastDigest = '', last = ''; left.length > 0; ) {
      const digests = JSON.stringify(left);
      const found = await database.all(tagsOfManifests, { repositoryId, digests, lastDigest, last, limit: tagStep });
      for (const { digest, name } of found) {
        const shown = tags.get(digest);
        if (shown && shown.length < limit) shown.push(name);
      }
      const end = found.at(-1);
      if (!end || found.length < tagStep) break;
      // What is beyond the limit is not read: the next step begins with the next manifest.
      const enough = (tags.get(end.digest)?.length ?? 0) >= limit;
      left = left.filter((digest) => (enough ? digest > end.digest : digest >= end.digest));
      lastDigest = end.digest;
      last = end.name;
    }
    return (digest) => tags.get(digest) ?? [];
  };

  return {
    async repository(registry, name) {
      const repository = await repositoryOf(registry, name);
      const summary = await database.first(repositorySummary, { id: repository.id });
      return {
        createdMs: repository.created_ms,
        updatedMs: summary?.last_update ?? repository.created_ms,
        manifestCount: summary?.manifest_count ?? 0,
        tagCount: summary?.tag_count ?? 0,
        attributes: attributesOf(repository.locks),
      };
    },

    async tag(registry, name, tag) {
      const repository = await repositoryOf(registry, name);
      const row = await database.first(findTag, { repositoryId: repository.id, name: tag });
      if (!row || row.digest === null) throw new Fault('tag-unknown', `tag "${tag}" is not in repository "${name}"`);
      return tagOf(row, row.digest);
    },

    async manifest(registry, name, digest) {
      const repository = await repositoryOf(registry, name);
      const row = await database.first(manifestMetadata, { repositoryId: repository.id, digest });
      if (!row) throw new Fault('manifest-unknown', `manifest ${digest} is not in repository "${name}"`);
      const tags = await tagsOf(repository.id, [row], maxTagsOfEntry);
      const children = await database.all(indexChildren, { parentId: row.id, limit: limits.indexWidth });
      return entryOf(row, tags(digest), children.length > 0 ? children : null);
    },

    async tags(registry, name, order, digest, page) {
      const repository = await readableRepository(database, registry, name);
      const common = { repositoryId: repository.id, digest: digest ?? '', limit: page.limit + 1 };
      let rows: (TagRecord & { digest: string })[];
      if (order === 'name') rows = await database.all(tagsByName, { ...common, last: page.last ?? '' });
      else {
        const from = await timeStart(page.last, order, async (last) => {
          const row = await database.first(tagPosition, { repositoryId: repository.id, name: last });
          return row?.updated_ms;
        });
        rows = await database.all(order === 'timeasc' ? tagsByTimeAscending : tagsByTimeDescending, {
          ...common,
          ...from,
        });
      }
      const items = rows.slice(0, page.limit).map((row) => tagOf(row, row.digest));
      return { items, more: page.limit > 0 && rows.length > page.limit };
    },

    async manifests(registry, name, order, page) {
      const repository = await readableRepository(database, registry, name);
      const common = { repositoryId: repository.id, limit: page.limit + 1 };
      let rows: ManifestMetadata[];
      if (order === 'name') rows = await database.all(manifestsByDigest, { ...common, last: page.last ?? '' });
      else {
        const from = await timeStart(page.last, order, async (last) => {
          const row = await database.first(manifestPosition, { repositoryId: repository.id, digest: last });
          return row?.updated_ms;
        });
        rows = await database.all(order === 'timeasc' ? manifestsByTimeAscending : manifestsByTimeDescending, {
          ...common,
          ...from,
        });
      }
      const shown = rows.slice(0, page.limit);
      const tags = await tagsOf(repository.id, shown, maxTagsOfListed);
      const items = shown.map((row) => entryOf(row, tags(row.digest), null));
      return { items, more: page.limit > 0 && rows.length > page.limit };
    },

    async change(context, registry, name, target, change) {
      await database.transact(setAttributes, { context, registryId: registry.id, repository: name, target, change });
    },

    deleteRepository: (context, registry, name) =>
      database.transact(deleteRepository, {
        context,
        registryId: registry.id,
        repository: name,
        graceMs: limits.blobLeaseMs,
      }),
  };
}

/** Where a list by time begins: after the item named `last`, or at the very beginning. */
async function timeStart(
  last: string | null,
  order: 'timeasc' | 'timedesc',
  timeOf: (last: string) => Promise<number | undefined>,
): Promise<{ lastMs: number; last: string }> {
  if (last === null || last === '')
    return order === 'timeasc' ? { lastMs: -1, last: '' } : { lastMs: Number.MAX_SAFE_INTEGER, last: '' };
  const at = await timeOf(last);
  if (at === undefined) throw new Fault('page-invalid', `"${last.slice(0, 140)}" was never in this list`);
  return { lastMs: at, last };
}

function tagOf(row: TagRecord, digest: string): TagMetadata {
  return {
    name: row.name,
    digest,
    createdMs: row.created_ms,
    updatedMs: row.updated_ms,
    attributes: attributesOf(row.locks),
  };
}

function entryOf(
  row: ManifestMetadata,
  tags: readonly string[],
  references: ManifestEntry['references'],
): ManifestEntry {
  return {
    digest: row.digest,
    imageSize: row.image_size,
    createdMs: row.pushed_ms,
    updatedMs: row.updated_ms,
    architecture: row.architecture,
    os: row.os,
    mediaType: row.media_type,
    configMediaType: row.config_media_type,
    artifactType: row.own_artifact_type,
    tags,
    references,
    attributes: attributesOf(row.locks),
  };
}
