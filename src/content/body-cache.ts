import type { ContentSeal } from '../data/index.ts';
import type { Database } from '../ports/index.ts';
import { readBody } from './store/manifest-store.ts';

/** Bytes of manifests and small blobs by digest. They never change, so what was read once may be kept. */
export interface Bodies {
  /** Undefined when the row is not there. Whether it may be served is asked before, every time. */
  read(registryId: number, kind: 'manifest' | 'blob', digest: string): Promise<Uint8Array | undefined>;
}

/** Reads bodies through a cache bounded in bytes. */
export function bodyCache(options: { database: Database; seal: ContentSeal; maxBytes?: number }): Bodies {
  const maxBytes = options.maxBytes ?? 32 * 1024 * 1024;
  const cached = new Map<string, Uint8Array>();
  let held = 0;
  return {
    async read(registryId, kind, digest) {
      const key = `${registryId}/${kind}/${digest}`;
      const known = cached.get(key);
      if (known) return known;
      const row = await options.database.first(readBody, { registryId, kind, digest });
      if (!row) return undefined;
      const bytes = options.seal.openBody(registryId, row.codec, row.key_id, row.bytes);
      // Another read may have brought it in meanwhile; what is counted twice would be held for ever.
      if (bytes.length <= maxBytes / 8 && !cached.has(key)) {
        held += bytes.length;
        cached.set(key, bytes);
        for (const [oldest, dropped] of cached) {
          if (held <= maxBytes) break;
          cached.delete(oldest);
          held -= dropped.length;
        }
      }
      return bytes;
    },
  };
}
