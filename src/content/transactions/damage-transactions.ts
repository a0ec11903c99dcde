import type { TransactionDefinition } from '../../ports/index.ts';
import {
  blobRow,
  locationState,
  loseBlob,
  loseLocation,
  restoreBlobRow,
  restoreLocation,
} from '../store/blob-rows-store.ts';
import { type NewFinding, putFinding } from '../store/check-store.ts';
import { lockBody, loseManifests, restoreManifests } from '../store/manifest-store.ts';

/** A place of a blob, as a row named it when its bytes were looked at. */
export interface BlobPlace {
  readonly registryId: number;
  readonly digest: string;
  readonly store: string;
  readonly location: string;
}

/** Bytes in a row. `seen` is what was stored there when they were judged, null when there was no row. */
export interface SeenBody {
  readonly registryId: number;
  readonly kind: 'manifest' | 'blob';
  readonly digest: string;
  readonly seen: Uint8Array | null;
}

/**
 * Notes that the object of a blob does not hold its bytes; a push then brings them back. Nothing is noted when the blob
 * has been stored elsewhere meanwhile. Answers whether that changed anything: what is known to be missing is not news.
 * `finding` goes into the report of a check, also when it is no news.
 */
export const loseObject: TransactionDefinition<BlobPlace & { finding: NewFinding | null }, boolean> = {
  name: 'content/lose-object',
  async run(tx, { finding, ...place }) {
    // The order in which a finishing upload takes them.
    await tx.first(blobRow, { registryId: place.registryId, digest: place.digest });
    const changed = (await tx.run(loseLocation, place)) > 0;
    if (changed) await tx.run(loseBlob, { registryId: place.registryId, digest: place.digest });
    const isLost = changed || (await tx.first(locationState, place))?.state === 'missing';
    if (finding && isLost) await tx.run(putFinding, { ...finding, now: tx.now });
    return changed;
  },
};

/**
 * Notes that a row does not hold the bytes of its digest: the blob, or the manifest in every repository of the registry,
 * is missing until it is pushed again. Nothing is noted when the row holds something else by now. Answers as `loseObject`.
 */
export const loseBody: TransactionDefinition<SeenBody & { finding: NewFinding | null }, boolean> = {
  name: 'content/lose-body',
  async run(tx, { finding, seen, ...body }) {
    const { registryId, kind, digest } = body;
    if (kind === 'blob') await tx.first(blobRow, { registryId, digest });
    const current = await tx.first(lockBody, body);
    if (seen === null ? current !== undefined : !current || !isSame(current.bytes, seen)) return false;
    if (finding) await tx.run(putFinding, { ...finding, now: tx.now });
    if (kind === 'manifest') return (await tx.run(loseManifests, { registryId, digest })) > 0;
    if ((await tx.run(loseLocation, { registryId, digest, store: rowStore, location: '' })) === 0) return false;
    await tx.run(loseBlob, { registryId, digest });
    return true;
  },
};

/** The bytes of a missing blob are found whole after all. Answers whether that changed anything. */
export const restoreObject: TransactionDefinition<BlobPlace, boolean> = {
  name: 'content/restore-object',
  async run(tx, place) {
    const { registryId, digest } = place;
    await tx.first(blobRow, { registryId, digest });
    if ((await tx.run(restoreLocation, place)) === 0) return false;
    return (await tx.run(restoreBlobRow, { registryId, digest })) > 0;
  },
};

/** A row holds the bytes of something missing after all. Answers whether that changed anything. */
export const restoreBody: TransactionDefinition<Omit<SeenBody, 'seen'> & { seen: Uint8Array }, boolean> = {
  name: 'content/restore-body',
  async run(tx, { seen, ...body }) {
    const { registryId, kind, digest } = body;
    if (kind === 'blob') await tx.first(blobRow, { registryId, digest });
    const current = await tx.first(lockBody, body);
    if (!current || !isSame(current.bytes, seen)) return false;
    if (kind === 'manifest') return (await tx.run(restoreManifests, { registryId, digest })) > 0;
    if ((await tx.run(restoreLocation, { registryId, digest, store: rowStore, location: '' })) === 0) return false;
    return (await tx.run(restoreBlobRow, { registryId, digest })) > 0;
  },
};

/** What `blob_location.store` says of bytes in a row. */
const rowStore = 'row';

function isSame(left: Uint8Array, right: Uint8Array): boolean {
  return Buffer.compare(left, right) === 0;
}
