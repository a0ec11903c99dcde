/*
 * What a registry promised, kept beside it. A key is one fact that requests change (`blob <repository> <digest>`,
 * `manifest …`, `tag <repository> <name>`); its value is text, '' for "not there".
 *
 *   begin ──▶ under way: the value may be the old one or the new one
 *     │ settle (the answer said so)    ──▶ it is the new one
 *     │ refuse (the answer said no)    ──▶ it is the old one
 *     └ neither (the server was killed) ─▶ either, until somebody looks: `observe`
 *
 * Requests that disagree about a key are never under way together (`claim`), so after a kill each key has at most two
 * values, and every answer before it can be foretold.
 */
export type Key = string;
export const absent = '';
export const present = 'present';

/** One request that changes something, all of it or nothing. */
export interface Attempt {
  readonly effects: ReadonlyMap<Key, string>;
  settle(): void;
  refuse(): void;
}

export interface Claim {
  /** Keys that nobody else may use meanwhile. */
  readonly alone?: readonly Key[];
  /** Keys that others may read, or set to the same value. */
  readonly together?: readonly Key[];
}

export interface Model {
  begin(effects: Iterable<readonly [Key, string]>): Attempt;
  /** The value of a key; undefined while a request that changes it is under way or was cut off. */
  value(key: Key): string | undefined;
  possible(key: Key): ReadonlySet<string>;
  /** Says what was found. Answers a complaint when that cannot be; from then on it is the value. */
  observe(key: Key, found: string): string | undefined;
  /** Attempts that were cut off and are found to have happened in part; ends all that were cut off. Observe first. */
  halfDone(): string[];
  /** Every key that begins with `prefix` and was ever changed. */
  keys(prefix?: string): Key[];
  /** Marks keys as touched before anything changes them: what is then never sent must not be there. */
  watch(keys: Iterable<Key>): void;
  /** Keys that were changed or watched since the last call. */
  takeTouched(): Key[];
  /** Holds keys for one operation; undefined when another operation stands against it. */
  claim(claim: Claim): Disposable | undefined;
}

interface Entry {
  settled: string;
  readonly pending: Set<Attempt>;
}

export function model(): Model {
  const entries = new Map<Key, Entry>();
  const cutOff = new Set<Attempt>();
  const holders = new Map<Key, number | 'alone'>();
  let touched = new Set<Key>();
  const observed = new Map<Key, { readonly before: string; readonly found: string; readonly attempts: number }>();

  const entry = (key: Key): Entry => {
    const known = entries.get(key);
    if (known) return known;
    const fresh: Entry = { settled: absent, pending: new Set() };
    entries.set(key, fresh);
    return fresh;
  };
  const possible = (key: Key): Set<string> => {
    const known = entries.get(key);
    if (!known) return new Set([absent]);
    return new Set([known.settled, ...[...known.pending].map((attempt) => attempt.effects.get(key) ?? absent)]);
  };

  return {
    begin(effects) {
      const map = new Map(effects);
      const end = (): void => {
        cutOff.delete(attempt);
        for (const key of map.keys()) entry(key).pending.delete(attempt);
      };
      const attempt: Attempt = {
        effects: map,
        settle() {
          end();
          for (const [key, value] of map) entry(key).settled = value;
        },
        refuse: end,
      };
      cutOff.add(attempt);
      for (const key of map.keys()) {
        entry(key).pending.add(attempt);
        touched.add(key);
      }
      return attempt;
    },
    value(key) {
      const known = entries.get(key);
      if (!known) return absent;
      return known.pending.size === 0 ? known.settled : undefined;
    },
    possible,
    observe(key, found) {
      const may = possible(key);
      const known = entry(key);
      observed.set(key, { before: known.settled, found, attempts: known.pending.size });
      known.settled = found;
      return may.has(found) ? undefined : `${key} is ${shown(found)}, not ${[...may].map(shown).join(' or ')}`;
    },
    halfDone() {
      const complaints: string[] = [];
      for (const attempt of cutOff) {
        const outcomes = new Set<boolean>();
        for (const [key, value] of attempt.effects) {
          const seen = observed.get(key);
          // What was so before, or what another request did as well, tells nothing about this one.
          if (seen && seen.attempts === 1 && seen.before !== value) outcomes.add(seen.found === value);
        }
        if (outcomes.size > 1) complaints.push(`half of a request happened: ${[...attempt.effects.keys()].join(', ')}`);
        for (const key of attempt.effects.keys()) entry(key).pending.delete(attempt);
      }
      cutOff.clear();
      observed.clear();
      return complaints;
    },
    keys: (prefix = '') => [...entries.keys()].filter((key) => key.startsWith(prefix)),
    watch(keys) {
      for (const key of keys) {
        entry(key);
        touched.add(key);
      }
    },
    takeTouched() {
      const taken = [...touched];
      touched = new Set();
      return taken;
    },
    claim({ alone = [], together = [] }) {
      const wanted = new Set(alone);
      const shared = [...new Set(together)].filter((key) => !wanted.has(key));
      if ([...wanted].some((key) => holders.has(key))) return undefined;
      if (shared.some((key) => holders.get(key) === 'alone')) return undefined;
      for (const key of wanted) holders.set(key, 'alone');
      for (const key of shared) holders.set(key, Number(holders.get(key) ?? 0) + 1);
      return {
        [Symbol.dispose]() {
          for (const key of wanted) holders.delete(key);
          for (const key of shared) {
            const left = Number(holders.get(key)) - 1;
            if (left > 0) holders.set(key, left);
            else holders.delete(key);
          }
        },
      };
    },
  };
}

function shown(value: string): string {
  return value === absent ? 'absent' : value;
}
