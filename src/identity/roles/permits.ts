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
  const wanted = action.toLowerCase();
  return role.permissions.some((one) => {
    const allowed = plane === 'data' ? one.dataActions : one.actions;
    const excepted = plane === 'data' ? one.notDataActions : one.notActions;
    return allowed.some((pattern) => matches(pattern, wanted)) && !excepted.some((pattern) => matches(pattern, wanted));
  });
}

/** Linear in both texts: what lies between two stars is looked for once, from left to right. `text` is in lower case. */
function matches(pattern: string, text: string): boolean {
  const parts = pattern.toLowerCase().split('*');
  const [first = '', ...rest] = parts;
  const last = rest.pop();
  if (last === undefined) return first === text;
  if (!text.startsWith(first)) return false;
  let at = first.length;
  for (const part of rest) {
    const found = text.indexOf(part, at);
    if (found === -1) return false;
    at = found + part.length;
  }
  return text.length - at >= last.length && text.endsWith(last);
}
