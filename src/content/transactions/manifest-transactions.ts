import { type RequestContext, recordChange } from '../../data/index.ts';
import { Fault, operatorOnly, parseStamp } from '../../kernel/index.ts';
import type { SqlTransaction, TransactionDefinition } from '../../ports/index.ts';
import { lockedFault } from '../locked.ts';
import { deletionLock, latestStamp, lockBits } from '../locks.ts';
import { activeHold, missingBlobs, putReview } from '../store/blob-rows-store.ts';
import {
  indexDepth,
  indexHeight,
  insertEdges,
  lockManifest,
  putBody,
  restoreManifests,
  retireManifest,
  touchManifest,
  upsertManifest,
} from '../store/manifest-store.ts';
import {
  emptyRepository,
  findRepository,
  holdRepository,
  lockRepository,
  reviveRepository,
} from '../store/repository-store.ts';
import {
  clearTag,
  clearTagsOn,
  closeHistory,
  closeHistoryOn,
  firstTagsOn,
  lastStampOn,
  lockedTagOn,
  lockTag,
  openHistory,
  reserveTag,
  setTag,
  type TagRecord,
  touchTag,
} from '../store/tag-store.ts';
import { repositoryForWriting } from './upload-transactions.ts';

/** A child of a pushed manifest. `required` children must be present blobs of the repository. */
export interface PushedChild {
  readonly kind: 'manifest' | 'config' | 'layer' | 'blob' | 'subject';
  readonly digest: string;
  readonly size: number;
  readonly required: boolean;
}

/** A parsed and sealed manifest on its way into a repository. */
export interface PutManifest {
  readonly context: RequestContext;
  readonly registryId: number;
  readonly repository: string;
  readonly digest: string;
  readonly mediaType: string;
  readonly artifactType: string | null;
  readonly ownArtifactType: string | null;
  readonly configMediaType: string | null;
  readonly subject: string | null;
  readonly annotations: string | null;
  readonly architecture: string | null;
  readonly os: string | null;
  readonly size: number;
  readonly imageSize: number;
  readonly isIndex: boolean;
  readonly children: readonly PushedChild[];
  readonly tags: readonly string[];
  readonly body: Uint8Array;
  readonly codec: string;
  readonly keyId: string | null;
  readonly maxIndexDepth: number;
  /** How long an untagged predecessor stays before it is looked at. */
  readonly graceMs: number;
}

/** One transaction for a push: manifest, bytes, edges, tags with their history, the change. */
export const putManifest: TransactionDefinition<PutManifest, { created: boolean }> = {
  name: 'content/put-manifest',
  async run(tx, input) {
    const { registryId, digest } = input;
    // The first manifest changes the repository's row: who shared it with others first would wait for them, and they for him.
    const seen = await tx.first(findRepository, { registryId, name: input.repository });
    const hold = seen?.state === 'live' ? holdRepository : lockRepository;
    const repository = await repositoryForWriting(tx, hold, registryId, input.repository);
    await checkChildren(tx, input, repository.id);
    const known = await tx.first(lockManifest, { repositoryId: repository.id, digest });
    const tags = await lockTags(tx, repository.id, input.tags);
    // Only now, under the locks: a stamp taken before them could be older than what it replaces.
    const stamp = tx.stamp(latestStamp(tags));
    const created = !known || known.state === 'deleted';
    if (known && (known.state === 'quarantined' || known.state === 'condemned')) {
      throw new Fault('not-permitted', `manifest ${digest} is ${known.state} and cannot be pushed now`);
    }
    if (known?.state === 'live') {
      await tx.run(touchManifest, { id: known.id, now: tx.now, stamp });
      // Whole bytes are at hand: what is stored may be damaged, and nobody has seen it yet.
      await tx.run(putBody, bodyOf(input));
    } else await insertManifest(tx, input, repository.id, stamp);
    const versions = new Map<string, number>();
    for (const tag of tags)
      versions.set(tag.name, await pointTag(tx, input, { repositoryId: repository.id, tag, stamp }));
    if (repository.state !== 'live') await tx.run(reviveRepository, { id: repository.id, now: tx.now });
    await recordPush(tx, input, { stamp, created, versions });
    return { created };
  },
};

async function checkChildren(tx: SqlTransaction, input: PutManifest, repositoryId: number): Promise<void> {
  const required = input.children.filter((child) => child.required).map((child) => child.digest);
  if (required.length > 0) {
    const missing = await tx.all(missingBlobs, {
      registryId: input.registryId,
      repositoryId,
      digests: JSON.stringify(required),
      limit: 20,
    });
    if (missing.length > 0) {
      throw new Fault(
        'manifest-blob-unknown',
        `the manifest names blobs that repository "${input.repository}" does not hold: ${missing.map((row) => row.digest).join(', ')}`,
        { detail: { digests: missing.map((row) => row.digest) } },
      );
    }
  }
  if (input.isIndex && input.children.length > 0) {
    const digests = JSON.stringify(
      input.children.filter((child) => child.kind === 'manifest').map((child) => child.digest),
    );
    const limit = input.maxIndexDepth + 1;
    const below = await tx.first(indexDepth, { repositoryId, digests, limit });
    const above = await tx.first(indexHeight, { repositoryId, digests: JSON.stringify([input.digest]), limit });
    if ((below?.depth ?? 0) + (above?.height ?? 0) > input.maxIndexDepth) {
      throw new Fault('manifest-invalid', `with this one, indexes would nest more than ${input.maxIndexDepth} deep`);
    }
  }
}

function bodyOf({ registryId, digest, codec, keyId, body }: PutManifest) {
  return { registryId, kind: 'manifest' as const, digest, codec, keyId, bytes: body };
}

async function insertManifest(
  tx: SqlTransaction,
  input: PutManifest,
  repositoryId: number,
  stamp: string,
): Promise<void> {
  const { registryId, digest } = input;
  await tx.run(putBody, bodyOf(input));
  // Other repositories may have missed these bytes, too.
  await tx.run(restoreManifests, { registryId, digest });
  const row = await tx.first(upsertManifest, {
    repositoryId,
    digest,
    mediaType: input.mediaType,
    artifactType: input.artifactType,
    ownArtifactType: input.ownArtifactType,
    configMediaType: input.configMediaType,
    subject: input.subject,
    annotations: input.annotations,
    architecture: input.architecture,
    os: input.os,
    size: input.size,
    imageSize: input.imageSize,
    now: tx.now,
    stamp,
  });
  if (!row) throw new Error('an upsert answered no row');
  if (input.children.length > 0) {
    const children = input.children.map(({ kind, digest: child, size }) => ({ kind, digest: child, size }));
    await tx.run(insertEdges, { repositoryId, parentId: row.id, children: JSON.stringify(children) });
  }
  if (input.tags.length === 0) {
    const due = tx.now + input.graceMs;
    await tx.run(putReview, { registryId, repositoryId, kind: 'manifest', digest, due, reason: 'pushed-untagged' });
  }
}

/** Moves one tag. Pushing what it already names only touches it: nothing happened that could be undone. */
async function pointTag(
  tx: SqlTransaction,
  input: PutManifest,
  { repositoryId, tag: before, stamp }: { repositoryId: number; tag: TagRecord; stamp: string },
): Promise<number> {
  const { digest } = input;
  const { name } = before;
  const actor = input.context.actor;
  const locked = () =>
    lockedFault(
      `tag "${name}" of repository "${input.repository}" is locked against writing`,
      { repository: input.repository, tag: name, locks: before.locks | lockBits.writeEnabled },
      lockBits.writeEnabled,
    );
  if (before.digest !== null && before.locks & lockBits.writeEnabled) throw locked();
  if (before.digest === digest) {
    await tx.run(touchTag, { repositoryId, name, now: tx.now, stamp });
    return before.version;
  }
  const moved = await tx.first(setTag, { repositoryId, name, digest, now: tx.now, stamp });
  if (!moved) throw locked();
  const { version } = moved;
  await tx.run(closeHistory, { repositoryId, name, version: version - 1, now: tx.now, stamp, actor, cause: 'moved' });
  await tx.run(openHistory, { repositoryId, name, version, digest, now: tx.now, stamp, actor });
  if (before.digest !== null) {
    await tx.run(putReview, {
      registryId: input.registryId,
      repositoryId,
      kind: 'manifest',
      digest: before.digest,
      due: tx.now + input.graceMs,
      reason: 'tag-moved',
    });
  }
  return version;
}

/** Holds every tag that a push moves, also those that are not there yet; in one order, so that pushes do not embrace. */
async function lockTags(tx: SqlTransaction, repositoryId: number, names: readonly string[]): Promise<TagRecord[]> {
  const tags: TagRecord[] = [];
  for (const name of [...names].sort()) {
    let tag = await tx.first(lockTag, { repositoryId, name });
    if (!tag) {
      await tx.run(reserveTag, { repositoryId, name, now: tx.now });
      tag = await tx.first(lockTag, { repositoryId, name });
    }
    if (!tag) throw new Error('a tag vanished inside its own transaction');
    tags.push(tag);
  }
  return tags;
}

async function recordPush(
  tx: SqlTransaction,
  input: PutManifest,
  pushed: { readonly stamp: string; readonly created: boolean; readonly versions: ReadonlyMap<string, number> },
): Promise<void> {
  const { stamp, created, versions } = pushed;
  const common = {
    registryId: input.registryId,
    stamp,
    repository: input.repository,
    digest: input.digest,
    mediaType: input.mediaType,
    size: input.size,
    details: { created },
  };
  if (input.tags.length === 0) await recordChange(tx, input.context, { ...common, kind: 'manifest.pushed' });
  for (const [tag, tagVersion] of versions) {
    await recordChange(tx, input.context, { ...common, kind: 'tag.set', tag, tagVersion });
  }
}

/** Tags of a deleted manifest that the change names. */
const maxTagsInChange = 100;

/**
 * Deletes a manifest and every tag on it. Rows and bytes stay restorable. Refused by locks of the repository, the manifest
 * or any of its tags, and by holds.
 */
export const deleteManifest: TransactionDefinition<
  { context: RequestContext; registryId: number; repository: string; digest: string; graceMs: number },
  void
> = {
  name: 'content/delete-manifest',
  async run(tx, input) {
    const { registryId, digest, context } = input;
    const unknown = () =>
      new Fault('manifest-unknown', `manifest ${digest} is not in repository "${input.repository}"`);
    // Alone: whether this was the last manifest can only be told while no other is pushed or deleted.
    const repository = await tx.first(lockRepository, { registryId, name: input.repository });
    if (!repository || repository.state !== 'live') throw unknown();
    const manifest = await tx.first(lockManifest, { repositoryId: repository.id, digest });
    if (!manifest || manifest.state === 'deleted') throw unknown();
    if (repository.locks & deletionLock)
      throw lockedFault(
        `repository "${input.repository}" is locked against deletion`,
        { repository: input.repository, locks: repository.locks },
        deletionLock,
      );
    if (manifest.locks & deletionLock)
      throw lockedFault(
        `manifest ${digest} is locked against deletion`,
        { repository: input.repository, digest, locks: manifest.locks },
        deletionLock,
      );
    const lockedTag = await tx.first(lockedTagOn, { repositoryId: repository.id, digest, lock: deletionLock });
    if (lockedTag)
      throw lockedFault(
        `tag "${lockedTag.name}" on this manifest is locked against deletion`,
        { repository: input.repository, tag: lockedTag.name, locks: lockedTag.locks },
        deletionLock,
      );
    const hold = await tx.first(activeHold, { repositoryId: repository.id, digest, now: tx.now });
    if (hold)
      throw new Fault('locked', `manifest ${digest} is held by ${hold.holder}`, {
        operator: operatorOnly({
          rule: 'held',
          because: `${hold.holder} holds manifest ${digest} of ${input.repository}`,
          cure: `wait until ${hold.holder} lets go of it`,
        }),
      });

    const last = await tx.first(lastStampOn, { repositoryId: repository.id, digest });
    const stamp = tx.stamp(last?.stamp == null ? null : parseStamp(last.stamp));
    const common = { repositoryId: repository.id, digest, now: tx.now, stamp };
    await tx.run(retireManifest, { id: manifest.id, now: tx.now, stamp });
    await tx.run(closeHistoryOn, { ...common, actor: context.actor, cause: 'manifest-deleted' });
    const tags = await tx.all(firstTagsOn, { repositoryId: repository.id, digest, limit: maxTagsInChange });
    const tagCount = await tx.run(clearTagsOn, common);
    const due = tx.now + input.graceMs;
    await tx.run(putReview, {
      registryId,
      repositoryId: repository.id,
      kind: 'manifest',
      digest,
      due,
      reason: 'deleted',
    });
    await tx.run(emptyRepository, { id: repository.id });
    await recordChange(tx, context, {
      registryId,
      kind: 'manifest.deleted',
      stamp,
      repository: input.repository,
      digest,
      mediaType: manifest.media_type,
      size: manifest.size,
      details: { tags: tags.map((tag) => tag.name), tagCount },
    });
  },
};

/** Removes a tag; the manifest stays and can be pulled by digest. */
export const deleteTag: TransactionDefinition<
  { context: RequestContext; registryId: number; repository: string; tag: string; graceMs: number },
  { digest: string }
> = {
  name: 'content/delete-tag',
  async run(tx, input) {
    const { registryId, context } = input;
    const unknown = () => new Fault('tag-unknown', `tag "${input.tag}" is not in repository "${input.repository}"`);
    const repository = await tx.first(lockRepository, { registryId, name: input.repository });
    if (!repository || repository.state !== 'live') throw unknown();
    const repositoryId = repository.id;
    const tag = await tx.first(lockTag, { repositoryId, name: input.tag });
    if (!tag || tag.digest === null) throw unknown();
    if (repository.locks & deletionLock)
      throw lockedFault(
        `repository "${input.repository}" is locked against deletion`,
        { repository: input.repository, locks: repository.locks },
        deletionLock,
      );
    if (tag.locks & deletionLock)
      throw lockedFault(
        `tag "${input.tag}" is locked against deletion`,
        { repository: input.repository, tag: input.tag, locks: tag.locks },
        deletionLock,
      );
    const stamp = tx.stamp(latestStamp([tag]));
    const cleared = await tx.first(clearTag, { repositoryId, name: input.tag, stamp });
    if (!cleared) throw unknown();
    await tx.run(closeHistory, {
      repositoryId,
      name: input.tag,
      version: cleared.version - 1,
      now: tx.now,
      stamp,
      actor: context.actor,
      cause: 'untagged',
    });
    const due = tx.now + input.graceMs;
    await tx.run(putReview, {
      registryId,
      repositoryId,
      kind: 'manifest',
      digest: tag.digest,
      due,
      reason: 'untagged',
    });
    await recordChange(tx, context, {
      registryId,
      kind: 'tag.deleted',
      stamp,
      repository: input.repository,
      digest: tag.digest,
      tag: input.tag,
      tagVersion: cleared.version,
    });
    return { digest: tag.digest };
  },
};
