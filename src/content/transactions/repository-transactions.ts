import { type RequestContext, recordChange } from '../../data/index.ts';
import { Fault, operatorOnly, parseStamp } from '../../kernel/index.ts';
import type { SqlTransaction, TransactionDefinition } from '../../ports/index.ts';
import { lockedFault } from '../locked.ts';
import {
  type AttributeName,
  type ChangeableAttributes,
  changeLocks,
  deletionLock,
  latestStamp,
  stampFields,
} from '../locks.ts';
import { lockManifest, setManifestLocks } from '../store/manifest-store.ts';
import {
  clearTagsOf,
  closeHistoryOf,
  deleteRepositoryRow,
  firstManifestsOf,
  firstTagsOf,
  hasAttributes,
  holdRepository,
  lockRepository,
  protectedContent,
  type RepositoryRecord,
  retireManifestsOf,
  reviewAllOf,
  setRepositoryLocks,
} from '../store/repository-store.ts';
import { lastStampOf, lockTag, setTagLocks } from '../store/tag-store.ts';

/** How many deleted manifests and tags are named; a repository may hold millions. */
const maxNamed = 1000;

/** What a deleted repository held: all of it counted, the first of each named. */
export interface DeletedRepository {
  readonly manifestCount: number;
  readonly tagCount: number;
  readonly manifests: string[];
  readonly tags: string[];
}

/** Deletes a repository with all that is in it. Refused as a whole when anything in it is locked or held. */
export const deleteRepository: TransactionDefinition<
  { context: RequestContext; registryId: number; repository: string; graceMs: number },
  DeletedRepository
> = {
  name: 'content/delete-repository',
  async run(tx, input) {
    const { registryId, context } = input;
    const repository = await tx.first(lockRepository, { registryId, name: input.repository });
    if (!repository || !hasAttributes(repository)) {
      throw new Fault('name-unknown', `repository "${input.repository}" is not found`);
    }
    if (repository.locks & deletionLock)
      throw lockedFault(
        `repository "${input.repository}" is locked against deletion`,
        { repository: input.repository, locks: repository.locks },
        deletionLock,
      );
    const kept = await tx.first(protectedContent, { repositoryId: repository.id, now: tx.now });
    if (kept) {
      throw new Fault('locked', `${kept.what} in repository "${input.repository}" is locked against deletion`, {
        operator: operatorOnly({
          rule: 'content-locked',
          because: `${kept.what} in ${input.repository} is locked or held, and nothing of a repository is deleted without the rest`,
          cure: `GET /acr/v1/${input.repository}/_manifests and _tags show the locks; PATCH what is locked with {"deleteEnabled":true,"writeEnabled":true}`,
        }),
      });
    }
    const last = await tx.first(lastStampOf, { repositoryId: repository.id });
    const stamp = tx.stamp(last?.stamp == null ? null : parseStamp(last.stamp));
    const common = { repositoryId: repository.id, now: tx.now, stamp };
    const first = { repositoryId: repository.id, limit: maxNamed };
    const tags = await tx.all(firstTagsOf, first);
    const manifests = await tx.all(firstManifestsOf, first);
    await tx.run(closeHistoryOf, { ...common, actor: context.actor });
    const tagCount = await tx.run(clearTagsOf, common);
    const manifestCount = await tx.run(retireManifestsOf, common);
    await tx.run(deleteRepositoryRow, { id: repository.id, now: tx.now, stamp });
    await tx.run(reviewAllOf, { registryId, repositoryId: repository.id, due: tx.now + input.graceMs });
    await recordChange(tx, context, {
      registryId,
      kind: 'repository.deleted',
      stamp,
      repository: input.repository,
      details: { manifestCount, tagCount },
    });
    return {
      manifestCount,
      tagCount,
      manifests: manifests.map((row) => row.digest),
      tags: tags.map((row) => row.name),
    };
  },
};

/** Which attributes are changed, where: a repository, one of its tags, or one of its manifests. */
export interface SetAttributes {
  readonly context: RequestContext;
  readonly registryId: number;
  readonly repository: string;
  readonly target: { readonly kind: 'repository' } | { readonly kind: 'tag' | 'manifest'; readonly key: string };
  readonly change: Partial<ChangeableAttributes>;
}

/** Changes lock attributes, each field under its own stamp. Locks never forbid changing locks. */
export const setAttributes: TransactionDefinition<SetAttributes, void> = {
  name: 'content/set-attributes',
  async run(tx, input) {
    const { registryId, target, change } = input;
    const find = target.kind === 'repository' ? lockRepository : holdRepository;
    const repository = await tx.first(find, { registryId, name: input.repository });
    if (!repository || !hasAttributes(repository)) {
      throw new Fault('name-unknown', `repository "${input.repository}" is not found`);
    }
    const fields = (Object.keys(change) as AttributeName[]).filter((name) => change[name] !== undefined);
    const stamp = await applyTo(tx, repository, target, change, fields);
    await recordChange(tx, input.context, {
      registryId,
      kind: `${target.kind}.attributes`,
      stamp,
      repository: input.repository,
      digest: target.kind === 'manifest' ? target.key : null,
      tag: target.kind === 'tag' ? target.key : null,
      details: { ...change },
    });
  },
};

/** Answers the stamp of the change, which is taken under the lock of the row that it stamps. */
async function applyTo(
  tx: SqlTransaction,
  repository: RepositoryRecord,
  target: SetAttributes['target'],
  change: Partial<ChangeableAttributes>,
  fields: readonly string[],
): Promise<string> {
  const repositoryId = repository.id;
  const next = (row: { locks: number; lock_stamps: string }, stamp: string) => ({
    locks: changeLocks(row.locks, change),
    lockStamps: stampFields(row.lock_stamps, fields, stamp),
    now: tx.now,
  });
  switch (target.kind) {
    case 'repository': {
      const stamp = tx.stamp(latestStamp([repository]));
      await tx.run(setRepositoryLocks, { id: repositoryId, ...next(repository, stamp) });
      return stamp;
    }
    case 'tag': {
      const tag = await tx.first(lockTag, { repositoryId, name: target.key });
      if (!tag || tag.digest === null) throw new Fault('tag-unknown', `tag "${target.key}" is not found`);
      const stamp = tx.stamp(latestStamp([tag]));
      await tx.run(setTagLocks, { repositoryId, name: target.key, ...next(tag, stamp) });
      return stamp;
    }
    case 'manifest': {
      const manifest = await tx.first(lockManifest, { repositoryId, digest: target.key });
      if (!manifest || manifest.state === 'deleted')
        throw new Fault('manifest-unknown', `manifest ${target.key} is not found`);
      const stamp = tx.stamp(latestStamp([manifest]));
      await tx.run(setManifestLocks, { id: manifest.id, ...next(manifest, stamp) });
      return stamp;
    }
    default:
      return target satisfies never;
  }
}
