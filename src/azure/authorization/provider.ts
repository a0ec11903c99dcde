import { roleAssignments } from '../../identity/index.ts';
import type { Database } from '../../ports/index.ts';
import { armList } from '../arm/paging.ts';
import { ArmError, type ResourceProvider } from '../arm/provider.ts';
import { roleAssignmentOperations } from './role-assignments.ts';
import { roleDefinitionOperations } from './role-definitions.ts';

/**
 * Microsoft.Authorization: the built-in roles, who has them where, and what the caller may do. Deny assignments cannot be made
 * here, so there are none.
 */
export function authorizationProvider(options: {
  readonly database: Database;
  readonly subscriptionId: string;
  readonly tenantId: string;
}): ResourceProvider {
  const { subscriptionId, tenantId } = options;
  const apiVersions = ['2022-04-01', '2020-04-01-preview', '2018-07-01', '2015-07-01'];
  return {
    namespace: 'Microsoft.Authorization',
    resourceTypes: [
      { type: 'roleAssignments', apiVersions },
      { type: 'roleDefinitions', apiVersions: ['2022-05-01-preview', ...apiVersions] },
      { type: 'denyAssignments', apiVersions: ['2022-04-01'] },
      { type: 'permissions', apiVersions },
    ],
    operations: {
      ...roleDefinitionOperations({ subscriptionId }),
      ...roleAssignmentOperations({ assignments: roleAssignments(options.database), subscriptionId, tenantId }),
      DenyAssignments_ListForScope: {
        action: 'Microsoft.Authorization/denyAssignments/read',
        run: async (call) => ({ status: 200, body: armList(call, [], null) }),
      },
      DenyAssignments_Get: {
        action: 'Microsoft.Authorization/denyAssignments/read',
        async run({ scope }) {
          const name = scope.provider?.names.at(-1) ?? '';
          throw new ArmError(404, 'DenyAssignmentNotFound', `The deny assignment '${name}' is not found.`);
        },
      },
      // Everybody may ask what they themselves may do.
      Permissions_ListForResource: {
        action: null,
        async run(call) {
          const roles = [...new Set(call.principal.roles.map((grant) => grant.role))];
          const value = roles.flatMap((role) => role.permissions.map((one) => ({ ...one })));
          return { status: 200, body: armList(call, value, null) };
        },
      },
    },
  };
}
