import { type Directory, noRoles, permits, type RoleGrant } from '../../identity/index.ts';
import { isWithin, scopesAbove } from '../../kernel/index.ts';
import { subscriptionNotFound } from '../arm/errors.ts';
import type { ArmCall } from '../arm/provider.ts';

/** A part of the order of keys: from `from` up to, and without, `to`. */
export interface KeyRange {
  readonly from: string;
  readonly to: string;
}

/** What one caller sees of a subscription. */
export interface Visible {
  /** Whether a group is shown: one that may be read, or in which something is that a role was given on. */
  group(scope: string): boolean;
  /** Whether a resource is shown: its type's right to read. */
  resource(row: { readonly key: string; readonly type: string }): boolean;
  /** Where in the order of keys there can be resources that are shown: null for everywhere. In order, not overlapping. */
  readonly ranges: readonly KeyRange[] | null;
}

export interface Visibility {
  /** What the caller sees at the scope of a list. Throws 404 where the subscription itself is none to them. */
  of(call: Pick<ArmCall, 'scope' | 'principal' | 'subject'>): Promise<Visible>;
  /** Whether the caller sees the subscription: any role on it, above it or on something in it. */
  subscription(objectId: string): Promise<boolean>;
}

/** Makes the judgement of what lists show, which `decide` judges one by one. */
export function visibilityOf(options: { readonly directory: Directory; readonly subscriptionId: string }): Visibility {
  const { directory, subscriptionId } = options;
  const base = `/subscriptions/${subscriptionId}`;
  const subscription = async (objectId: string): Promise<boolean> => {
    const above = await directory.rolesOf(objectId, base);
    return above.length > 0 || (await directory.rolesBelow(objectId, base)).length > 0;
  };
  return {
    subscription,
    async of({ scope, principal, subject }) {
      const above = principal.roles;
      // Whoever may read everything needs no look at what they have further below.
      const seesAll = permits(above, '*/read', scope.key);
      const below = seesAll ? noRoles : await directory.rolesBelow(subject.objectId, scope.key);
      if (above.length === 0 && below.length === 0 && !(await subscription(subject.objectId))) {
        throw subscriptionNotFound(subscriptionId);
      }
      const byScope = new Map<string, RoleGrant[]>();
      for (const grant of [...above, ...below]) {
        const there = byScope.get(grant.scope);
        if (there === undefined) byScope.set(grant.scope, [grant]);
        else there.push(grant);
      }
      const grantsAt = (key: string): RoleGrant[] => scopesAbove(key).flatMap((one) => byScope.get(one) ?? []);
      const groups = new Set(below.map((grant) => groupOf(grant.scope)));
      return {
        group: (key) => permits(above, groupRead, key) || groups.has(key),
        resource: ({ key, type }) =>
          permits(above, `${type}/read`, key) || (!seesAll && permits(grantsAt(key), `${type}/read`, key)),
        ranges: above.length > 0 ? null : rangesOf([...byScope.keys()]),
      };
    },
  };
}

const groupRead = 'Microsoft.Resources/subscriptions/resourceGroups/read';

/** The scope of the group that a scope below a subscription stands in. */
function groupOf(scope: string): string {
  return scope.split('/').slice(0, 5).join('/');
}

/** The keys at and below some scopes. A scope and what stands below it are not beside each other in the order of keys. */
export function rangesOf(scopes: readonly string[]): KeyRange[] {
  const widest: string[] = [];
  for (const scope of scopes.toSorted((left, right) => compare(`${left}/`, `${right}/`))) {
    const last = widest.at(-1);
    if (last === undefined || !isWithin(scope, last)) widest.push(scope);
  }
  return widest
    .flatMap((scope) => [
      { from: scope, to: `${scope}\u0001` },
      { from: `${scope}/`, to: `${scope}0` },
    ])
    .toSorted((left, right) => compare(left.from, right.from));
}

/** As the database compares: by bytes. Keys are ASCII. */
function compare(left: string, right: string): number {
  return left < right ? -1 : left > right ? 1 : 0;
}
