import { mkdir, readdir, realpath, rm } from 'node:fs/promises';
import { isAbsolute, join, sep } from 'node:path';
import { fsBlobStore } from '../adapters/blob-fs/index.ts';
import { openSnapshot } from '../adapters/sql-sqlite/index.ts';
import * as content from '../content/index.ts';
import { Fault } from '../kernel/index.ts';
import {
  type BackupDamage,
  type BackupFile,
  type BackupManifest,
  type BackupOwner,
  backupFormat,
  checkBackupFolder,
  claimBackupFolder,
  databaseFile,
  fingerprint,
  folderFiles,
  generationName,
  manifestFile,
} from './backup-folder.ts';
import { markedBad, unmark } from './bad-objects.ts';
import { copyDurably } from './copy-file.ts';
import { diskRefusal } from './disk-refusal.ts';
import { syncFolder, writeDurably } from './durable-file.ts';
import { lockFolder } from './folder-lock.ts';
import { StartRefusal } from './start-refusal.ts';

/** A backup as the command line shows it. */
export interface BackupReport {
  readonly id: string;
  readonly target: string;
  readonly state: 'running' | 'done' | 'failed';
  readonly phase: 'snapshot' | 'rows' | 'objects' | 'files' | 'clearing';
  /** Objects that the backup holds, and of those the ones that this run copied. */
  readonly objects: number;
  readonly copied: number;
  readonly copiedBytes: number;
  /** The first of what was not whole, and how many there are. */
  readonly damaged: readonly BackupDamage[];
  readonly damagedCount: number;
  /** Why it failed. */
  readonly error: string | null;
}

export interface BackupRequest {
  /** Absolute path on the server's machine. */
  readonly target: string;
  readonly withoutKeys: boolean;
  /** Bytes a second; 0 is as fast as it goes. */
  readonly bytesPerSecond: number;
}

/** Backups of the running server, one at a time. */
export interface Backups {
  /** Begins one. Throws `conflict` while another is under way, `request-invalid` for a path that cannot be. */
  begin(request: BackupRequest): BackupReport;
  /** Throws `not-found`. Only the latest one is remembered. */
  report(id: string): BackupReport;
  /** Ends what is under way; the earlier backup stays whole. */
  stop(): Promise<void>;
}

export interface BackupOptions {
  readonly environment: content.ContentEnvironment;
  /** The data folder. */
  readonly folder: string;
  readonly pid: number;
  readonly version: string;
  readonly ended: (report: BackupReport) => void;
  readonly failed: (error: unknown) => void;
}

const holdMs = 120_000;
const extendEveryMs = 20_000;
const copiesAtOnce = 4;
const namedDamage = 1_000;
const namedTags = 50;

type Progress = { -readonly [K in keyof BackupReport]: BackupReport[K] } & { damaged: BackupDamage[] };

/** Makes the backups of one server. */
export function backups(options: BackupOptions): Backups {
  const { environment } = options;
  const ending = new AbortController();
  let latest: Progress | undefined;
  let running: Promise<void> = Promise.resolve();

  return {
    begin(request) {
      if (latest?.state === 'running') {
        throw new Fault('conflict', `a backup into ${latest.target} is under way; wait for its end`);
      }
      if (!isAbsolute(request.target)) throw new Fault('request-invalid', '"target" is an absolute path');
      const progress: Progress = {
        id: environment.ids.id(),
        target: request.target,
        state: 'running',
        phase: 'snapshot',
        objects: 0,
        copied: 0,
        copiedBytes: 0,
        damaged: [],
        damagedCount: 0,
        error: null,
      };
      latest = progress;
      running = makeBackup(options, request, progress, ending.signal).then(
        () => {
          progress.state = 'done';
          options.ended({ ...progress });
        },
        (error: unknown) => {
          progress.state = 'failed';
          const refusal = diskRefusal(error, request.target);
          progress.error = refusal instanceof StartRefusal ? refusal.message : 'internal error; see the log';
          options.failed(error);
        },
      );
      return { ...progress };
    },
    report(id) {
      if (latest?.id !== id) throw new Fault('not-found', `there is no backup ${id}`);
      return { ...latest };
    },
    async stop() {
      ending.abort(new StartRefusal('the server was stopped'));
      await running;
    },
  };
}

async function makeBackup(
  options: BackupOptions,
  request: BackupRequest,
  progress: Progress,
  ending: AbortSignal,
): Promise<void> {
  const { environment, pid } = options;
  const owner = await ownerOf(environment);
  const target = await openTarget(request.target, options.folder);
  await checkBackupFolder(target, owner);
  const lock = await lockFolder(target, pid);
  try {
    // Under the lock: another deployment may have come in between.
    if (!(await checkBackupFolder(target, owner))) await claimBackupFolder(target, owner);
    const generation = join(target, generationName(progress.id));
    const marked = await markedBad(target);
    await using hold = await holdObjects(environment, progress.id);
    const signal = AbortSignal.any([ending, hold.lost]);
    try {
      await fillGeneration({ ...options, request, progress, owner, target, generation, marked, signal });
    } catch (error) {
      // Once it is whole it stays, whatever keeps the earlier ones from being cleared away.
      if (progress.phase !== 'clearing') await rm(generation, { recursive: true, force: true });
      throw error;
    }
  } finally {
    await lock.release();
  }
}

/** As the database says, which several hosts may share. */
async function ownerOf({ database }: content.ContentEnvironment): Promise<BackupOwner> {
  const deployment = await content.snapshotDeployment(database);
  if (!deployment) throw new Error('a running server without a deployment');
  return { deploymentId: deployment.id, incarnation: deployment.incarnation };
}

interface Filling extends BackupOptions {
  readonly request: BackupRequest;
  readonly progress: Progress;
  readonly owner: BackupOwner;
  readonly target: string;
  readonly generation: string;
  /** Locations of what a verification found bad. */
  readonly marked: ReadonlySet<string>;
  readonly signal: AbortSignal;
}

async function fillGeneration(filling: Filling): Promise<void> {
  const { environment, progress, target, generation, signal } = filling;
  const startedMs = environment.clock.now();
  await mkdir(generation, { mode: 0o700 });
  await environment.database.snapshot(join(generation, databaseFile));
  signal.throwIfAborted();
  await using store = await openStore(target);
  {
    await using snapshot = openSnapshot(join(generation, databaseFile), { writable: true });
    progress.phase = 'rows';
    await copyRows(filling, snapshot);
    progress.phase = 'objects';
    const bytes = await copyObjects(filling, { snapshot, store: store.blobs });
    progress.phase = 'files';
    await writeEnd(filling, { startedMs, bytes });
    progress.phase = 'clearing';
    await clearOld(filling, { snapshot, store: store.blobs });
  }
}

/** Rows went over with the snapshot; what they hold is looked at here. */
async function copyRows(filling: Filling, snapshot: content.BackupSnapshot): Promise<void> {
  for await (const { body, verdict } of content.damagedBodies(filling.environment, snapshot)) {
    filling.signal.throwIfAborted();
    await nameDamage(filling, snapshot, { ...body, problem: verdict.kind, detail: verdict.detail });
    await content.loseBodyInSnapshot(snapshot, body);
  }
}

/** Copies what is not there yet; answers the bytes of all objects of the backup. */
async function copyObjects(
  filling: Filling,
  ends: { readonly snapshot: content.BackupSnapshot; readonly store: BlobTarget },
): Promise<number> {
  const { environment, progress, signal, request, target, marked } = filling;
  const limit = content.pace(() => request.bytesPerSecond);
  const slowly = { beforeRead: (count: number) => limit.take(count, signal) };
  let bytes = 0;
  /** Whether the backup has it. What it should not have under this name is removed. */
  const isThere = async (object: content.BackupObject, location: string): Promise<boolean> => {
    const there = await ends.store.stat(location);
    const isMarked = marked.has(location);
    // An object gets its name in the backup after its hash was right, and is never written to again.
    let isSound = there?.size === object.size;
    if (isSound && isMarked) {
      const verdict = await content.verifyObject(environment, object, () => ends.store.open(location), slowly);
      isSound = verdict.kind === 'whole';
    }
    if (there && !isSound) await ends.store.remove(location);
    if (isMarked) await unmark(target, location);
    return isSound;
  };
  const copy = async (object: content.BackupObject): Promise<void> => {
    const location = content.backupLocation(object);
    if (!(await isThere(object, location))) {
      const isHere = object.store === environment.blobs.name;
      const verdict: Awaited<ReturnType<typeof content.copyObject>> = isHere
        ? await content.copyObject(
            environment,
            object,
            { open: () => environment.blobs.open(object.location), target: ends.store },
            slowly,
          )
        : { kind: 'unreadable', detail: `it lies in the store "${object.store}", which this server does not have` };
      if (verdict.kind !== 'whole') {
        const { registry_id: registryId, digest } = object;
        await nameDamage(filling, ends.snapshot, { registryId, digest, problem: verdict.kind, detail: verdict.detail });
        await content.loseInSnapshot(ends.snapshot, object);
        return;
      }
      progress.copied += 1;
      progress.copiedBytes += object.size;
    }
    progress.objects += 1;
    bytes += object.size;
  };
  for await (const page of content.presentObjects(ends.snapshot)) {
    const waiting = [...page];
    const worker = async (): Promise<void> => {
      for (let object = waiting.shift(); object; object = waiting.shift()) {
        signal.throwIfAborted();
        await copy(object);
      }
    };
    const ended = await Promise.allSettled(Array.from({ length: copiesAtOnce }, worker));
    for (const one of ended) if (one.status === 'rejected') throw one.reason;
  }
  signal.throwIfAborted();
  return bytes;
}

async function nameDamage(
  { progress }: Filling,
  snapshot: content.BackupSnapshot,
  lost: { registryId: number; digest: string; problem: string; detail: string },
): Promise<void> {
  progress.damagedCount += 1;
  if (progress.damaged.length >= namedDamage) return;
  const { registryId, digest, problem, detail } = lost;
  const tags = await content.tagsTouched(snapshot, { registryId, digest, limit: namedTags });
  progress.damaged.push({ digest, problem, detail, tags });
}

/** The files beside, and last of all the one that says that everything is there. */
async function writeEnd(filling: Filling, counted: { startedMs: number; bytes: number }): Promise<void> {
  const { environment, progress, request, target, generation, signal } = filling;
  const files: BackupFile[] = [{ name: databaseFile, ...(await fingerprint(join(generation, databaseFile))) }];
  for (const name of folderFiles) {
    if (name === 'root.key' && request.withoutKeys) continue;
    const copied = await copyDurably(join(filling.folder, name), join(generation, name)).catch(
      (error: NodeJS.ErrnoException) => {
        if (error.code === 'ENOENT') return undefined;
        throw error;
      },
    );
    if (copied) files.push({ name, ...copied });
  }
  await syncFolder(generation);
  await syncFolder(target);
  // What the snapshot names was safe until here.
  signal.throwIfAborted();
  const manifest: BackupManifest = {
    format: backupFormat,
    version: filling.version,
    ...filling.owner,
    engine: environment.database.dialect,
    startedMs: counted.startedMs,
    endedMs: environment.clock.now(),
    generation: generationName(progress.id),
    files,
    withoutKeys: request.withoutKeys,
    objects: { count: progress.objects, bytes: counted.bytes },
    damaged: progress.damaged,
    damagedCount: progress.damagedCount,
  };
  await writeDurably(manifestFile(target), `${JSON.stringify(manifest, null, 2)}\n`);
}

/** Removes earlier generations, objects that this one does not name, and marks of objects that are not there. */
async function clearOld(
  { progress, target, marked, signal }: Filling,
  ends: { readonly snapshot: content.BackupSnapshot; readonly store: BlobTarget },
): Promise<void> {
  for (const name of await readdir(target)) {
    if (name.startsWith('generation-') && name !== generationName(progress.id)) {
      await rm(join(target, name), { recursive: true });
    }
  }
  for (let last: string | null = null; !signal.aborted; ) {
    const page: string[] = await ends.store.list({ last, limit: 500 });
    const unnamed = await content.unnamedInBackup(ends.snapshot, page);
    for (const location of unnamed) await ends.store.remove(location);
    if (page.length < 500) break;
    last = page.at(-1) ?? null;
  }
  for (const location of marked) {
    if (!(await ends.store.stat(location))) await unmark(target, location);
  }
}

type BlobTarget = Awaited<ReturnType<typeof fsBlobStore>>;

/** The objects of a backup. What an interrupted run has staged is dropped. */
async function openStore(target: string): Promise<{ blobs: BlobTarget } & AsyncDisposable> {
  const blobs = await fsBlobStore({ directory: join(target, 'blobs') });
  for (;;) {
    const page = await blobs.listStaged({ last: null, limit: 500 });
    for (const key of page) await blobs.abort(key);
    if (page.length === 0) break;
  }
  return { blobs, [Symbol.asyncDispose]: () => blobs.close() };
}

/** The folder to write into, made when absent; neither inside the data folder nor around it. */
async function openTarget(path: string, dataFolder: string): Promise<string> {
  await mkdir(path, { mode: 0o700 }).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'EEXIST') throw error;
  });
  const target = await realpath(path);
  const data = await realpath(dataFolder);
  if (`${target}${sep}`.startsWith(`${data}${sep}`) || `${data}${sep}`.startsWith(`${target}${sep}`)) {
    throw new StartRefusal(`${path} lies in the data folder, or around it; a backup belongs elsewhere`);
  }
  return target;
}

/** Keeps objects from being removed until it is disposed of; `lost` is aborted when that could not be kept up. */
async function holdObjects(
  { database }: content.ContentEnvironment,
  id: string,
): Promise<{ readonly lost: AbortSignal } & AsyncDisposable> {
  await database.transact(content.beginBackupHold, { id, leaseMs: holdMs });
  const lost = new AbortController();
  let heldUntil = performance.now() + holdMs;
  const extend = async (): Promise<void> => {
    const asked = performance.now();
    try {
      if (await database.transact(content.extendBackupHold, { id, leaseMs: holdMs })) heldUntil = asked + holdMs;
      else lost.abort(new StartRefusal('the hold on objects ran out; objects may have been removed meanwhile'));
    } catch (error) {
      // A database that does not answer for a moment costs nothing while the hold lasts.
      if (performance.now() > heldUntil) lost.abort(error);
    }
  };
  let extending: Promise<void> = Promise.resolve();
  const timer = setInterval(() => {
    extending = extending.then(extend);
  }, extendEveryMs);
  timer.unref();
  return {
    lost: lost.signal,
    async [Symbol.asyncDispose]() {
      clearInterval(timer);
      await extending;
      await database.transact(content.endBackupHold, { id });
    },
  };
}
