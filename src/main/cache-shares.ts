/** What each cache of a thread that serves may take in memory, in bytes. */
export interface CacheShares {
  /** Pages and results of the embedded database. */
  readonly database: number;
  /** Manifests and small blobs. */
  readonly bodies: number;
  /** Whole answers to pulls of manifests. */
  readonly answers: number;
}

/** Divides the memory for caches (`cache.memory`) among them. */
export function cacheShares(bytes: number): CacheShares {
  const part = Math.floor(bytes / 7);
  return { database: 4 * part, bodies: 2 * part, answers: part };
}
