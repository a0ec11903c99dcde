import { median } from './statistics.ts';

/** One number that is not a load: a time of a page, of a start, or memory, with every value it was taken from. */
export interface Figure {
  /** Unique in a report: the name of its row and what is counted, for instance `tags-page/middle/cpu`. */
  readonly name: string;
  readonly title: string;
  readonly unit: string;
  readonly side: string;
  readonly median: number;
  readonly values: readonly number[];
}

/** What one row of this kind found. */
export interface FigureRowResult {
  readonly figures: readonly Figure[];
  readonly failures: readonly string[];
  readonly skipped: readonly string[];
}

/** Rows that stand on the big folder. */
export const bigRowNames = ['tags-page', 'catalog-page', 'catalog-scoped', 'start', 'idle'] as const;
export type BigRowName = (typeof bigRowNames)[number];

/** Rows that stand on the Azure folder. */
export const azureRowNames = ['exchange', 'arm', 'permission-checks'] as const;
export type AzureRowName = (typeof azureRowNames)[number];

/** Rows that give figures, in the order of the report. */
export const figureRowNames = [...bigRowNames, ...azureRowNames] as const;
export type FigureRowName = (typeof figureRowNames)[number];

/** Makes a figure of the values of the rounds. */
export function figure(options: Omit<Figure, 'median'>): Figure {
  return { ...options, median: median(options.values) };
}
