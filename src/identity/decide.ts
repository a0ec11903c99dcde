import { listingActions, type RegistryAction, type RepositoryAction, repositoryActions } from './actions.ts';
import { visibleRanges } from './grants.ts';
import { type Principal, rightsOn } from './principal.ts';

/** What is asked for: an action on a repository, or on the registry as a whole. */
export type Wanted =
  | { readonly action: RepositoryAction; readonly repository: string }
  | { readonly action: RegistryAction; readonly repository?: never };

/** Proof that `decide` said yes. A handler takes it as an argument, so it cannot be reached without one. */
export interface Decision {
  readonly allowed: boolean;
  readonly principal: Principal;
  readonly wanted: readonly Wanted[];
  /** Why, for the operator; never sent to the caller. */
  readonly reason: 'granted' | 'not-granted' | 'not-in-token' | 'other-registry' | 'anonymous';
}

/**
 * The one judgement of who may do what. Pure: no look-ups, no time, no side effects. All of `wanted` must be granted.
 * `registryId` is the registry that the request reached; a principal of another one gets nothing.
 */
export function decide(principal: Principal, wanted: readonly Wanted[], registryId: number): Decision {
  const refuse = (reason: Decision['reason']): Decision => ({ allowed: false, principal, wanted, reason });
  if (principal.registryId !== registryId) return refuse('other-registry');
  for (const one of wanted) {
    if (one.action === 'catalog/read') {
      if (principal.kind === 'anonymous') return refuse('anonymous');
      if (visibleRanges(principal.grants, listingActions).length === 0) return refuse('not-granted');
      if (principal.restriction !== null && !principal.restriction.catalog) return refuse('not-in-token');
    } else if (!(rightsOn(principal, one.repository) & repositoryActions[one.action].bit)) {
      return refuse(principal.restriction === null ? 'not-granted' : 'not-in-token');
    }
  }
  return { allowed: true, principal, wanted, reason: 'granted' };
}
