import { type ActionMask, allActions, maskOfScopeWords, scopeWordsOf } from './actions.ts';
import { maskAnywhere } from './grants.ts';
import { type AccessEntry, listedRanges, type Principal, rightsOn } from './principal.ts';

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
      const actions = scopeWordsOf(asked & rightsFor(principal, scope.name));
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

/**
 * For `*` everything that is granted anywhere: such an entry narrows no repository, and what a request may do is what is
 * granted on its own repository (acr CLI asks for `repository:*:*`, CLIENTS §5).
 */
function rightsFor(principal: Principal, name: string): ActionMask {
  if (name !== '*') return rightsOn(principal, name);
  // ACR gives no such token where roles count repository by repository (ACR-FACTS §5.3).
  if (principal.byRepository !== undefined) return 0;
  const narrowed = principal.restriction === null ? allActions : (principal.restriction.repositories.get('*') ?? 0);
  return maskAnywhere(principal.grants) & narrowed;
}

function mayList(principal: Principal): boolean {
  if (principal.kind === 'anonymous') return false;
  if (principal.restriction !== null && !principal.restriction.catalog) return false;
  return listedRanges(principal).length > 0;
}
