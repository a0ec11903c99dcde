/** The value at `fraction` (0 to 1) of an ascending list, nearest rank; NaN for an empty list. */
export function percentile(ascending: readonly number[], fraction: number): number {
  const rank = Math.max(1, Math.ceil(ascending.length * fraction));
  return ascending[rank - 1] ?? Number.NaN;
}

/** The middle value; the mean of the two middle ones for an even count; NaN for none. */
export function median(values: readonly number[]): number {
  const ascending = values.toSorted((a, b) => a - b);
  const half = Math.floor(ascending.length / 2);
  const upper = ascending[half] ?? Number.NaN;
  return ascending.length % 2 === 1 ? upper : ((ascending[half - 1] ?? Number.NaN) + upper) / 2;
}

/** Middle and extremes of a list. */
export interface Spread {
  readonly median: number;
  readonly min: number;
  readonly max: number;
}

export function spread(values: readonly number[]): Spread {
  return { median: median(values), min: Math.min(...values), max: Math.max(...values) };
}

/** Spread of `subject[i] / peer[i]`: the two values of one round stand side by side, so that drift cancels out. */
export function ratioSpread(subject: readonly number[], peer: readonly number[]): Spread {
  const ratios = subject.slice(0, peer.length).map((value, round) => value / (peer[round] ?? Number.NaN));
  return spread(ratios);
}
