import { createHash } from 'node:crypto';
import { setImmediate as turn } from 'node:timers/promises';
import { algorithmOf, type Digest, startDigest } from '../kernel/index.ts';
import { type BlobReader, type BlobStore, BlobStoreError, type SqlReader, type Statement } from '../ports/index.ts';
import type { ContentEnvironment } from './environment.ts';
import { feed, judgeBody, type Verdict } from './judge.ts';
import { loseBlob, loseLocation } from './store/blob-rows-store.ts';
import {
  bodyKeys,
  manifestPage,
  type StoredPlace,
  storedPlaces,
  touchedBy,
  unnamedObjects,
} from './store/check-store.ts';
import { loseManifests, readBody } from './store/manifest-store.ts';
import { deploymentOf, foreignPlace } from './store/restore-store.ts';

/** A snapshot of the database, in the hands of a backup. */
export interface BackupSnapshot extends SqlReader {
  run<P, R>(statement: Statement<P, R>, parameters: P): Promise<number>;
}

/** The object of a blob that a snapshot calls present. */
export type BackupObject = StoredPlace;

/** Bytes in a row of a snapshot. */
export interface BackupBody {
  readonly registryId: number;
  readonly kind: 'manifest' | 'blob';
  readonly digest: string;
}

const pageRows = 200;
const copyBytes = 1024 * 1024;
const beyondAll = Number.MAX_SAFE_INTEGER;

/** Every object that a snapshot calls present, in order, in pages. */
export async function* presentObjects(snapshot: SqlReader): AsyncGenerator<BackupObject[]> {
  for await (const rows of presentPlaces(snapshot)) yield rows.filter((row) => row.location !== '');
}

async function* presentPlaces(snapshot: SqlReader): AsyncGenerator<StoredPlace[]> {
  let after = { registryId: 0, digest: '', region: 0, store: '' };
  for (;;) {
    const rows = await snapshot.all(storedPlaces, { ...after, lastRegistry: beyondAll, limit: pageRows });
    yield rows.filter((row) => row.state === 'present');
    // A snapshot is read in this thread: others get their turn after each page.
    await turn();
    const last = rows.at(-1);
    if (rows.length < pageRows || !last) return;
    after = { registryId: last.registry_id, digest: last.digest, region: last.region_ordinal, store: last.store };
  }
}

/**
 * All bytes in rows of a snapshot that are not those of their digest: first the rows that there are, then, as `gone`, what
 * a live manifest or a present blob should have a row for and has none. Each is named once.
 */
export async function* damagedBodies(
  environment: Pick<ContentEnvironment, 'seal'>,
  snapshot: SqlReader,
): AsyncGenerator<{ body: BackupBody; verdict: Exclude<Verdict, { kind: 'whole' }> }> {
  let after = { registryId: 0, kind: '', digest: '' };
  for (;;) {
    const rows = await snapshot.all(bodyKeys, { ...after, lastRegistry: beyondAll, limit: pageRows });
    for (const key of rows) {
      const body: BackupBody = { registryId: key.registry_id, kind: key.kind, digest: key.digest };
      const row = await snapshot.first(readBody, { ...body });
      const verdict = row && judgeBody(environment, body, row);
      if (verdict && verdict.kind !== 'whole') yield { body, verdict };
    }
    await turn();
    const last = rows.at(-1);
    if (rows.length < pageRows || !last) break;
    after = { registryId: last.registry_id, kind: last.kind, digest: last.digest };
  }
  // A manifest has a row for each repository that holds it, and its bytes are there once.
  const named = new Set<string>();
  for await (const body of bodiesWithoutRow(snapshot)) {
    const name = `${body.registryId} ${body.kind} ${body.digest}`;
    if (named.has(name)) continue;
    named.add(name);
    yield { body, verdict: { kind: 'gone', detail: 'there is no row with its bytes' } };
  }
}

async function* bodiesWithoutRow(snapshot: SqlReader): AsyncGenerator<BackupBody> {
  for await (const places of presentPlaces(snapshot)) {
    for (const place of places.filter((one) => one.location === '')) {
      const body = { registryId: place.registry_id, kind: 'blob', digest: place.digest } as const;
      if (!(await snapshot.first(readBody, body))) yield body;
    }
  }
  for (let id = 0; ; ) {
    const rows = await snapshot.all(manifestPage, { id, firstRegistry: 0, lastRegistry: beyondAll, limit: pageRows });
    for (const row of rows) {
      if (row.state !== 'live' || row.has_body) continue;
      yield { registryId: row.registry_id, kind: 'manifest', digest: row.digest };
    }
    await turn();
    const last = rows.at(-1);
    if (rows.length < pageRows || !last) return;
    id = last.id;
  }
}

/**
 * The key of an object in a backup, which is a file store. Objects of a file store keep theirs, so that a restored row
 * needs no change; those of other stores get one that depends on their name there.
 */
export function backupKey(object: Pick<BackupObject, 'store' | 'location'>): string {
  const own = /^([A-Za-z0-9][A-Za-z0-9_-])\/(\1[A-Za-z0-9_-]{0,126})$/.exec(object.location)?.[2];
  if (object.store === fileStore && own !== undefined) return own;
  return createHash('sha256').update(`${object.store}\n${object.location}`).digest('hex');
}

/** Where the key of an object lies in a file store. */
export function backupLocation(object: Pick<BackupObject, 'store' | 'location'>): string {
  const key = backupKey(object);
  return `${key.slice(0, 2)}/${key}`;
}

/** Name of the file store in `blob_location.store`. */
export const fileStore = 'fs';

export interface CopyOptions {
  /** Called before each read; waits, or throws to give up. */
  readonly beforeRead: (bytes: number) => Promise<void>;
}

/** Reads an object of a backup to its end and holds it against its digest. Throws what `beforeRead` throws. */
export async function verifyObject(
  environment: Pick<ContentEnvironment, 'seal'>,
  object: BackupObject,
  open: () => Promise<BlobReader>,
  options: CopyOptions = { beforeRead: () => Promise.resolve() },
): Promise<Verdict> {
  let reader: BlobReader;
  try {
    reader = await open();
  } catch (error) {
    return verdictOf(error);
  }
  try {
    if (reader.size !== object.size) return wrongSize(reader, object);
    const staged = { write: () => Promise.resolve() };
    return await stream(environment, object, { reader, staged }, options);
  } finally {
    await reader.close();
  }
}

/**
 * Copies an object, as it is stored, into another store and holds it against its digest on the way; what is not whole is not
 * left there. Throws what the target throws, and what `beforeRead` throws.
 */
export async function copyObject(
  environment: Pick<ContentEnvironment, 'seal'>,
  object: BackupObject,
  ports: { readonly open: () => Promise<BlobReader>; readonly target: BlobStore },
  options: CopyOptions,
): Promise<Verdict> {
  const key = backupKey(object);
  let reader: BlobReader;
  try {
    reader = await ports.open();
  } catch (error) {
    return verdictOf(error);
  }
  try {
    if (reader.size !== object.size) return wrongSize(reader, object);
    const staged = await ports.target.stage(key);
    let verdict: Verdict;
    try {
      verdict = await stream(environment, object, { reader, staged }, options);
    } catch (error) {
      await staged.close();
      await ports.target.abort(key);
      throw error;
    }
    await staged.close();
    if (verdict.kind === 'whole') await ports.target.commit(key, object.size);
    else await ports.target.abort(key);
    return verdict;
  } finally {
    await reader.close();
  }
}

async function stream(
  environment: Pick<ContentEnvironment, 'seal'>,
  object: BackupObject,
  ends: { readonly reader: BlobReader; readonly staged: { write(at: number, chunks: Uint8Array[]): Promise<void> } },
  options: CopyOptions,
): Promise<Verdict> {
  const hash = startDigest(algorithmOf(object.digest as Digest));
  const buffer = Buffer.allocUnsafe(Math.min(copyBytes, Math.max(1, object.size)));
  for (let position = 0; position < object.size; ) {
    const piece = buffer.subarray(0, Math.min(buffer.length, object.size - position));
    await options.beforeRead(piece.length);
    let bytes: Uint8Array;
    try {
      bytes = piece.subarray(0, await ends.reader.read(piece, position));
    } catch (error) {
      return verdictOf(error);
    }
    if (bytes.length === 0) return { kind: 'damaged', detail: `the object ends after ${position} bytes` };
    // As it is stored: only afterwards are the bytes opened in place, for the hash.
    await ends.staged.write(position, [bytes]);
    try {
      feed(environment, object, { hash, position, bytes });
    } catch (error) {
      return verdictOf(error);
    }
    position += bytes.length;
  }
  const found = hash.digest();
  return found === object.digest ? { kind: 'whole' } : { kind: 'damaged', detail: `the bytes have digest ${found}` };
}

function wrongSize(reader: BlobReader, object: BackupObject): Verdict {
  return { kind: 'damaged', detail: `the object has ${reader.size} bytes, not ${object.size}` };
}

function verdictOf(error: unknown): Verdict {
  if (!(error instanceof BlobStoreError)) throw error;
  return error.kind === 'absent'
    ? { kind: 'gone', detail: 'there is no object' }
    : { kind: 'unreadable', detail: error.message };
}

/** Notes in a snapshot that an object is not in the backup, so that a restored registry asks for it again. */
export async function loseInSnapshot(snapshot: BackupSnapshot, object: BackupObject): Promise<void> {
  const { registry_id: registryId, digest, store, location } = object;
  await snapshot.run(loseLocation, { registryId, digest, store, location });
  await snapshot.run(loseBlob, { registryId, digest });
}

/** The same for bytes in a row. */
export async function loseBodyInSnapshot(snapshot: BackupSnapshot, body: BackupBody): Promise<void> {
  const { registryId, digest } = body;
  if (body.kind === 'manifest') {
    await snapshot.run(loseManifests, { registryId, digest });
    return;
  }
  await snapshot.run(loseLocation, { registryId, digest, store: 'row', location: '' });
  await snapshot.run(loseBlob, { registryId, digest });
}

/** `repository:tag` of what needs a digest, at most `limit` of them. */
export async function tagsTouched(
  snapshot: SqlReader,
  lost: { readonly registryId: number; readonly digest: string; readonly limit: number },
): Promise<string[]> {
  const rows = await snapshot.all(touchedBy, { ...lost });
  return rows.filter((row) => row.tag !== null).map((row) => `${row.repository}:${row.tag}`);
}

/** Whose database or snapshot this is; undefined when no deployment has founded it. */
export async function snapshotDeployment(
  snapshot: SqlReader,
): Promise<{ id: string; incarnation: string } | undefined> {
  return snapshot.first(deploymentOf, {});
}

/**
 * Which objects of a backup (locations there) its snapshot does not name. Objects of other stores than the file store are
 * known by a hash, so with any of those nothing is called unnamed.
 */
export async function unnamedInBackup(snapshot: SqlReader, locations: readonly string[]): Promise<string[]> {
  if (locations.length === 0 || (await snapshot.first(foreignPlace, { store: fileStore }))) return [];
  const rows = await snapshot.all(unnamedObjects, {
    store: fileStore,
    locations: JSON.stringify(locations),
    limit: locations.length,
  });
  return rows.map((row) => row.location);
}
