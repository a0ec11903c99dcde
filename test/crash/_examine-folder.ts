import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { checkClosedFolder } from '../_closed-folder.ts';

/** Looks into a data folder that no server has: SQLite's own check, then what rows and objects promise together. */
export async function examineFolder(folder: string): Promise<string[]> {
  const problems = integrity(join(folder, 'berth.db'));
  try {
    await checkClosedFolder(folder, { manyProcesses: true });
    return problems;
  } catch (error) {
    return [...problems, error instanceof Error ? error.message : String(error)];
  }
}

function integrity(file: string): string[] {
  using database = new DatabaseSync(file, { readOnly: true });
  const rows = database.prepare('pragma integrity_check').all() as { integrity_check: string }[];
  const found = rows.map((row) => row.integrity_check);
  return found.join() === 'ok' ? [] : found.map((line) => `integrity_check: ${line}`);
}
