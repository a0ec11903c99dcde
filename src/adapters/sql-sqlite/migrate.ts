import type { DatabaseSync } from 'node:sqlite';
import { pendingMigrations, type RecordedMigration } from '../sql/index.ts';
import type { WriterStart } from './messages.ts';

/**
 * Brings the schema to the newest version, one transaction a step. Throws `DatabaseError('incompatible')` before any step
 * when the recorded history is not a beginning of `known`. A step that another process took meanwhile is not repeated.
 */
export function migrate(db: DatabaseSync, known: WriterStart['migrations']): void {
  db.exec('create table if not exists schema_migration (version integer primary key, name text not null) strict');
  while (step(db, known)) continue;
}

/** Takes the next step, if there is one, and says so. */
function step(db: DatabaseSync, known: WriterStart['migrations']): boolean {
  db.exec('begin immediate');
  try {
    const recorded = db.prepare('select version, name from schema_migration order by version').all();
    const [next] = pendingMigrations(known, recorded as unknown as RecordedMigration[]);
    if (next !== undefined) {
      for (const sql of next.statements) db.exec(sql);
      db.prepare('insert into schema_migration (version, name) values (?, ?)').run(next.version, next.name);
    }
    db.exec('commit');
    return next !== undefined;
  } catch (error) {
    if (db.isTransaction) db.exec('rollback');
    throw error;
  }
}
