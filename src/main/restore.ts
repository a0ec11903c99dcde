import { mkdir, readdir, realpath, rm } from 'node:fs/promises';
import { join, sep } from 'node:path';
import { fsBlobStore } from '../adapters/blob-fs/index.ts';
import { openSnapshot, openSqlite } from '../adapters/sql-sqlite/index.ts';
import * as content from '../content/index.ts';
import * as data from '../data/index.ts';
import * as identity from '../identity/index.ts';
import { type Clock, type Ids } from '../kernel/index.ts';
import type { BlobStore } from '../ports/index.ts';
import {
  type BackupManifest,
  databaseFile,
  fingerprint,
  objectPath,
  openObject,
  readManifest,
} from './backup-folder.ts';
import { markBad } from './bad-objects.ts';
import { copyDurably } from './copy-file.ts';
import { diskRefusal } from './disk-refusal.ts';
import { syncFolder } from './durable-file.ts';
import { StartRefusal } from './start-refusal.ts';

/** How far a restore or a verification has come. */
export interface RestoreProgress {
  readonly objects: number;
  readonly of: number;
}

export interface VerifiedBackup {
  readonly manifest: BackupManifest;
  /** What is wrong with it, each with the path of the file; at most `maxProblems`. */
  readonly problems: readonly string[];
  /** Damaged objects that were marked, so that the next backup into the folder copies them anew. */
  readonly marked: number;
  /** Why the others could not be marked, for instance because nothing may be written there; null when all were. */
  readonly unmarked: string | null;
}

const maxProblems = 1_000;
/** Files that a restore writes when everything else is there. */
const lastFile = 'berth.json';
const seal = data.plainSeal;

/**
 * Reads a whole backup and holds every file against its digest. Writes nothing but the marks of damaged objects, where it
 * may. Throws a StartRefusal when there is none.
 */
export async function verifyBackup(folder: string, told: (progress: RestoreProgress) => void): Promise<VerifiedBackup> {
  const manifest = await readManifest(folder);
  const generation = join(folder, manifest.generation);
  const problems: string[] = [];
  let hasDatabase = true;
  for (const file of manifest.files) {
    const path = join(generation, file.name);
    const found = await fingerprint(path).catch(absent);
    if (found?.sha256 === file.sha256) continue;
    problems.push(found ? `${path} is damaged` : `${path} is gone`);
    if (file.name === databaseFile) hasDatabase = false;
  }
  // Which objects there should be is only known from a database that is whole.
  if (!hasDatabase) return { manifest, problems, marked: 0, unmarked: null };
  await using snapshot = openSnapshot(join(generation, databaseFile), { writable: false });
  let [objects, marked] = [0, 0];
  let unmarked: string | null = null;
  for await (const page of content.presentObjects(snapshot)) {
    for (const object of page) {
      const location = content.backupLocation(object);
      const verdict = await content.verifyObject({ seal }, object, () => openObject(folder, location));
      if (verdict.kind !== 'whole' && problems.length < maxProblems) {
        problems.push(describe(folder, location, object, verdict.detail));
      }
      // A backup sees by itself what is gone.
      if ((verdict.kind === 'damaged' || verdict.kind === 'unreadable') && unmarked === null) {
        unmarked = await markBad(folder, location).then(() => null, refusedBySystem);
        if (unmarked === null) marked += 1;
      }
      objects += 1;
      told({ objects, of: manifest.objects.count });
    }
  }
  for await (const { body, verdict } of content.damagedBodies({ seal }, snapshot)) {
    // A row that was damaged at the source came over as it is, with a note that its bytes are missing.
    if (verdict.kind !== 'gone' || problems.length >= maxProblems) continue;
    problems.push(`${join(generation, databaseFile)} does not hold ${body.kind} ${body.digest}: ${verdict.detail}`);
  }
  return { manifest, problems, marked, unmarked };
}

function describe(folder: string, location: string, object: content.BackupObject, detail: string): string {
  return `${objectPath(folder, location)} does not hold ${object.digest}: ${detail}`;
}

export interface RestoreOptions {
  readonly source: string;
  /** The data folder to make; absent or empty. */
  readonly target: string;
  readonly clock: Clock;
  readonly ids: Ids;
  readonly told: (progress: RestoreProgress) => void;
}

/**
 * Makes a data folder from a backup and verifies everything on the way. `berth.json` is written last, so what was
 * interrupted is no data folder. Throws a StartRefusal that names the file when the backup is damaged; then nothing is left.
 */
export async function restoreBackup(options: RestoreOptions): Promise<BackupManifest> {
  const manifest = await readManifest(options.source);
  const isMade = await makeTarget(options);
  try {
    await fill(options, manifest);
    return manifest;
  } catch (error) {
    for (const name of await readdir(options.target)) await rm(join(options.target, name), { recursive: true });
    if (isMade) await rm(options.target, { recursive: true });
    throw diskRefusal(error, options.target);
  }
}

async function makeTarget({ source, target }: RestoreOptions): Promise<boolean> {
  const made = await mkdir(target, { mode: 0o700 }).then(
    () => true,
    (error: NodeJS.ErrnoException) => {
      if (error.code === 'EEXIST') return false;
      throw new StartRefusal(`cannot make ${target}: ${error.message}`, { cause: error });
    },
  );
  if (!made) {
    const names = await readdir(target).catch((error: NodeJS.ErrnoException) => {
      throw new StartRefusal(`cannot restore into ${target}: ${error.message}`, { cause: error });
    });
    if (names.length > 0) throw new StartRefusal(`${target} is not empty; restore into a folder that does not exist`);
  }
  const [from, to] = [await realpath(source), await realpath(target)];
  if (`${to}${sep}`.startsWith(`${from}${sep}`)) {
    if (made) await rm(target, { recursive: true });
    throw new StartRefusal(`${target} lies in the backup; restore into another place`);
  }
  return made;
}

async function fill(options: RestoreOptions, manifest: BackupManifest): Promise<void> {
  const { source, target } = options;
  const generation = join(source, manifest.generation);
  const copy = async (name: string): Promise<void> => {
    const file = manifest.files.find((one) => one.name === name);
    if (!file) return;
    const path = join(generation, name);
    const copied = await copyDurably(path, join(target, name)).catch((error: unknown) => absent(error));
    if (!copied) throw new StartRefusal(`${path} is gone; this backup is not whole`);
    if (copied.sha256 !== file.sha256) throw new StartRefusal(`${path} is damaged; this backup is not whole`);
  };
  for (const { name } of manifest.files) if (name !== lastFile) await copy(name);
  const file = join(target, databaseFile);
  const blobs = await fsBlobStore({ directory: join(target, 'blobs') });
  const database = await openSqlite({
    file,
    migrations: data.migrations,
    modules: [data, identity, content],
    clock: options.clock,
    regionOrdinal: 1,
    lastStamp: data.lastStamp,
  });
  try {
    await copyObjects(options, manifest, { database, blobs });
    await database.transact(content.settleRestored, { incarnation: options.ids.id() });
  } finally {
    await database.close();
    await blobs.close();
  }
  await copy(lastFile);
  await syncFolder(target);
}

async function copyObjects(
  { source, told }: RestoreOptions,
  manifest: BackupManifest,
  ends: { readonly database: Awaited<ReturnType<typeof openSqlite>>; readonly blobs: BlobStore },
): Promise<void> {
  let objects = 0;
  for await (const page of content.presentObjects(ends.database)) {
    const moved: Moved['moved'][number][] = [];
    for (const object of page) {
      const location = content.backupLocation(object);
      const open = () => openObject(source, location);
      const verdict = await content.copyObject(
        { seal },
        object,
        { open, target: ends.blobs },
        { beforeRead: () => Promise.resolve() },
      );
      if (verdict.kind !== 'whole') throw new StartRefusal(describe(source, location, object, verdict.detail));
      if (object.store !== content.fileStore || object.location !== location) {
        const { registry_id: registryId, digest, store, location: from } = object;
        moved.push({ registryId, digest, store, location: from, toStore: content.fileStore, toLocation: location });
      }
      objects += 1;
      told({ objects, of: manifest.objects.count });
    }
    if (moved.length > 0) await ends.database.transact(content.moveRestored, { moved });
  }
}

type Moved = Parameters<typeof content.moveRestored.run>[1];

/** What the operating system said; any other error is thrown on. */
function refusedBySystem(error: unknown): string {
  if (error instanceof Error && 'syscall' in error) return error.message;
  throw error;
}

function absent(error: unknown): undefined {
  if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
  throw error;
}
