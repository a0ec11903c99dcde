import { open, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { Client, type ClientConfig } from 'pg';
import { DatabaseError, type Migration, type SqlValue } from '../../ports/index.ts';
import { databaseError } from './engine-error.ts';

const rowsAtOnce = 500;

/**
 * Writes everything in the database, as one transaction sees it, into a new SQLite file of the same schema: the engines
 * share their migrations and the forms of their values.
 */
export async function takeSnapshot(config: ClientConfig, known: readonly Migration[], to: string): Promise<void> {
  try {
    await (await open(to, 'wx', 0o600)).close();
  } catch (error) {
    throw new DatabaseError('unavailable', `the snapshot ${to} cannot be made: ${String(error)}`, { cause: error });
  }
  const client = new Client(config);
  client.on('error', () => {}); // Told to the query at work, too.
  try {
    await client.connect();
    {
      using file = new DatabaseSync(to, { enableForeignKeyConstraints: false });
      file.exec('pragma journal_mode = off; pragma synchronous = off');
      await copyAll(client, file, known);
    }
    await syncFile(to);
    if (process.platform !== 'win32') await syncFile(dirname(to));
  } catch (error) {
    await rm(to, { force: true });
    if (isFull(error)) throw new DatabaseError('full', 'no space is left for the snapshot', { cause: error });
    throw databaseError(error, 'the snapshot could not be written');
  } finally {
    await client.end();
  }
}

async function copyAll(client: Client, file: DatabaseSync, known: readonly Migration[]): Promise<void> {
  file.exec('create table schema_migration (version integer primary key, name text not null) strict');
  for (const migration of known) for (const sql of migration.statements('sqlite')) file.exec(sql);
  await client.query('begin isolation level repeatable read read only');
  const tables = file
    .prepare(
      "select name from sqlite_master where type = 'table' and name not like 'sqlite\\_%' escape '\\' order by name",
    )
    .all() as { name: string }[];
  for (const { name } of tables) await copyTable(client, file, name);
  await copySequences(client, file);
  await client.query('rollback');
}

async function copyTable(client: Client, file: DatabaseSync, table: string): Promise<void> {
  const columns = (file.prepare(`select name from pragma_table_info('${table}')`).all() as { name: string }[]).map(
    (column) => `"${column.name}"`,
  );
  const insert = file.prepare(
    `insert into "${table}" (${columns.join(', ')}) values (${columns.map(() => '?').join(', ')})`,
  );
  await client.query(`declare copied no scroll cursor for select ${columns.join(', ')} from "${table}"`);
  for (;;) {
    const { rows } = await client.query<SqlValue[]>({ text: `fetch ${rowsAtOnce} from copied`, rowMode: 'array' });
    if (rows.length === 0) break;
    file.exec('begin');
    for (const row of rows) insert.run(...row.map((value) => (typeof value === 'number' ? BigInt(value) : value)));
    file.exec('commit');
  }
  await client.query('close copied');
}

/** Numbers that were given out and deleted since are not given out again. */
async function copySequences(client: Client, file: DatabaseSync): Promise<void> {
  const counted = file.prepare("select name from sqlite_master where sql like '%autoincrement%'").all();
  for (const { name } of counted as { name: string }[]) {
    const { rows } = await client.query<{ last: number | null }>(
      'select pg_sequence_last_value(pg_get_serial_sequence($1, $2)::regclass) as last',
      [`"${name}"`, 'id'],
    );
    const last = rows[0]?.last ?? null;
    if (last === null) continue;
    file.prepare('delete from sqlite_sequence where name = ?').run(name);
    file.prepare('insert into sqlite_sequence (name, seq) values (?, ?)').run(name, BigInt(last));
  }
}

/** SQLITE_FULL, and what the file system says. */
function isFull(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  if ('errcode' in error && (Number(error.errcode) & 0xff) === 13) return true;
  return 'code' in error && ['ENOSPC', 'EDQUOT', 'EFBIG'].includes(String(error.code));
}

async function syncFile(path: string): Promise<void> {
  await using handle = await open(path, 'r');
  await handle.sync();
}
