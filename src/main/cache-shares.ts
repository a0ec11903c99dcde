/** What each cache of a thread that serves may take in memory, in bytes. */
export interface CacheShares {
  /** Pages and results of the embedded database. */
  readonly database: number;
  /** Manifests and small blobs. */
  readonly bodies: number;
  /** Whole answers to pulls of manifests. */
  readonly answers: number;
  /** Refused requests that are remembered, twice: a number, not bytes. */
  readonly refusals: number;
}

/** About what one remembered refusal takes, as a share of all: 4,000 of them at the default. */
const bytesPerRefusal = 28 << 10;

/** Divides the memory for caches (`cache.memory`) among them. */
export function cacheShares(bytes: number): CacheShares {
  const part = Math.floor(bytes / 7);
  return {
    database: 4 * part,
    bodies: 2 * part,
    answers: part,
    refusals: Math.max(100, Math.floor(bytes / bytesPerRefusal)),
  };
}
