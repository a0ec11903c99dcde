import { builtInRoles, type Role, roleById } from '../../identity/index.ts';
import { armList, parameter } from '../arm/paging.ts';
import { ArmError, type ArmOperationHandler } from '../arm/provider.ts';
import { parseScopeFilter } from './scope-filter.ts';

const filterForms = ['roleName eq', 'type eq', 'atScopeAndBelow()', 'atScope()'];

/** The built-in roles, to be read. There are no others in this version. */
export function roleDefinitionOperations(options: {
  readonly subscriptionId: string;
}): Record<string, ArmOperationHandler> {
  return {
    RoleDefinitions_List: {
      action: 'Microsoft.Authorization/roleDefinitions/read',
      async run(call) {
        const terms = parseScopeFilter(parameter(call.exchange.query, '$filter'), filterForms);
        const wanted = builtInRoles.filter((role) =>
          terms.every(({ name, text }) => {
            const value = text?.toLowerCase();
            if (name === 'rolename') return role.name.toLowerCase() === value;
            return name === 'type' ? value === 'builtinrole' : true;
          }),
        );
        return {
          status: 200,
          body: armList(
            call,
            wanted.map((role) => wireRole(role, options.subscriptionId)),
            null,
          ),
        };
      },
    },
    RoleDefinitions_Get: {
      action: 'Microsoft.Authorization/roleDefinitions/read',
      async run({ scope }) {
        const id = scope.provider?.names.at(-1) ?? '';
        const role = roleById(id);
        if (!role) {
          const message = `The specified role definition with ID '${id}' does not exist.`;
          throw new ArmError(404, 'RoleDefinitionDoesNotExist', message);
        }
        return { status: 200, body: wireRole(role, options.subscriptionId) };
      },
    },
  };
}

/** The id of a role, under the subscription as clients know it. */
export function roleDefinitionId(roleId: string, subscriptionId: string): string {
  return `/subscriptions/${subscriptionId}/providers/Microsoft.Authorization/roleDefinitions/${roleId}`;
}

function wireRole(role: Role, subscriptionId: string): Record<string, unknown> {
  return {
    id: roleDefinitionId(role.id, subscriptionId),
    type: 'Microsoft.Authorization/roleDefinitions',
    name: role.id,
    properties: {
      roleName: role.name,
      type: 'BuiltInRole',
      description: descriptionOf(role),
      assignableScopes: ['/'],
      permissions: role.permissions.map((one) => ({ ...one, condition: null, conditionVersion: null })),
    },
  };
}

/** How many rights it has, of which kind: enough to tell roles apart in a table. */
function descriptionOf(role: Role): string {
  const count = (list: 'actions' | 'dataActions'): number =>
    role.permissions.reduce((sum, one) => sum + one[list].length, 0);
  return `${count('actions')} actions of the resource manager, ${count('dataActions')} on content`;
}
