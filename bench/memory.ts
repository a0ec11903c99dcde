import { readFileSync } from 'node:fs';
import { treeOf } from './cpu.ts';

/** Memory of a process tree, in MB (10^6 bytes). */
export interface Memory {
  /** Resident sets added up: what processes share counts for each of them. */
  readonly rss: number;
  /** Proportional set sizes: what is shared is shared out. */
  readonly pss: number;
}

/** Memory of `roots` and everything below them now, from /proc/<pid>/smaps_rollup. */
export function treeMemory(roots: readonly number[]): Memory {
  let [rss, pss] = [0, 0];
  for (const { pid } of treeOf(roots)) {
    const text = readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8');
    rss += megabytes(text, 'Rss');
    pss += megabytes(text, 'Pss');
  }
  return { rss, pss };
}

function megabytes(text: string, field: 'Rss' | 'Pss'): number {
  return (Number(new RegExp(`^${field}:\\s+(\\d+) kB`, 'm').exec(text)?.[1]) * 1024) / 1e6;
}
