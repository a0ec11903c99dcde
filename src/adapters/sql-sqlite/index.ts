export { openSnapshot, type Snapshot } from './open-snapshot.ts';
export { openSqlite, type SqliteOptions } from './open-sqlite.ts';
