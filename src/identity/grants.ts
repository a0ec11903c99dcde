import { Fault, isRepositoryName } from '../kernel/index.ts';
import { type ActionMask, isRepositoryAction, repositoryActions } from './actions.ts';

/**
 * Rights on repositories, ready to ask: a mask for every repository, masks by exact name, masks by prefix (`team/`).
 * Matching rules add up, and they cover repositories that do not exist yet.
 */
export interface Grants {
  readonly everywhere: ActionMask;
  readonly exact: ReadonlyMap<string, ActionMask>;
  readonly prefixes: ReadonlyMap<string, ActionMask>;
}

export const noGrants: Grants = { everywhere: 0, exact: new Map(), prefixes: new Map() };

/** The same rights on every repository. */
export function grantsEverywhere(mask: ActionMask): Grants {
  return { everywhere: mask, exact: new Map(), prefixes: new Map() };
}

/** Rights on one repository. Cost grows with the depth of the name only. */
export function maskFor(grants: Grants, repository: string): ActionMask {
  let mask = grants.everywhere | (grants.exact.get(repository) ?? 0);
  if (grants.prefixes.size > 0) {
    for (let slash = repository.indexOf('/'); slash !== -1; slash = repository.indexOf('/', slash + 1)) {
      mask |= grants.prefixes.get(repository.slice(0, slash + 1)) ?? 0;
    }
  }
  return mask;
}

/** Everything that is granted on some repository or other. */
export function maskAnywhere(grants: Grants): ActionMask {
  let mask = grants.everywhere;
  for (const one of grants.exact.values()) mask |= one;
  for (const one of grants.prefixes.values()) mask |= one;
  return mask;
}

/** Limits of a scope map (ACR-FACTS §1.1). */
export const maxScopeMapActions = 500;

/**
 * Parses the actions of a scope map: `repositories/<name>/<action>` where the name may be `*` or end in `/*`
 * (ACR-FACTS §4.9). Throws `request-invalid` naming the first line that is not one.
 */
export function parseScopeMapActions(actions: readonly string[]): Grants {
  if (actions.length === 0 || actions.length > maxScopeMapActions) {
    throw new Fault('request-invalid', `a scope map holds 1 to ${maxScopeMapActions} actions, not ${actions.length}`);
  }
  let everywhere = 0;
  const exact = new Map<string, ActionMask>();
  const prefixes = new Map<string, ActionMask>();
  for (const line of actions) {
    const { pattern, mask } = parseLine(line);
    if (pattern === '*') everywhere |= mask;
    else if (pattern.endsWith('/*')) add(prefixes, pattern.slice(0, -1), mask);
    else add(exact, pattern, mask);
  }
  return { everywhere, exact, prefixes };
}

function parseLine(line: string): { pattern: string; mask: ActionMask } {
  const match = /^repositories\/(.+)\/((?:content|metadata)\/[a-z]+)$/.exec(line);
  const pattern = match?.[1];
  const action = match?.[2];
  if (pattern === undefined || action === undefined || !isRepositoryAction(action) || !isPattern(pattern)) {
    throw new Fault(
      'request-invalid',
      `"${line.slice(0, 120)}" is not an action; write repositories/<name or prefix/*>/<content/read, content/write, content/delete, metadata/read or metadata/write>`,
    );
  }
  return { pattern, mask: repositoryActions[action].bit };
}

function isPattern(text: string): boolean {
  return text === '*' || isRepositoryName(text.endsWith('/*') ? text.slice(0, -2) : text);
}

function add(masks: Map<string, ActionMask>, key: string, mask: ActionMask): void {
  masks.set(key, (masks.get(key) ?? 0) | mask);
}

/** A half-open range of repository names, bytewise: `from <= name < to`. `to` null is unbounded. */
export interface NameRange {
  readonly from: string;
  readonly to: string | null;
}

/**
 * The repositories on which any of `wanted` is granted, as ascending ranges that do not overlap, so that a catalog page
 * is read by key and never by scanning what the caller may not see.
 */
export function visibleRanges(grants: Grants, wanted: ActionMask): NameRange[] {
  if (grants.everywhere & wanted) return [{ from: '', to: null }];
  // No character of a name sorts below '-', so '!' ends the range that holds one name only.
  const ranges: { from: string; to: string }[] = [];
  for (const [name, mask] of grants.exact) if (mask & wanted) ranges.push({ from: name, to: `${name}!` });
  // '0' follows '/' in byte order, so it ends the range of everything below the prefix.
  for (const [prefix, mask] of grants.prefixes)
    if (mask & wanted) ranges.push({ from: prefix, to: `${prefix.slice(0, -1)}0` });
  ranges.sort((left, right) => (left.from < right.from ? -1 : left.from > right.from ? 1 : 0));
  const merged: { from: string; to: string }[] = [];
  for (const range of ranges) {
    const previous = merged.at(-1);
    if (previous && range.from <= previous.to) previous.to = range.to > previous.to ? range.to : previous.to;
    else merged.push({ ...range });
  }
  return merged;
}
