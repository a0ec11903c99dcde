import { type ConfigKey, configKeys } from './config-schema.ts';

/** All keys in the order of the table. */
export const keyNames = Object.keys(configKeys) as readonly ConfigKey[];

/** The variable of a key: `limits.manifestBytes` is BERTH_LIMITS_MANIFEST_BYTES. */
export function environmentName(key: ConfigKey): string {
  return `BERTH_${words(key).join('_').toUpperCase()}`;
}

/** The flag of a key: `limits.manifestBytes` is --limits-manifest-bytes. Secrets have none. */
export function flagName(key: ConfigKey): string | null {
  return configKeys[key].type === 'secret' ? null : `--${words(key).join('-')}`;
}

/** The property under which commander hands over the flag of a key: `limitsManifestBytes`. */
export function flagProperty(key: ConfigKey): string {
  const [first, ...rest] = words(key);
  return [first, ...rest.map((word) => word.charAt(0).toUpperCase() + word.slice(1))].join('');
}

/**
 * True for a BERTH_ variable that is no setting: the program that `berth az` runs (BERTH_AZ), those of the tests, and those
 * that Kubernetes puts into every pod of a namespace that has a service named `berth…` (BERTH_SERVICE_HOST,
 * BERTH_PORT_443_TCP_ADDR).
 */
export function isForeignVariable(name: string): boolean {
  return (
    name === 'BERTH_AZ' ||
    name.startsWith('BERTH_TEST_') ||
    /^BERTH_(?:[A-Z0-9_]+_)?(?:SERVICE_HOST|SERVICE_PORT(?:_[A-Z0-9_]+)?|PORT(?:_[0-9]+_(?:TCP|UDP|SCTP)(?:_(?:PROTO|PORT|ADDR))?)?)$/.test(
      name,
    )
  );
}

/** The candidate with the fewest edits to `text`, compared without case; of a bare section name, its first key. */
export function nearest(text: string, candidates: readonly string[]): string {
  const inSection = candidates.find((candidate) => candidate.startsWith(`${text}.`));
  if (inSection !== undefined) return inSection;
  // Nobody means a key by much more text than any has.
  const typed = text.slice(0, 100).toLowerCase();
  const scored = candidates.map((candidate) => ({
    candidate,
    edits: distance(typed, candidate.toLowerCase()),
  }));
  return scored.reduce((best, next) => (next.edits < best.edits ? next : best)).candidate;
}

function words(key: ConfigKey): string[] {
  return key.replaceAll(/[A-Z]/g, (letter) => `.${letter.toLowerCase()}`).split('.');
}

/** Levenshtein distance, one row at a time. */
function distance(left: string, right: string): number {
  let row = Array.from({ length: right.length + 1 }, (_, index) => index);
  for (let i = 1; i <= left.length; i++) {
    const next = [i];
    for (let j = 1; j <= right.length; j++) {
      const replace = (row[j - 1] ?? 0) + (left[i - 1] === right[j - 1] ? 0 : 1);
      next.push(Math.min(replace, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1));
    }
    row = next;
  }
  return row[right.length] ?? 0;
}
