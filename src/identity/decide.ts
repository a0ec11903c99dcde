import { type RegistryAction, type RepositoryAction, repositoryActions } from './actions.ts';
import { listedRanges, type Principal, rightsOn } from './principal.ts';
import { permits } from './roles/permits.ts';

/** What is asked for: an action on a repository, on the registry as a whole, or of the resource manager at a scope. */
export type Wanted = DataWanted | ResourceWanted;

/** On the data plane. */
export type DataWanted =
  | { readonly action: RepositoryAction; readonly repository: string }
  | { readonly action: RegistryAction; readonly repository?: never };

/** At the resource manager; `scope` is a key (kernel/resource-id.ts). */
export type ResourceWanted = { readonly action: ResourceAction; readonly scope: string };

/** An action as role definitions name them, for instance `Microsoft.ContainerRegistry/registries/read`. */
export type ResourceAction = `Microsoft.${string}/${string}`;

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
 * `registryId` is the registry that the request reached, null at the resource manager; a principal of another one gets
 * nothing.
 */
export function decide(principal: Principal, wanted: readonly Wanted[], registryId: number | null): Decision {
  const refuse = (reason: Decision['reason']): Decision => ({ allowed: false, principal, wanted, reason });
  if (principal.registryId !== registryId) return refuse('other-registry');
  for (const one of wanted) {
    if ('scope' in one) {
      if (!permits(principal.roles, one.action, one.scope)) return refuse('not-granted');
    } else if (one.action === 'catalog/read') {
      if (principal.kind === 'anonymous') return refuse('anonymous');
      if (listedRanges(principal).length === 0) return refuse('not-granted');
      if (principal.restriction !== null && !principal.restriction.catalog) return refuse('not-in-token');
    } else if (!(rightsOn(principal, one.repository) & repositoryActions[one.action].bit)) {
      return refuse(principal.restriction === null ? 'not-granted' : 'not-in-token');
    }
  }
  return { allowed: true, principal, wanted, reason: 'granted' };
}
