/** The statement that bounds the pages which a connection keeps, in bytes; SQLite counts in KiB when the number is negative. */
export function cacheSize(bytes: number): string {
  return `pragma cache_size = -${Math.max(1, Math.floor(bytes / 1024))}`;
}
