import { off } from './config-values.ts';
import { StartRefusal } from './start-refusal.ts';

/** Reads `limits.rates`: `off` (null), `tier` (1), or a factor on the table of the tier. Throws a StartRefusal. */
export function parseRateFactor(text: string): number | null {
  if (text === off) return null;
  if (text === 'tier') return 1;
  const factor = Number(text);
  if (!/^[0-9]{1,6}(?:\.[0-9]{1,6})?$/.test(text) || factor === 0) {
    throw new StartRefusal(`"${text}" is neither off nor tier nor a factor such as 0.5 or 2`);
  }
  return factor;
}
