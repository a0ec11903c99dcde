import { createHash } from 'node:crypto';
import { open, readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type BlobReader, BlobStoreError } from '../ports/index.ts';
import { writeDurably } from './durable-file.ts';
import { StartRefusal } from './start-refusal.ts';

/** Whose backups a folder holds. A restored copy has the deployment id of the original, and an incarnation of its own. */
export interface BackupOwner {
  readonly deploymentId: string;
  readonly incarnation: string;
}

/**
 * A backup as it lies in a folder. Many backups of one deployment, one after the other, use the same folder:
 *
 *   deployment.json     whose backups these are; written first
 *   blobs/              objects, in the layout of the file store; shared by all generations, only ever added to
 *   generation-<id>/    berth.db, and the files of the data folder that are not objects
 *   backup.json         names the generation that is whole; written last, replaced in one step
 *   bad-<key>           an object that a verification found bad; see bad-objects.ts
 *   lock, lock.pid      while a backup writes here
 *
 * So an interrupted backup leaves the earlier one as it was, and without `backup.json` there is none.
 */
export interface BackupManifest extends BackupOwner {
  readonly format: number;
  /** Program version that made it. */
  readonly version: string;
  readonly engine: 'sqlite' | 'postgres';
  readonly startedMs: number;
  readonly endedMs: number;
  readonly generation: string;
  /** Files of the generation. */
  readonly files: readonly BackupFile[];
  /** True when the root key was left out. */
  readonly withoutKeys: boolean;
  readonly objects: { readonly count: number; readonly bytes: number };
  /** What was not whole when it was backed up and is therefore missing in the backup; the first of them. */
  readonly damaged: readonly BackupDamage[];
  readonly damagedCount: number;
}

export interface BackupFile {
  readonly name: string;
  readonly bytes: number;
  readonly sha256: string;
}

export interface BackupDamage {
  readonly digest: string;
  readonly problem: string;
  readonly detail: string;
  readonly tags: readonly string[];
}

/** Layout that this version reads and writes. */
export const backupFormat = 1;
export const databaseFile = 'berth.db';
/** Files of a data folder that go into a backup, besides database and objects. `berth.json` is written last by a restore. */
export const folderFiles = ['root.key', 'ca.pem', 'ca.json', 'berth.yaml', 'berth.json'] as const;
const ownNames =
  /^(?:deployment\.json|backup\.json|blobs|generation-[0-9a-f]+|lock|lock\.pid|lock-journal|lost\+found|bad-[A-Za-z0-9_-]+|(?:deployment|backup)\.json\.tmp-[0-9a-f]+)$/;

export const generationName = (id: string): string => `generation-${id}`;
export const manifestFile = (folder: string): string => join(folder, 'backup.json');
export const deploymentFile = (folder: string): string => join(folder, 'deployment.json');

/** Reads what a whole backup says of itself. Throws a StartRefusal when there is none, or it is not understood. */
export async function readManifest(folder: string): Promise<BackupManifest> {
  const path = manifestFile(folder);
  const text = await readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'ENOENT' && error.code !== 'ENOTDIR') throw error;
    throw new StartRefusal(`${folder} holds no whole backup: there is no backup.json`, { cause: error });
  });
  const damaged = new StartRefusal(`${path} is damaged`);
  let value: Partial<BackupManifest> | null;
  try {
    value = JSON.parse(text) as Partial<BackupManifest> | null;
  } catch {
    throw damaged;
  }
  if (typeof value?.format !== 'number') throw damaged;
  if (value.format !== backupFormat) {
    throw new StartRefusal(
      `${path} has format ${value.format}, and this version of Berth reads format ${backupFormat}`,
    );
  }
  const names = Array.isArray(value.files) ? value.files.map((file) => file.name) : [];
  // The names become paths: only those that a backup writes are taken.
  const isKnown = (name: string) => name === databaseFile || (folderFiles as readonly string[]).includes(name);
  if (
    !/^generation-[0-9a-f]+$/.test(value.generation ?? '') ||
    !names.every(isKnown) ||
    !names.includes(databaseFile)
  ) {
    throw damaged;
  }
  return value as BackupManifest;
}

/**
 * Throws a StartRefusal unless backups of `owner` may be written into a folder: it is empty, or holds earlier ones.
 * Answers whether it holds some. Writes nothing.
 */
export async function checkBackupFolder(folder: string, owner: BackupOwner): Promise<boolean> {
  const names = await readdir(folder);
  const foreign = names.find((name) => !ownNames.test(name));
  if (foreign !== undefined) {
    throw new StartRefusal(`${folder} holds "${foreign}", which is no part of a backup; name an empty folder`);
  }
  const text = await readFile(deploymentFile(folder), 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined;
    throw error;
  });
  if (text === undefined && !names.includes('blobs') && !names.includes('backup.json')) return false;
  const { deploymentId, incarnation } = text === undefined ? {} : ownerIn(text);
  if (deploymentId === undefined || incarnation === undefined) {
    throw new StartRefusal(`${folder} does not say whose backup it holds; name an empty folder`);
  }
  if (deploymentId !== owner.deploymentId) {
    throw new StartRefusal(`${folder} holds backups of another deployment; name an empty folder`);
  }
  if (incarnation !== owner.incarnation) {
    throw new StartRefusal(
      `${folder} holds backups of another copy of this deployment; a restored copy and its original do not share one; name an empty folder`,
    );
  }
  return true;
}

/** Writes down whose backups a folder holds. */
export async function claimBackupFolder(folder: string, owner: BackupOwner): Promise<void> {
  await writeDurably(deploymentFile(folder), `${JSON.stringify({ format: backupFormat, ...owner }, null, 2)}\n`);
}

function ownerIn(text: string): { readonly [K in keyof BackupOwner]?: unknown } {
  try {
    return (JSON.parse(text) as { [K in keyof BackupOwner]?: unknown } | null) ?? {};
  } catch {
    return {};
  }
}

/** Reads a file to its end: its size and hash. */
export async function fingerprint(path: string): Promise<Omit<BackupFile, 'name'>> {
  const hash = createHash('sha256');
  await using handle = await open(path, 'r');
  const buffer = Buffer.allocUnsafe(1024 * 1024);
  let bytes = 0;
  for (;;) {
    const { bytesRead } = await handle.read(buffer, 0, buffer.length, bytes);
    if (bytesRead === 0) break;
    hash.update(buffer.subarray(0, bytesRead));
    bytes += bytesRead;
  }
  return { bytes, sha256: hash.digest('hex') };
}

/** Path of an object of a backup. */
export function objectPath(folder: string, location: string): string {
  return join(folder, 'blobs', 'objects', location);
}

/** Opens an object of a backup where nothing may be written. Throws `BlobStoreError`. */
export async function openObject(folder: string, location: string): Promise<BlobReader> {
  const handle = await open(objectPath(folder, location), 'r').catch((error: NodeJS.ErrnoException) => {
    throw new BlobStoreError(error.code === 'ENOENT' ? 'absent' : 'io', `opening ${location}: ${error.code}`, {
      cause: error,
    });
  });
  try {
    const { size } = await handle.stat();
    return {
      size,
      async read(buffer, position) {
        try {
          return (await handle.read(buffer, 0, buffer.length, position)).bytesRead;
        } catch (cause) {
          throw new BlobStoreError('io', `reading ${location}: ${(cause as NodeJS.ErrnoException).code}`, { cause });
        }
      },
      close: () => handle.close(),
    };
  } catch (error) {
    await handle.close();
    throw error;
  }
}
