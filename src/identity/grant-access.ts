import { listingActions, maskOfScopeWords, scopeWordsOf } from './actions.ts';
import { visibleRanges } from './grants.ts';
import { type AccessEntry, type Principal, rightsOn } from './principal.ts';

/** A token scope as asked for: `type:name:action,action`. */
export interface AskedScope {
  readonly type: string;
  readonly name: string;
  readonly actions: readonly string[];
}

/**
 * Cuts asked scopes down to what the principal may do now. What is not granted is left out, never refused: clients ask for
 * more than they need, and the resource itself refuses (AZ-WIRE T-REG-5).
 */
export function grantAccess(principal: Principal, scopes: readonly AskedScope[]): AccessEntry[] {
  const access: AccessEntry[] = [];
  for (const scope of scopes) {
    if (scope.type === 'repository') {
      const asked = maskOfScopeWords(scope.actions);
      const actions = scopeWordsOf(asked & rightsOn(principal, scope.name));
      if (actions.length > 0) access.push({ type: 'repository', name: scope.name, actions });
    } else if (
      scope.type === 'registry' &&
      scope.name === 'catalog' &&
      scope.actions.includes('*') &&
      mayList(principal)
    ) {
      access.push({ type: 'registry', name: 'catalog', actions: ['*'] });
    }
  }
  return access;
}

function mayList(principal: Principal): boolean {
  if (principal.kind === 'anonymous') return false;
  if (principal.restriction !== null && !principal.restriction.catalog) return false;
  return visibleRanges(principal.grants, listingActions).length > 0;
}
