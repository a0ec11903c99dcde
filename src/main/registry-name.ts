import { parseRegistryName } from '../content/index.ts';
import { isFault } from '../kernel/index.ts';
import { StartRefusal } from './start-refusal.ts';

/** Checks the name of a registry as a setting. Throws a StartRefusal. */
export function checkRegistryName(text: string): string {
  try {
    parseRegistryName(text);
    return text;
  } catch (error) {
    throw isFault(error) ? new StartRefusal(error.message, { cause: error }) : error;
  }
}

const alphabet = 'abcdefghijklmnopqrstuvwxyz0123456789';

/** Makes a name for the first registry, `berth` and six random characters. `random` answers a whole number below its argument. */
export function chooseRegistryName(random: (below: number) => number): string {
  return `berth${Array.from({ length: 6 }, () => alphabet.charAt(random(alphabet.length))).join('')}`;
}
