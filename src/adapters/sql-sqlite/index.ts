export { openSnapshot, type Snapshot } from './open-snapshot.ts';
export {
  joinSqlite,
  openSqlite,
  type SqliteDatabase,
  type SqliteOptions,
  type SqliteShare,
} from './open-sqlite.ts';
