/** One reading: when, in seconds since the beginning, and what. */
export interface Reading {
  readonly at: number;
  readonly value: number;
}

/** A line through readings. Slope and noise are in units of the value per minute. */
export interface Trend {
  readonly samples: number;
  readonly mean: number;
  readonly slope: number;
  readonly noise: number;
  /** By how much the line rises over all readings. */
  readonly growth: number;
  readonly rises: boolean;
}

/** Standard errors that count as noise: a flat line crosses this by chance about once in seven hundred times. */
const noiseErrors = 3;
/** Readings that follow each other more closely than this say nearly nothing about the noise. */
const mostAlike = 0.97;

/**
 * Fits a line by least squares and judges it:
 *
 *   noise = 3 standard errors of the slope × √((1 + r) / (1 − r))
 *
 * where r is how much neighbouring residuals resemble each other (autocorrelation at lag one, at least 0). Memory moves in
 * waves, so that readings taken close together tell less than as many independent ones would. The line rises when its
 * slope is above the noise *and* it grows by `least` or more over the readings: a slope of a few kilobytes is nobody's
 * trouble even where it can be proved. NaN everywhere for fewer than three readings.
 */
export function trendOf(readings: readonly Reading[], least: number): Trend {
  const samples = readings.length;
  const meanAt = meanOf(readings.map(({ at }) => at));
  const mean = meanOf(readings.map(({ value }) => value));
  const spread = sum(readings.map(({ at }) => (at - meanAt) ** 2));
  const slope = sum(readings.map(({ at, value }) => (at - meanAt) * (value - mean))) / spread;
  const residuals = readings.map(({ at, value }) => value - mean - slope * (at - meanAt));
  const squares = sum(residuals.map((one) => one ** 2));
  const alike = sum(residuals.slice(1).map((one, index) => one * (residuals[index] ?? 0))) / squares;
  const resemblance = Math.min(mostAlike, Math.max(0, squares === 0 ? 0 : alike));
  const error = Math.sqrt(squares / (samples - 2) / spread) * Math.sqrt((1 + resemblance) / (1 - resemblance));
  const noise = noiseErrors * error;
  const growth = slope * ((readings.at(-1)?.at ?? 0) - (readings[0]?.at ?? 0));
  return { samples, mean, slope: slope * 60, noise: noise * 60, growth, rises: slope > noise && growth >= least };
}

function meanOf(values: readonly number[]): number {
  return sum(values) / values.length;
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
