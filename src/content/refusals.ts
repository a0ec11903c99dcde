import type { Database } from '../ports/index.ts';
import type { Refusal } from './refusal.ts';
import { latestRefusals, latestRefusalsOf, refusalById } from './store/refusal-store.ts';
import { recordRefusals } from './transactions/refusal-transactions.ts';

/**
 * What was refused and why. The newest are in the memory of the process, at once; those worth keeping are rows a few seconds
 * later, for other hosts and for the time after a restart.
 *
 *   note ─┬─▶ everyday (ring)
 *         └─▶ refused (ring) ──▶ waiting (bounded, and per rule and address) ──flush──▶ rows (bounded by age and count)
 */
export interface Refusals {
  note(refusal: Refusal, keep: boolean): void;
  /** One refused request by its id, from memory or rows. */
  find(id: string): Promise<Refusal | undefined>;
  /** The latest of a registry (null: of all), newest first; without the everyday ones. */
  latest(registry: string | null, limit: number): Promise<Refusal[]>;
  /** Writes what waits, and removes what is too old or too much. Called by a timer and at the end. */
  flush(): Promise<void>;
  /** Refusals that found no place among those that wait, since the start. */
  dropped(): number;
}

/** Bounds of what is remembered; ages in milliseconds. */
export interface RefusalBounds {
  /** Entries of each ring. */
  readonly memory: number;
  /** Rows that one flush writes at most. */
  readonly perFlush: number;
  /** Of those, how many of one rule from one address: a flood leaves room for the others. */
  readonly perSource: number;
  readonly maxRows: number;
  readonly maxAgeMs: number;
}

const usual: RefusalBounds = {
  memory: 4_000,
  perFlush: 200,
  perSource: 40,
  maxRows: 20_000,
  maxAgeMs: 30 * 86_400_000,
};

/** Makes the memory of refusals. */
export function refusals(database: Database, changed: Partial<RefusalBounds> = {}): Refusals {
  const bounds = { ...usual, ...changed };
  const everyday = ring(bounds.memory);
  const refused = ring(bounds.memory);
  let waiting: Refusal[] = [];
  let sources = new Map<string, number>();
  let dropped = 0;

  return {
    note(refusal, keep) {
      if (!keep) return everyday.add(refusal);
      refused.add(refusal);
      const source = `${refusal.rule} ${refusal.address}`;
      const ofSource = sources.get(source) ?? 0;
      if (waiting.length >= bounds.perFlush || ofSource >= bounds.perSource) {
        dropped++;
        return;
      }
      sources.set(source, ofSource + 1);
      waiting.push(refusal);
    },
    async find(id) {
      const known = refused.find(id) ?? everyday.find(id);
      if (known) return known;
      const row = await database.first(refusalById, { id });
      return row && parse(row);
    },
    async latest(registry, limit) {
      const found = new Map<string, Refusal>();
      for (const one of refused.newest()) {
        if (found.size >= limit) break;
        if (registry === null || one.registry === registry) found.set(one.id, one);
      }
      // A row that waited for its flush can be newer than one that another host wrote: all are asked, then put in order.
      const rows =
        registry === null
          ? await database.all(latestRefusals, { limit })
          : await database.all(latestRefusalsOf, { registry, limit });
      for (const row of rows) {
        const one = parse(row);
        if (!found.has(one.id)) found.set(one.id, one);
      }
      return [...found.values()].toSorted((left, right) => right.at - left.at).slice(0, limit);
    },
    async flush() {
      if (waiting.length === 0) return;
      const rows = waiting;
      waiting = [];
      sources = new Map();
      try {
        await database.transact(recordRefusals, {
          rows: rows.map((one) => ({ id: one.id, at: one.at, registry: one.registry, told: JSON.stringify(one) })),
          maxAgeMs: bounds.maxAgeMs,
          maxRows: bounds.maxRows,
        });
      } catch (error) {
        // Memory has them still. To try again would be to hold what cannot be bounded while the database is away.
        dropped += rows.length;
        throw error;
      }
    },
    dropped: () => dropped,
  };
}

function parse(row: { told: string }): Refusal {
  return JSON.parse(row.told) as Refusal;
}

/** The last entries, by id, in order of their coming. */
function ring(size: number) {
  const entries = new Map<string, Refusal>();
  return {
    add(refusal: Refusal): void {
      if (entries.size >= size) entries.delete(entries.keys().next().value as string);
      entries.set(refusal.id, refusal);
    },
    find: (id: string) => entries.get(id),
    newest: () => [...entries.values()].reverse(),
  };
}
