import { StartRefusal } from './start-refusal.ts';

/** First labels of the hosts that Berth itself answers on; no registry may have them. */
export const reservedNames: readonly string[] = [
  'api',
  'data',
  'graph',
  'instances',
  'login',
  'management',
  'msgraph',
  'portal',
  'storage',
  'vault',
  'www',
];

const grammar = /^[a-zA-Z0-9]{5,50}$/;
const alphabet = 'abcdefghijklmnopqrstuvwxyz0123456789';

/** Checks the name of a registry: 5 to 50 letters and digits, not one of Berth's own hosts. Throws a StartRefusal. */
export function checkRegistryName(text: string): string {
  if (reservedNames.includes(text.toLowerCase())) {
    throw new StartRefusal(`"${text}" is the name of one of Berth's own hosts; choose another name`);
  }
  if (!grammar.test(text)) {
    throw new StartRefusal(`"${text}" is not a registry name: 5 to 50 letters and digits`);
  }
  return text;
}

/** Makes a name for the first registry, `berth` and six random characters. `random` answers a whole number below its argument. */
export function chooseRegistryName(random: (below: number) => number): string {
  return `berth${Array.from({ length: 6 }, () => alphabet.charAt(random(alphabet.length))).join('')}`;
}
