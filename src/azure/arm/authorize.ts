import { builtInRoles, decide, type Principal, permits, type Subject } from '../../identity/index.ts';
import { Fault, operatorOnly, type ResourceId } from '../../kernel/index.ts';
import type { ArmOperationHandler } from './provider.ts';

/**
 * Throws `denied` unless the principal's roles allow the action at the scope. It needs nothing of what is there, so that what
 * is not there and what is not the caller's look alike.
 */
export function authorize(
  asked: { readonly subject: Subject; readonly principal: Principal; readonly scope: ResourceId },
  action: ArmOperationHandler['action'],
): void {
  if (action === null) return;
  const { subject, principal, scope } = asked;
  if (decide(principal, [{ action, scope: scope.key }], null).allowed) return;
  const names = [...new Set(principal.roles.map((grant) => grant.role.name))].join(', ');
  const type = subject.kind === 'user' ? 'User' : 'ServicePrincipal';
  throw new Fault(
    'denied',
    `The client '${subject.name}' with object id '${subject.objectId}' does not have authorization to perform action '${action}' over scope '${scope.text}' or the scope is invalid. If access was recently granted, please refresh your credentials.`,
    {
      operator: operatorOnly({
        rule: 'role-missing',
        because: `no role of ${principal.name} allows ${action} at ${scope.text}; it has ${names === '' ? 'none there or above' : `only ${names}`}`,
        cure: `az role assignment create --assignee-object-id ${subject.objectId} --assignee-principal-type ${type} --role <role> --scope ${scope.text}, with the role ${rolesThatAllow(action, scope.key)}`,
      }),
    },
  );
}

/** The roles to choose from, for who is to allow an action at a scope. */
function rolesThatAllow(action: string, scope: string): string {
  return builtInRoles
    .filter((role) => permits([{ role, scope }], action, scope))
    .map((role) => role.name)
    .join(' or ');
}
