import type { DatabaseSync } from 'node:sqlite';

/** Number of the row that is being made; the rows of one table are `seeds.count` for each `n.i`. */
const rowNumber = '((n.i - 1) * seeds.count + seed.rowid)';

/** What is of its own in a repeated row of the feed. */
export const changeColumns = {
  id: `seeds.top + ${rowNumber}`,
  n: `seeds.top_n + ${rowNumber}`,
  stamp: stampColumn('stamp'),
};

/** The stamp of the seed, moved on by one for each row: the low 16 bits of its number are a counter (kernel/stamp.ts). */
export function stampColumn(column: string): string {
  return `printf('%016x', seeds.moment + ${rowNumber}) || substr(seed.${column}, 17)`;
}

/** Inserts `count` times what `where` selects, all columns alike but for those of `set` (SQL on `seed`, `seeds` and `n.i`). */
export function repeat(
  db: DatabaseSync,
  { table, where, count, set }: { table: string; where: string; count: number; set: Record<string, string> },
): void {
  const columns = db.prepare(`select name from pragma_table_info('${table}')`).all() as { name: string }[];
  const unknown = Object.keys(set).filter((column) => !columns.some(({ name }) => name === column));
  if (unknown.length > 0) throw new Error(`${table} has no column ${unknown.join(', ')}; the schema has changed`);
  const names = columns.map(({ name }) => `"${name}"`).join(', ');
  const values = columns.map(({ name }) => set[name] ?? `seed."${name}"`).join(', ');
  db.exec(`create temp table seed as select * from main.${table} where ${where}`);
  const { count: seeds } = db.prepare('select count(*) as count from seed').get() as { count: number };
  if (seeds === 0) throw new Error(`a push leaves no row in ${table} where ${where}; the schema has changed`);
  db.exec(`create temp table seeds as select ${seeds} as count, ${Date.now()} * 65536 as moment,
    (select max(id) from main.change) as top, (select max(n) from main.change) as top_n`);
  if (count > 0) {
    db.exec(`with recursive n(i) as (select 1 union all select i + 1 from n where i < ${count})
      insert into main.${table} (${names}) select ${values} from n cross join seed cross join seeds`);
  }
  db.exec('drop table seed; drop table seeds');
}
