import type { Clock } from '../kernel/index.ts';
import type { Database, Statement } from '../ports/index.ts';
import type { RegistryRef } from './environment.ts';
import { blobBytes, type CountedPart, manifestBytes } from './store/usage-store.ts';

/** How much registries hold. */
export interface Usage {
  /**
   * Bytes of the blobs and manifests of a registry, each counted once. Counted at most once a minute in this thread, so it
   * lags behind by as much, as it does at Azure (ACR-FACTS §1.3). Deleted content counts until it is collected.
   */
  bytes(registry: RegistryRef): Promise<number>;
}

const goodForMs = 60_000;
/** Rows of one statement: it keeps the thread for a few milliseconds. */
const usualRows = 5_000;

interface Count {
  readonly at: number;
  readonly bytes: Promise<number>;
}

/** Makes the service. `maxKept` bounds how many registries are remembered, `rowsAtOnce` the work of one statement. */
export function usage(options: { database: Database; clock: Clock; maxKept?: number; rowsAtOnce?: number }): Usage {
  const { database, clock, rowsAtOnce = usualRows } = options;
  const maxKept = options.maxKept ?? 1_000;
  const counts = new Map<number, Count>();

  const sum = async (
    part: Statement<{ registryId: number; last: string; limit: number }, CountedPart>,
    registryId: number,
  ): Promise<number> => {
    let bytes = 0;
    for (let last: string | null = ''; last !== null; ) {
      const counted: CountedPart | undefined = await database.first(part, { registryId, last, limit: rowsAtOnce });
      bytes += counted?.bytes ?? 0;
      last = counted && counted.rows === rowsAtOnce ? counted.last : null;
    }
    return bytes;
  };

  return {
    bytes({ id }) {
      const known = counts.get(id);
      if (known && clock.now() - known.at < goodForMs) return known.bytes;
      const bytes = Promise.all([sum(blobBytes, id), sum(manifestBytes, id)]).then(
        ([blobs, manifests]) => blobs + manifests,
      );
      const count = { at: clock.now(), bytes };
      // A count that failed is not remembered; who asked hears of it.
      bytes.catch(() => {
        if (counts.get(id) === count) counts.delete(id);
      });
      counts.delete(id);
      if (counts.size >= maxKept) counts.delete(counts.keys().next().value as number);
      counts.set(id, count);
      return bytes;
    },
  };
}
