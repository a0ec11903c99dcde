import { type Digest, Fault, type Page, type RepositoryName } from '../kernel/index.ts';
import type { Database } from '../ports/index.ts';
import type { RegistryRef } from './environment.ts';
import { lockedFault } from './locked.ts';
import { lockBits } from './locks.ts';
import { listReferrers, type ReferrerRow } from './store/manifest-store.ts';
import { catalogRange, findRepository, type RepositoryRecord } from './store/repository-store.ts';
import { tagNames } from './store/tag-store.ts';

/** A page of names, and whether more follow after the last of them. */
export interface NamePage {
  readonly names: readonly string[];
  readonly more: boolean;
}

/** A descriptor in the list of referrers (image-spec, "Content Descriptors"). */
export interface ReferrerDescriptor {
  readonly mediaType: string;
  readonly digest: string;
  readonly size: number;
  readonly artifactType?: string;
  readonly annotations?: Readonly<Record<string, string>>;
}

/** The lists of the distribution specification, all by key, so that any page costs the same. */
export interface Catalog {
  /** Repositories inside `ranges` (what the caller may see), lexical. */
  repositories(
    registry: RegistryRef,
    ranges: readonly { from: string; to: string | null }[],
    page: Page,
  ): Promise<NamePage>;
  /** Tags, lexical. Throws `name-unknown`. */
  tags(registry: RegistryRef, repository: RepositoryName, page: Page): Promise<NamePage>;
  /** Live manifests whose subject is `subject`; none is not an error, even when the repository is not there. */
  referrers(
    registry: RegistryRef,
    repository: RepositoryName,
    subject: Digest,
    artifactType: string | null,
    page: Page,
  ): Promise<{ readonly manifests: readonly ReferrerDescriptor[]; readonly more: boolean }>;
}

/** Above every repository name in byte order. */
const beyondNames = '~';
/** Bytes of annotations that one page of referrers may carry; the page ends early when they are reached. */
const maxReferrerPageBytes = 2 * 1024 * 1024;
/** Referrers that are read at once: each may have as many bytes of annotations as a manifest has room for. */
const referrerStep = 16;

/** Finds a repository that is listed under its name, or throws `name-unknown`; refuses a read-locked one. */
export async function readableRepository(
  database: Database,
  registry: RegistryRef,
  name: RepositoryName,
): Promise<RepositoryRecord> {
  const repository = await database.first(findRepository, { registryId: registry.id, name });
  if (!repository || repository.state !== 'live') throw new Fault('name-unknown', `repository "${name}" is not found`);
  if (repository.locks & lockBits.readEnabled)
    throw lockedFault(
      `repository "${name}" is locked against reading`,
      { repository: name, locks: repository.locks },
      lockBits.readEnabled,
    );
  return repository;
}

/** Makes the lists. */
export function catalog(database: Database): Catalog {
  return {
    async repositories(registry, ranges, page) {
      const names: string[] = [];
      const wanted = page.limit + 1;
      // The least text above the last name: no name has a character as low as the one that is added.
      const next = page.last === null ? '' : `${page.last}\u0001`;
      for (const range of ranges) {
        if (names.length >= wanted) break;
        if (page.last !== null && range.to !== null && range.to <= page.last) continue;
        const rows = await database.all(catalogRange, {
          registryId: registry.id,
          from: range.from > next ? range.from : next,
          to: range.to ?? beyondNames,
          limit: wanted - names.length,
        });
        for (const row of rows) names.push(row.name);
      }
      return pageOf(names, page.limit);
    },

    async tags(registry, name, page) {
      const repository = await readableRepository(database, registry, name);
      const rows = await database.all(tagNames, {
        repositoryId: repository.id,
        last: page.last ?? '',
        limit: page.limit + 1,
      });
      return pageOf(
        rows.map((row) => row.name),
        page.limit,
      );
    },

    async referrers(registry, name, subject, artifactType, page) {
      const repository = await database.first(findRepository, { registryId: registry.id, name });
      if (!repository || repository.state === 'deleted') return { manifests: [], more: false };
      if (repository.locks & lockBits.readEnabled)
        throw lockedFault(
          `repository "${name}" is locked against reading`,
          { repository: name, locks: repository.locks },
          lockBits.readEnabled,
        );
      const manifests: ReferrerDescriptor[] = [];
      let bytes = 0;
      for (let last = page.last ?? ''; ; last = manifests.at(-1)?.digest ?? last) {
        const step = Math.min(referrerStep, page.limit + 1 - manifests.length);
        const rows = await database.all(listReferrers, {
          repositoryId: repository.id,
          subject,
          artifactType: artifactType ?? '',
          last,
          limit: step,
        });
        for (const row of rows) {
          bytes += (row.annotations?.length ?? 0) + 300;
          const full = manifests.length === page.limit || (bytes > maxReferrerPageBytes && manifests.length > 0);
          if (full) return { manifests, more: true };
          manifests.push(referrerOf(row));
        }
        if (rows.length < step) return { manifests, more: false };
      }
    },
  };
}

function referrerOf(row: ReferrerRow): ReferrerDescriptor {
  return {
    mediaType: row.media_type,
    digest: row.digest,
    size: row.size,
    ...(row.artifact_type === null ? {} : { artifactType: row.artifact_type }),
    ...(row.annotations === null ? {} : { annotations: JSON.parse(row.annotations) as Record<string, string> }),
  };
}

function pageOf(names: readonly string[], limit: number): NamePage {
  // An empty page cannot say where to go on, so it never says that more follow.
  return { names: names.slice(0, limit), more: limit > 0 && names.length > limit };
}
