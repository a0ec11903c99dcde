import type { Role } from '../../src/identity/index.ts';

/** A role that somebody has, and where. */
export interface Held {
  readonly role: Role;
  readonly scope: string;
}

/** What a role definition says of an action of the resource manager, read by other means than the server's. */
export function roleCovers(role: Role, action: string): boolean {
  const covers = (pattern: string): boolean => {
    const expression = pattern.toLowerCase().replaceAll('.', '[.]').replaceAll('*', '.*');
    return new RegExp(`^${expression}$`).test(action.toLowerCase());
  };
  return role.permissions.some((one) => one.actions.some(covers) && !one.notActions.some(covers));
}

/** Whether one of the roles that somebody has allows an action at a scope: it has to be given there or above. */
export function mayDo(held: readonly Held[], action: string, scope: string): boolean {
  const parts = scope.toLowerCase().split('/');
  return held.some(({ role, scope: given }) => {
    const above = given.toLowerCase().split('/');
    return above.every((part, index) => parts[index] === part) && roleCovers(role, action);
  });
}
