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

const compiled = new Map<string, RegExp>();

/** Patterns are those of role definitions, so there is a bounded number of them. */
function matches(pattern: string, action: string): boolean {
  let expression = compiled.get(pattern);
  if (!expression) {
    const parts = pattern.split('*').map((part) => part.replaceAll(/[.*+?^${}()|[\]\\]/g, String.raw`\$&`));
    expression = new RegExp(`^${parts.join('.*')}$`, 'i');
    compiled.set(pattern, expression);
  }
  return expression.test(action);
}
