import { isWithin } from '../../kernel/index.ts';
import type { Role } from './built-in-roles.ts';

/** A role that somebody has at a scope, with everything below it. `scope` is a key (kernel/resource-id.ts). */
export interface RoleGrant {
  readonly scope: string;
  readonly role: Role;
}

export const noRoles: readonly RoleGrant[] = [];

/** Which of the two lists of a role an action stands in: of the resource manager, or of the content. */
export type ActionPlane = 'control' | 'data';

/**
 * Whether any of `grants` allows `action` (for instance `Microsoft.ContainerRegistry/registries/read`) at `scope`. Actions
 * compare without regard to case, `*` stands for any text, and what one role excepts another may still allow. Pure.
 */
export function permits(
  grants: readonly RoleGrant[],
  action: string,
  scope: string,
  plane: ActionPlane = 'control',
): boolean {
  return grants.some((grant) => isWithin(scope, grant.scope) && roleAllows(grant.role, action, plane));
}

/** Whether a role by itself allows an action. */
export function roleAllows(role: Role, action: string, plane: ActionPlane = 'control'): boolean {
  return role.permissions.some((one) => {
    const allowed = plane === 'data' ? one.dataActions : one.actions;
    const excepted = plane === 'data' ? one.notDataActions : one.notActions;
    return allowed.some((pattern) => matches(pattern, action)) && !excepted.some((pattern) => matches(pattern, action));
  });
}

const partsOf = new Map<string, readonly string[]>();

/** `*` stands for any text. Patterns are those of role definitions, so there is a bounded number of them to remember. */
function matches(pattern: string, action: string): boolean {
  let parts = partsOf.get(pattern);
  if (!parts) {
    parts = pattern.toLowerCase().split('*');
    partsOf.set(pattern, parts);
  }
  const text = action.toLowerCase();
  const first = parts[0] as string;
  const last = parts.at(-1) as string;
  if (parts.length === 1) return text === first;
  if (!text.startsWith(first) || !text.endsWith(last)) return false;
  // Each part as early as it goes leaves the most for those behind it.
  let at = first.length;
  for (const part of parts.slice(1, -1)) {
    const found = text.indexOf(part, at);
    if (found === -1) return false;
    at = found + part.length;
  }
  return at + last.length <= text.length;
}
