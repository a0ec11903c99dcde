import type { Client } from 'pg';
import type { Migration } from '../../ports/index.ts';
import { pendingMigrations, type RecordedMigration } from '../sql/index.ts';

/** Key of the advisory lock under which one process at a time changes the schema: "berth" in ASCII. */
const lockKey = '422608794728';
/** How long another process may take to bring a large database to its version, before this one gives up waiting. */
const lockTimeout = '10min';

/**
 * Brings the schema to the newest version, one transaction a step, under a lock that other processes respect. Throws
 * `DatabaseError('incompatible')` before any step when the recorded history is not a beginning of `known`. The lock ends
 * with the connection, which the caller closes.
 */
export async function migrate(client: Client, known: readonly Migration[]): Promise<void> {
  await client.query(`set lock_timeout = '${lockTimeout}'`);
  await client.query(`select pg_advisory_lock(${lockKey})`);
  await client.query(
    'create table if not exists schema_migration (version bigint primary key, name text collate "C" not null)',
  );
  const { rows } = await client.query<RecordedMigration>('select version, name from schema_migration order by version');
  for (const step of pendingMigrations(known, rows)) {
    await client.query('begin');
    try {
      for (const sql of step.statements('postgres')) await client.query(sql);
      await client.query('insert into schema_migration (version, name) values ($1, $2)', [step.version, step.name]);
      await client.query('commit');
    } catch (error) {
      await client.query('rollback');
      throw error;
    }
  }
}
