import type { NameFilter } from '../../identity/index.ts';
import type { Condition } from './filter.ts';
import { unsupported } from './filter.ts';
import type { ListQuery } from './lists.ts';

/** What a list does with its conditions: look its things up one by one, or read them by name. */
export type Lookup<T> =
  | { readonly kind: 'each'; readonly found: readonly T[] }
  | { readonly kind: 'by-name'; readonly filter: NameFilter };

/** How the conditions of one kind of thing are answered. */
export interface Lookups<T> {
  /** By property in lower case: what has the text there, at most one thing. */
  readonly one: Readonly<Record<string, (text: string) => Promise<T | undefined>>>;
  /** By property in lower case: what a list property that holds the text leads to. */
  readonly containing: Readonly<Record<string, (text: string) => Promise<T | undefined>>>;
  readonly idOf: (thing: T) => string;
}

/** Answers the conditions of a list. Throws a GraphError for one that this kind of thing cannot be asked. */
export async function look<T>(conditions: readonly Condition[], lookups: Lookups<T>): Promise<Lookup<T>> {
  const [first] = conditions;
  if (first === undefined) return { kind: 'by-name', filter: { kind: 'all' } };
  if (conditions.length === 1 && isByName(first)) {
    return { kind: 'by-name', filter: { kind: first.operator === 'begins' ? 'begins' : 'equals', text: first.text } };
  }
  const found = new Map<string, T>();
  for (const condition of conditions) {
    const from = condition.operator === 'contains' ? lookups.containing : lookups.one;
    const name = condition.property.toLowerCase();
    const find = condition.operator === 'begins' || !Object.hasOwn(from, name) ? undefined : from[name];
    if (!find) throw unsupported(`${condition.operator} of "${condition.property.slice(0, 40)}" here`);
    const thing = await find(condition.text);
    if (thing !== undefined) found.set(lookups.idOf(thing), thing);
  }
  return { kind: 'each', found: [...found.values()] };
}

/** Whether the conditions name what they want by ids alone: then even who may not look around may ask. */
export function namesByIds(query: ListQuery): boolean {
  const ids = new Set(['appid', 'id', 'serviceprincipalnames']);
  return (
    query.conditions.length > 0 &&
    query.conditions.every((one) => one.operator !== 'begins' && ids.has(one.property.toLowerCase()))
  );
}

function isByName({ operator, property }: Condition): boolean {
  return operator !== 'contains' && property.toLowerCase() === 'displayname';
}
