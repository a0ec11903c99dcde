import type { ContentSeal } from '../data/index.ts';
import { algorithmOf, type Digest, digestOf } from '../kernel/index.ts';
import type { Database } from '../ports/index.ts';
import { locationState } from './store/blob-rows-store.ts';
import { readBody } from './store/manifest-store.ts';
import { loseBody } from './transactions/damage-transactions.ts';

/** Bytes of manifests and small blobs by digest. They never change, so what was read once may be kept. */
export interface Bodies {
  /**
   * Undefined when the row is not there, or does not hold the bytes of this digest: then what it stands for has become
   * missing, and the next push brings it back. Whether it may be served is asked before, every time.
   */
  read(registryId: number, kind: 'manifest' | 'blob', digest: string): Promise<Uint8Array | undefined>;
}

export interface BodyCacheOptions {
  readonly database: Database;
  readonly seal: ContentSeal;
  /** What all bodies may take in memory. */
  readonly maxBytes: number;
  /** Told when bytes turn out to be lost. */
  readonly lost: (digest: string, error: unknown) => void;
}

/** Reads bodies through a cache bounded in bytes. What comes from a row is held against its digest before it is kept. */
export function bodyCache(options: BodyCacheOptions): Bodies {
  const { database, seal, maxBytes } = options;
  const cached = new Map<string, Uint8Array>();
  let held = 0;

  const keep = (key: string, bytes: Uint8Array): void => {
    // Another read may have brought it in meanwhile; what is counted twice would be held for ever.
    if (bytes.length > maxBytes / 8 || cached.has(key)) return;
    held += bytes.length;
    cached.set(key, bytes);
    for (const [oldest, dropped] of cached) {
      if (held <= maxBytes) break;
      cached.delete(oldest);
      held -= dropped.length;
    }
  };

  const isInRow = async (registryId: number, digest: string): Promise<boolean> => {
    const place = { registryId, digest, store: 'row', location: '' };
    return (await database.first(locationState, place))?.state === 'present';
  };

  return {
    async read(registryId, kind, digest) {
      const key = `${registryId}/${kind}/${digest}`;
      const known = cached.get(key);
      if (known) return known;
      const row = await database.first(readBody, { registryId, kind, digest });
      const bytes = row && seal.openBody(registryId, row.codec, row.key_id, row.bytes);
      if (bytes && digestOf(bytes, algorithmOf(digest as Digest)) === digest) {
        keep(key, bytes);
        return bytes;
      }
      // A large blob has no row and misses none.
      const isElsewhere = !row && kind === 'blob' && !(await isInRow(registryId, digest));
      if (isElsewhere) return undefined;
      const seen = row?.bytes ?? null;
      if (await database.transact(loseBody, { registryId, kind, digest, seen, finding: null })) {
        options.lost(digest, new Error(row ? 'the row holds other bytes' : 'there is no row with its bytes'));
      }
      return undefined;
    },
  };
}
