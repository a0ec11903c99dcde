/**
 * A bounded stock of equal buffers. A buffer is either free or lent; the pool makes one only when none is free, keeps it for
 * good, and never makes more than its bound.
 */
export interface BufferPool {
  readonly bufferBytes: number;
  /** Buffers lent at this moment. */
  readonly lent: number;
  /** A buffer with arbitrary content, or undefined when all are lent. */
  acquire(): Buffer | undefined;
  /** Takes a buffer back. Nobody may read or write it any more. Throws for a buffer that is not lent. */
  release(buffer: Buffer): void;
  /** Gives a lent buffer up that others may still read: its place is free again, the memory goes when they let go. */
  forget(buffer: Buffer): void;
}

/** Makes a pool of at most `bytes` (64 MiB) in buffers of `bufferBytes` (512 KiB: larger gains nothing, see the benchmarks). */
export function bufferPool(options: { readonly bytes?: number; readonly bufferBytes?: number } = {}): BufferPool {
  const { bytes = 64 << 20, bufferBytes = 512 << 10 } = options;
  const most = Math.floor(bytes / bufferBytes);
  const free: Buffer[] = [];
  const lent = new Set<Buffer>();

  const takeBack = (buffer: Buffer) => {
    if (!lent.delete(buffer)) throw new Error('the buffer is not lent by this pool');
  };
  return {
    bufferBytes,
    get lent() {
      return lent.size;
    },
    acquire() {
      if (lent.size >= most) return undefined;
      const buffer = free.pop() ?? Buffer.allocUnsafeSlow(bufferBytes);
      lent.add(buffer);
      return buffer;
    },
    release(buffer) {
      takeBack(buffer);
      free.push(buffer);
    },
    forget: takeBack,
  };
}
