/**
 * Results of reads, kept until the next commit. One process writes this file, through one writer, so a result stays true
 * until that writer has answered; the cache is emptied before the answer reaches the caller. An acknowledged change is
 * therefore seen by every later read: the bound on staleness is zero.
 */
export interface ReadCache {
  /** The kept rows for a statement and its bound values, or undefined. */
  find(statement: object, key: string): readonly unknown[] | undefined;
  keep(statement: object, key: string, rows: readonly unknown[]): void;
  /** Forgets everything: something may have changed. */
  clear(): void;
}

/** Results with more rows are not kept: they are pages of lists, and lists are cheap by key. */
const maxRows = 4;

/** Makes a cache of at most `maxEntries` results; a full one is emptied, which costs no more than a commit does. */
export function readCache(maxEntries: number): ReadCache {
  let entries = new Map<object, Map<string, readonly unknown[]>>();
  let count = 0;
  const clear = (): void => {
    if (count === 0) return;
    entries = new Map();
    count = 0;
  };
  return {
    find: (statement, key) => entries.get(statement)?.get(key),
    keep(statement, key, rows) {
      if (rows.length > maxRows || rows.some(holdsBytes)) return;
      if (count >= maxEntries) clear();
      let results = entries.get(statement);
      if (!results) {
        results = new Map();
        entries.set(statement, results);
      }
      results.set(key, rows);
      count++;
    },
    clear,
  };
}

/** Bytes may be large, and those who read them keep them by digest anyway. */
function holdsBytes(row: unknown): boolean {
  return Object.values(row as object).some((value) => value instanceof Uint8Array);
}

/** The key of bound values; undefined when there are bytes among them. */
export function readKey(values: readonly unknown[]): string | undefined {
  let key = '';
  for (const value of values) {
    if (value instanceof Uint8Array) return undefined;
    // A length prefix keeps neighbours apart, whatever characters they hold; the type keeps '7' from 7.
    const text = String(value);
    key += `${typeof value}${text.length}:${text}`;
  }
  return key;
}
