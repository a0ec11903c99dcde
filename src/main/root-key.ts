import { hkdfSync, randomBytes } from 'node:crypto';
import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { writeDurably } from './durable-file.ts';
import { StartRefusal } from './start-refusal.ts';

const keyBytes = 32;

/** Path of the root key in a data folder. */
export function rootKeyFile(folder: string): string {
  return join(folder, 'root.key');
}

/** Makes a root key, for its owner only. */
export async function createRootKey(folder: string): Promise<void> {
  await writeDurably(rootKeyFile(folder), `${randomBytes(keyBytes).toString('base64')}\n`);
}

/** Reads the root key, or undefined when there is none. Throws a StartRefusal when others may read it, or it is damaged. */
export async function readRootKey(folder: string): Promise<Uint8Array | undefined> {
  const path = rootKeyFile(folder);
  const found = await stat(path).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined;
    throw error;
  });
  if (found === undefined) return undefined;
  const mode = found.mode & 0o777;
  if (process.platform !== 'win32' && (mode & 0o077) !== 0) {
    throw new StartRefusal(
      `others than its owner may use ${path} (mode ${mode.toString(8)}); run: chmod 600 ${path}, and think about who read it`,
    );
  }
  const key = Buffer.from((await readFile(path, 'utf8')).trim(), 'base64');
  if (key.byteLength !== keyBytes) {
    throw new StartRefusal(`${path} is damaged: ${keyBytes} bytes in base64 expected; bring it back from a backup`);
  }
  return Uint8Array.from(key);
}

/** A key for one purpose, made from the root key (HKDF, RFC 5869): who learns it learns nothing of the others. */
export function derivedKey(rootKey: Uint8Array, purpose: string): Uint8Array {
  return new Uint8Array(hkdfSync('sha256', rootKey, new Uint8Array(0), `berth/${purpose}`, keyBytes));
}
