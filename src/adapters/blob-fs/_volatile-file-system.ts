import { constants } from 'node:fs';
import { dirname } from 'node:path';
import { type DiskNode, newNode, type VolatileDisk } from './_volatile-disk.ts';
import type { FileSystem } from './file-system.ts';

/** Stands before each call: resolves while there is power, rejects from the cut on. */
export type Power = (call: string) => Promise<void>;

/** The calls of the store on a volatile disk. A call that finds the power gone has no effect. */
export function volatileFileSystem(disk: VolatileDisk, power: Power): FileSystem {
  const open = new Map<number, DiskNode>();
  let last = 2;

  const nodeOf = (descriptor: number): DiskNode => {
    const node = open.get(descriptor);
    if (!node) throw systemError('EBADF', 'fstat');
    return node;
  };
  const existing = (path: string, call: string): DiskNode => {
    const node = disk.find(path);
    if (!node) throw systemError('ENOENT', call);
    return node;
  };

  return {
    async open(path, flags) {
      await power(`open ${path}`);
      let node = disk.find(path);
      if (!node) {
        if ((flags & constants.O_CREAT) === 0) throw systemError('ENOENT', 'open');
        existing(dirname(path), 'open');
        node = newNode(false);
        disk.link(path, node);
      }
      open.set(++last, node);
      return last;
    },
    async close(descriptor) {
      nodeOf(descriptor);
      open.delete(descriptor);
    },
    async size(descriptor) {
      await power('fstat');
      return nodeOf(descriptor).bytes.length;
    },
    read(descriptor, buffer, offset, length, position, transferred) {
      power('read').then(
        () => {
          const bytes = nodeOf(descriptor).bytes.subarray(position, position + length);
          buffer.set(bytes, offset);
          transferred(null, bytes.length);
        },
        (error: Error) => transferred(error, 0),
      );
    },
    writev(descriptor, chunks, position, transferred) {
      power('pwritev').then(
        () => {
          disk.write(nodeOf(descriptor), position, chunks);
          transferred(
            null,
            chunks.reduce((sum, chunk) => sum + chunk.byteLength, 0),
          );
        },
        (error: Error) => transferred(error, 0),
      );
    },
    async truncate(descriptor, size) {
      await power('ftruncate');
      disk.truncate(nodeOf(descriptor), size);
    },
    async syncData(descriptor) {
      await power('fdatasync');
      disk.beginSync(nodeOf(descriptor))();
    },
    async syncDirectory(path) {
      await power(`fsync ${path}`);
      existing(path, 'open');
      disk.beginSync({ directory: path })();
    },
    async mkdir(path, { recursive = false }) {
      await power(`mkdir ${path}`);
      const made: string[] = [];
      for (let at = path; !disk.find(at); at = dirname(at)) made.unshift(at);
      if (!recursive && made.length === 0) throw systemError('EEXIST', 'mkdir');
      if (!recursive && made.length > 1) throw systemError('ENOENT', 'mkdir');
      for (const each of made) disk.link(each, newNode(true));
      return recursive ? made[0] : undefined;
    },
    async readdir(path) {
      await power(`readdir ${path}`);
      existing(path, 'scandir');
      return disk.namesIn(path);
    },
    async stat(path) {
      await power(`stat ${path}`);
      return { size: existing(path, 'stat').bytes.length };
    },
    async rename(from, to) {
      await power(`rename ${from} ${to}`);
      existing(from, 'rename');
      existing(dirname(to), 'rename');
      disk.rename(from, to);
    },
    async unlink(path) {
      await power(`unlink ${path}`);
      existing(path, 'unlink');
      disk.unlink(path);
    },
  };
}

function systemError(code: string, syscall: string): Error {
  return Object.assign(new Error(`${code}: ${syscall}`), { code, syscall });
}
