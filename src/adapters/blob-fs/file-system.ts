import * as fs from 'node:fs';
import { mkdir, readdir, rename, stat, unlink } from 'node:fs/promises';
import { promisify } from 'node:util';
import { syncDirectory } from './directory-sync.ts';

/** Called when a read or write of a descriptor is over, as Node does it. */
export type Transferred = (error: Error | null, count: number) => void;

/**
 * What the store asks of the operating system, and nothing else, so that tests can put a disk under it that loses power.
 * Reads and writes keep Node's callbacks: the real file system stands here as it is, without a call in between. Errors are
 * those of the operating system, with `code` and `syscall`.
 */
export interface FileSystem {
  /** Opens or, by its flags, makes a file, and answers a descriptor. */
  open(path: string, flags: number, mode: number): Promise<number>;
  close(descriptor: number): Promise<void>;
  size(descriptor: number): Promise<number>;
  read(
    descriptor: number,
    buffer: Uint8Array,
    offset: number,
    length: number,
    position: number,
    done: Transferred,
  ): void;
  writev(descriptor: number, chunks: readonly Uint8Array[], position: number, done: Transferred): void;
  truncate(descriptor: number, size: number): Promise<void>;
  /** Returns when bytes and size of a file are on the disk; its name may still not be. */
  syncData(descriptor: number): Promise<void>;
  /** Returns when the names in a directory are on the disk. */
  readonly syncDirectory: (path: string) => Promise<void>;
  /** Makes a directory; with `recursive` its parents too, and then answers the first one made, undefined when all were there. */
  mkdir(path: string, options: { readonly recursive?: boolean; readonly mode: number }): Promise<string | undefined>;
  readdir(path: string): Promise<string[]>;
  stat(path: string): Promise<{ readonly size: number }>;
  /** Gives a file another name at once: at no time has it none. */
  rename(from: string, to: string): Promise<void>;
  unlink(path: string): Promise<void>;
}

const statDescriptor = promisify(fs.fstat);

/** The file system of the operating system. */
export const nodeFileSystem: FileSystem = {
  open: promisify(fs.open),
  close: promisify(fs.close),
  size: async (descriptor) => (await statDescriptor(descriptor)).size,
  read: fs.read,
  writev: fs.writev,
  truncate: promisify(fs.ftruncate),
  syncData: promisify(fs.fdatasync),
  syncDirectory,
  mkdir,
  readdir: (path) => readdir(path),
  stat,
  rename,
  unlink,
};
