import type { ContentEnvironment } from './environment.ts';
import { stagingUploads } from './store/upload-store.ts';

/** Staged objects that no session names: what a process left that died between two steps. */
export interface StagedLeftovers {
  /** Looks at the next `limit` staged objects and aborts those that nobody has named for long enough. */
  sweep(limit: number): Promise<void>;
}

const rowsAtOnce = 1000;

/**
 * Remembers where it stopped and what it saw. Nobody can tell a leftover from an upload that another process takes in
 * without a session, so a key must be seen twice without a row, as far apart as a session may be idle. `isInUse` names
 * the keys that this process stages without a row.
 */
export function stagedLeftovers(environment: ContentEnvironment, isInUse: (key: string) => boolean): StagedLeftovers {
  const { blobs, clock, database, limits } = environment;
  let last: string | null = null;
  /** When a key was first seen without a row: by the pass before, and by the one under way. */
  let before = new Map<string, number>();
  let found = new Map<string, number>();

  const namedKeys = async (): Promise<Set<string>> => {
    const keys = new Set<string>();
    for (let after = ''; ; ) {
      const rows = await database.all(stagingUploads, { after, limit: rowsAtOnce });
      for (const row of rows) if (row.staged_key !== null) keys.add(row.staged_key);
      if (rows.length < rowsAtOnce) return keys;
      after = rows.at(-1)?.id ?? '';
    }
  };

  return {
    async sweep(limit) {
      const page = await blobs.listStaged({ last, limit });
      // Read after the list: a session writes its key down before it stages.
      const named = page.length === 0 ? new Set<string>() : await namedKeys();
      for (const key of page) {
        if (named.has(key) || isInUse(key)) continue;
        const since = before.get(key);
        if (since !== undefined && clock.now() - since >= limits.uploadIdleMs) await blobs.abort(key);
        else found.set(key, since ?? clock.now());
      }
      last = page.length < limit ? null : (page.at(-1) ?? null);
      if (last === null) [before, found] = [found, new Map()];
    },
  };
}
