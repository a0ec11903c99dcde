/**
 * Results of reads, kept until the next commit. One process writes this file, through one writer, so a result stays true
 * until that writer commits; it raises the generation before it answers, and the cache is emptied at the next read. An acknowledged change is
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
/** Nor those with much text, as annotations are: reads alone could fill the memory with them. In estimated bytes. */
const maxResultBytes = 16 * 1024;
/** Characters of a key. */
const maxKeyLength = 1024;
/** About what an entry, a row or a value costs besides its text. */
const overheadBytes = 64;

/**
 * Makes a cache of at most `maxEntries` results in about `maxBytes`; a full one is emptied, which costs no more than a
 * commit does.
 */
export function readCache(maxEntries: number, maxBytes: number): ReadCache {
  let entries = new Map<object, Map<string, readonly unknown[]>>();
  let count = 0;
  let held = 0;
  const clear = (): void => {
    if (count === 0) return;
    entries = new Map();
    count = 0;
    held = 0;
  };
  return {
    find: (statement, key) => entries.get(statement)?.get(key),
    keep(statement, key, rows) {
      if (rows.length > maxRows) return;
      const size = sizeOf(rows);
      if (size > maxResultBytes) return;
      const cost = overheadBytes + textBytes(key) + size;
      if (count >= maxEntries || held + cost > maxBytes) clear();
      let results = entries.get(statement);
      if (!results) {
        results = new Map();
        entries.set(statement, results);
      }
      results.set(key, rows);
      count++;
      held += cost;
    },
    clear,
  };
}

/** What rows take in memory, by estimate. */
function sizeOf(rows: readonly unknown[]): number {
  let size = 0;
  for (const row of rows) {
    size += overheadBytes;
    for (const value of Object.values(row as object)) {
      // Those who read bytes keep them by digest anyway.
      if (value instanceof Uint8Array) return Number.POSITIVE_INFINITY;
      size += typeof value === 'string' ? textBytes(value) : 8;
    }
  }
  return size;
}

/** At most two bytes a character, whatever it is. */
function textBytes(text: string): number {
  return text.length * 2;
}

/** The key of bound values; undefined when there are bytes among them or much text. */
export function readKey(values: readonly unknown[]): string | undefined {
  let key = '';
  for (const value of values) {
    if (value instanceof Uint8Array) return undefined;
    // A length prefix keeps neighbours apart, whatever characters they hold; the type keeps '7' from 7.
    const text = String(value);
    if (text.length > maxKeyLength - key.length) return undefined;
    key += `${typeof value}${text.length}:${text}`;
  }
  return key;
}
