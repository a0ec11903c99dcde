import { readdir, readFile } from 'node:fs/promises';
import type { Inspector } from './inspector.ts';
import { type Reading, type Trend, trendOf } from './trend.ts';

/**
 * What is read at each sample. `least` is the growth over the fitted readings that is of practical size: below it lie
 * caches that are bounded and not full yet (16 MiB of database pages, the verified tokens). Ten minutes bring some 40,000
 * requests after the warm-up, so 50 bytes of the heap or 200 of the process that stay behind with each of them are seen.
 */
export const measures = {
  'resident memory': { unit: 'MiB', least: 8 },
  'JavaScript heap after collection': { unit: 'MiB', least: 2 },
  'open handles': { unit: '', least: 4 },
  threads: { unit: '', least: 1 },
  'staged files': { unit: '', least: 3 },
  'temporary files': { unit: '', least: 1 },
} as const;
export type Measure = keyof typeof measures;
const names = Object.keys(measures) as Measure[];

/** A server and where it leaves files. */
export interface Subject {
  readonly pid: number;
  readonly inspector: Inspector;
  readonly stagedFolder: string;
  readonly temporaryFolder: string;
}

/** Readings of every measure, in order. */
export interface Readings {
  /** Reads everything once; `at` is in seconds. */
  take(subject: Subject, at: number): Promise<string>;
  /** Lines through what was read at `since` or later. */
  trends(since: number): Readonly<Record<Measure, Trend>>;
  values(): Readonly<Record<Measure, readonly number[]>>;
}

const mebibyte = 1024 * 1024;

export function openReadings(): Readings {
  const kept: { readonly at: number; readonly values: Readonly<Record<Measure, number>> }[] = [];
  const of = (name: Measure): Reading[] => kept.map(({ at, values }) => ({ at, value: values[name] }));
  const each = <T>(value: (name: Measure) => T): Record<Measure, T> =>
    Object.fromEntries(names.map((name) => [name, value(name)])) as Record<Measure, T>;
  return {
    async take(subject, at) {
      const values = await read(subject);
      kept.push({ at, values });
      return names.map((name) => `${name} ${values[name].toFixed(1)}`).join(', ');
    },
    trends: (since) =>
      each((name) =>
        trendOf(
          of(name).filter(({ at }) => at >= since),
          measures[name].least,
        ),
      ),
    values: () => each((name) => of(name).map(({ value }) => value)),
  };
}

async function read(subject: Subject): Promise<Record<Measure, number>> {
  const { pid, inspector } = subject;
  const status = await readFile(`/proc/${pid}/status`, 'utf8');
  const number = (name: string): number => Number(new RegExp(`^${name}:\\s+([0-9]+)`, 'm').exec(status)?.[1]);
  return {
    'resident memory': number('VmRSS') / 1024,
    'JavaScript heap after collection': (await inspector.heapAfterCollection()) / mebibyte,
    'open handles': (await readdir(`/proc/${pid}/fd`)).length,
    threads: number('Threads'),
    'staged files': await countFiles(subject.stagedFolder),
    'temporary files': await countFiles(subject.temporaryFolder),
  };
}

/** Files in and below a folder. */
export async function countFiles(folder: string): Promise<number> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  return entries.filter((entry) => entry.isFile()).length;
}

/** Slope and noise as people read them. */
export function trendText(name: Measure, { slope, noise, mean, growth }: Trend): string {
  const [perMinute, about, middle, grown] = [slope.toFixed(3), noise.toFixed(3), mean.toFixed(1), growth.toFixed(2)];
  return `slope ${perMinute}, noise ${about} per minute; mean ${middle}, growth ${grown} ${measures[name].unit}`.trim();
}
