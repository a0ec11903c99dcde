import { createHash } from 'node:crypto';
import { open } from 'node:fs/promises';

/** Copies a file into a new one for its owner only, durably, and answers the size and hash of what went over. */
export async function copyDurably(from: string, to: string): Promise<{ bytes: number; sha256: string }> {
  const hash = createHash('sha256');
  await using source = await open(from, 'r');
  await using target = await open(to, 'wx', 0o600);
  const buffer = Buffer.allocUnsafe(1024 * 1024);
  let bytes = 0;
  for (;;) {
    const { bytesRead } = await source.read(buffer, 0, buffer.length, bytes);
    if (bytesRead === 0) break;
    const piece = buffer.subarray(0, bytesRead);
    hash.update(piece);
    for (let written = 0; written < bytesRead; ) {
      written += (await target.write(piece, written, bytesRead - written, bytes + written)).bytesWritten;
    }
    bytes += bytesRead;
  }
  await target.sync();
  return { bytes, sha256: hash.digest('hex') };
}
