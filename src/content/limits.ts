/** Bounds of the registry's content, from configuration. Sizes in bytes, times in milliseconds. */
export interface ContentLimits {
  readonly manifestBytes: number;
  readonly layerBytes: number;
  readonly indexDepth: number;
  readonly indexWidth: number;
  readonly openUploadsPerIdentity: number;
  readonly uploadIdleMs: number;
  readonly blobLeaseMs: number;
}

/** Blobs up to this size, and the tails of upload sessions, live in database rows (DESIGN.md §3). */
export const maxRowBlobBytes: number = 64 * 1024;

/** Layers one image manifest may name. */
export const maxLayers = 4096;

/**
 * How long the id of a session that has brought no byte is good, at most: as long must be remembered which ids have ended,
 * one short row for each blob pushed.
 */
export const freshSessionMs: number = 30 * 60_000;
