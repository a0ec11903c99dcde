import { type ActionMask, listingActions } from './actions.ts';
import { type Grants, maskFor, type NameRange, visibleRanges } from './grants.ts';
import type { RoleGrant } from './roles/permits.ts';

/**
 * The registry whose door was knocked at, as far as identity must know it. `content` owns these facts and hands them in.
 */
export interface RegistryAccess {
  readonly id: number;
  readonly name: string;
  /** The one audience of its tokens, whatever alias was asked. */
  readonly audience: string;
  readonly adminEnabled: boolean;
  readonly anonymousPull: boolean;
  /** Its key for the resource manager: the scope at which roles count. */
  readonly resourceKey: string;
  /** Which rights of a role count for its content (ACR-FACTS §5.1). */
  readonly roleMode: 'LegacyRegistryPermissions' | 'AbacRepositoryPermissions';
  /** Whether access tokens for the resource manager open it as well as those for registries. */
  readonly armTokens: boolean;
}

/** An access list of a token: what the bearer asked for and was given at that time. */
export interface AccessEntry {
  readonly type: string;
  readonly name: string;
  readonly actions: readonly string[];
}

/** A bearer token narrows what its principal may do to what was asked for. */
export interface Restriction {
  readonly catalog: boolean;
  readonly repositories: ReadonlyMap<string, ActionMask>;
}

/** Who asks, with the rights that hold now (read for this request), and the bearer's narrowing when there is one. */
export interface Principal {
  readonly kind: 'anonymous' | 'admin' | 'token' | 'user' | 'service-principal';
  /**
   * Stable name for logs, sessions and the feed: `anonymous`, `admin:<registry>`, `token:<registry>/<name>`,
   * `user:<name>#<object id>`, `app:<application id>#<object id>`.
   */
  readonly name: string;
  /** Null for somebody of the directory outside of any registry. */
  readonly registryId: number | null;
  /** Id in the directory; empty for what a registry has of its own. */
  readonly objectId: string;
  /** Roles of somebody of the directory at the scopes that were asked about. */
  readonly roles: readonly RoleGrant[];
  /** Which password proved it; a token made by it dies with it. Empty for anonymous. */
  readonly credentialId: string;
  /** The token's row, 0 otherwise. */
  readonly tokenId: number;
  readonly grants: Grants;
  /**
   * Set where roles count repository by repository: the catalog is a right of its own there, and there are no tokens for
   * `repository:*`. Elsewhere what may be read is listed.
   */
  readonly byRepository?: { readonly lists: boolean };
  /** Name of the scope map that grants it, for a token. */
  readonly scopeMap?: string;
  readonly restriction: Restriction | null;
  /** When what proved it ends, token or password, Unix milliseconds; null for never. Tokens made from it end no later. */
  readonly expiresAt: number | null;
}

/** What the principal may do with one repository now. */
export function rightsOn(principal: Principal, repository: string): ActionMask {
  const granted = maskFor(principal.grants, repository);
  if (principal.restriction === null) return granted;
  const { repositories } = principal.restriction;
  // acr CLI asks once for `repository:*:*` (CLIENTS §5); what the principal may not do stays forbidden.
  return granted & ((repositories.get(repository) ?? 0) | (repositories.get('*') ?? 0));
}

/** The repositories that the principal may see in a catalog, whatever its bearer token narrows. */
export function listedRanges(principal: Principal): NameRange[] {
  if (principal.byRepository === undefined) return visibleRanges(principal.grants, listingActions);
  return principal.byRepository.lists ? [{ from: '', to: null }] : [];
}

/**
 * Who it is for things that must not pass to another: as `name`, and different for a token that was deleted and made again
 * under the same name.
 */
export function identityOf(principal: Principal): string {
  return principal.kind === 'token' ? `${principal.name}#${principal.tokenId}` : principal.name;
}
