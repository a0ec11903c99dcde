import { type RoleAssignment, type RoleAssignments, roleById } from '../../identity/index.ts';
import { isFault, isObject, type JsonObject, member, parseResourceId } from '../../kernel/index.ts';
import { armList, parameter, parseArmPage } from '../arm/paging.ts';
import { type ArmAnswer, type ArmCall, ArmError, type ArmOperationHandler, notThereYet } from '../arm/provider.ts';
import { roleDefinitionId } from './role-definitions.ts';
import { parseScopeFilter } from './scope-filter.ts';

const right = 'Microsoft.Authorization/roleAssignments';
const filterForms = ['atScope()', 'principalId eq', "assignedTo('')"];
const guid = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;
const definitionId = /(?:^|\/)providers\/microsoft\.authorization\/roledefinitions\/([0-9a-f-]{36})$/i;
const maxDescriptionLength = 1024;

interface Options {
  readonly assignments: RoleAssignments;
  readonly subscriptionId: string;
  readonly tenantId: string;
}

/** Role assignments at the subscription, a group or a resource (AZ-WIRE §8.1, ACR-FACTS §23). */
export function roleAssignmentOperations(options: Options): Record<string, ArmOperationHandler> {
  const { assignments, subscriptionId } = options;
  const wire = (one: RoleAssignment): Record<string, unknown> => wireAssignment(one, subscriptionId);

  return {
    RoleAssignments_Create: { action: `${right}/write`, run: (call) => create(options, call) },
    RoleAssignments_Get: {
      action: `${right}/read`,
      async run(call) {
        const { name, scopeKey } = targetOf(call);
        const found = guid.test(name) ? await assignments.byName(name) : undefined;
        if (found?.scope.toLowerCase() !== scopeKey) {
          throw new ArmError(404, 'RoleAssignmentNotFound', `The role assignment '${name}' is not found.`);
        }
        return { status: 200, body: wire(found) };
      },
    },
    RoleAssignments_Delete: {
      action: `${right}/delete`,
      async run(call) {
        refuseConditions(call);
        const { name, scopeKey } = targetOf(call);
        const removed = guid.test(name) ? await assignments.remove(name, scopeKey).catch(lastOwner) : null;
        return removed === null ? { status: 204 } : { status: 200, body: wire(removed) };
      },
    },
    RoleAssignments_ListForScope: {
      action: `${right}/read`,
      async run(call) {
        const { query } = call.exchange;
        refuseTenant(options, query);
        const terms = parseScopeFilter(parameter(query, '$filter'), filterForms);
        const principals = [...new Set(terms.flatMap(({ text }) => (text === null ? [] : [text.toLowerCase()])))];
        const [principalId = null, ...others] = principals;
        const { limit, last } = parseArmPage(query);
        // Nobody is two people, and nobody has the id of none.
        if (others.length > 0 || (principalId !== null && !guid.test(principalId))) {
          return { status: 200, body: armList(call, [], null) };
        }
        const found = await assignments.list({
          scope: call.scope.key,
          atScope: terms.some((term) => term.name === 'atscope'),
          principalId,
          last: last === null ? null : placeOf(last),
          limit: limit + 1,
        });
        const shown = found.slice(0, limit);
        const final = found.length > limit ? shown.at(-1) : undefined;
        const next = final ? `${final.scope.toLowerCase()} ${final.name}` : null;
        return { status: 200, body: armList(call, shown.map(wire), next) };
      },
    },
  };
}

async function create({ assignments, subscriptionId, tenantId }: Options, call: ArmCall): Promise<ArmAnswer> {
  refuseConditions(call);
  const { name, scope } = targetOf(call);
  if (!guid.test(name)) {
    const message = `The role assignment ID '${name}' is not valid. The role assignment ID must be a GUID.`;
    throw new ArmError(400, 'InvalidRoleAssignmentId', message);
  }
  const asked = member(call.body, 'properties');
  if (!isObject(asked)) throw new ArmError(400, 'InvalidRequestContent', "The property 'properties' is missing.");
  for (const property of ['condition', 'conditionVersion', 'delegatedManagedIdentityResourceId']) {
    if ((member(asked, property) ?? null) !== null) throw notThereYet(`'${property}' of a role assignment`);
  }
  const roleId = roleOf(textOf(asked, 'roleDefinitionId') ?? '');
  const principalId = textOf(asked, 'principalId') ?? '';
  const description = textOf(asked, 'description');
  if (description !== null && (description.length > maxDescriptionLength || /\p{Cc}/u.test(description))) {
    throw new ArmError(
      400,
      'InvalidDescription',
      `A description has at most ${maxDescriptionLength} characters, in one line.`,
    );
  }
  const unknown = new ArmError(
    400,
    'PrincipalNotFound',
    `Principal ${principalId} does not exist in the directory ${tenantId}. Check that you have the correct principal ID.`,
  );
  if (!guid.test(principalId)) throw unknown;
  const outcome = await assignments.assign({
    name,
    scope,
    roleId,
    principalId,
    principalType: textOf(asked, 'principalType'),
    description,
    by: call.subject.objectId,
  });
  switch (outcome.kind) {
    case 'created':
    case 'described':
      return {
        status: outcome.kind === 'created' ? 201 : 200,
        body: wireAssignment(outcome.assignment, subscriptionId),
      };
    case 'principal-unknown':
      throw unknown;
    case 'other-type': {
      const message = `The PrincipalId '${principalId}' is of type '${outcome.type}', not of the one that was given.`;
      throw new ArmError(400, 'UnmatchedPrincipalType', message);
    }
    case 'scope-unknown':
      throw new ArmError(404, 'ResourceNotFound', `There is nothing at the scope '${scope}'.`);
    case 'exists':
      throw new ArmError(409, 'RoleAssignmentExists', 'The role assignment already exists.');
    case 'name-taken': {
      const message = `The role assignment '${name}' exists with another principal, role or scope, which cannot be changed.`;
      throw new ArmError(409, 'RoleAssignmentUpdateNotPermitted', message);
    }
    default:
      return outcome satisfies never;
  }
}

/** The name of the assignment, and the scope that it is for. */
function targetOf({ scope }: ArmCall): { name: string; scope: string; scopeKey: string } {
  const end = scope.key.lastIndexOf('/providers/');
  const parent = parseResourceId(end <= 0 ? '/' : scope.text.slice(0, end));
  if (!parent) throw new ArmError(400, 'InvalidResourceId', 'The path holds a name that nothing can have.');
  return { name: scope.provider?.names.at(-1) ?? '', scope: parent.text, scopeKey: parent.key };
}

function roleOf(id: string): string {
  const roleId = (definitionId.exec(id)?.[1] ?? '').toLowerCase();
  if (roleById(roleId) === undefined) {
    const message = `The specified role definition with ID '${id.slice(0, 300)}' does not exist.`;
    throw new ArmError(404, 'RoleDefinitionDoesNotExist', message);
  }
  return roleId;
}

function textOf(properties: JsonObject, name: string): string | null {
  const value = member(properties, name) ?? null;
  if (value !== null && typeof value !== 'string') {
    throw new ArmError(400, 'InvalidRequestContent', `The property '${name}' is not a text.`);
  }
  return value;
}

function placeOf(last: string): { scopeKey: string; name: string } {
  const blank = last.lastIndexOf(' ');
  return { scopeKey: last.slice(0, Math.max(blank, 0)), name: last.slice(blank + 1) };
}

function refuseConditions({ conditions }: ArmCall): void {
  if (conditions.ifMatch !== null || conditions.ifNoneMatch !== null) {
    throw notThereYet('If-Match or If-None-Match on a role assignment, which has no etag,');
  }
}

function refuseTenant({ tenantId }: Options, query: URLSearchParams): void {
  const asked = parameter(query, 'tenantid');
  if (asked !== null && asked.toLowerCase() !== tenantId) throw notThereYet('tenantId of another tenant');
}

function lastOwner(error: unknown): never {
  if (!isFault(error, 'not-permitted')) throw error;
  throw new ArmError(409, 'RoleAssignmentDeletionNotPermitted', error.message);
}

function wireAssignment(one: RoleAssignment, subscriptionId: string): Record<string, unknown> {
  return {
    id: `${one.scope}/providers/Microsoft.Authorization/roleAssignments/${one.name}`,
    name: one.name,
    type: 'Microsoft.Authorization/roleAssignments',
    properties: {
      roleDefinitionId: roleDefinitionId(one.roleId, subscriptionId),
      principalId: one.principalId,
      principalType: one.principalType,
      scope: one.scope,
      condition: null,
      conditionVersion: null,
      createdOn: new Date(one.createdMs).toISOString(),
      updatedOn: new Date(one.updatedMs).toISOString(),
      createdBy: one.createdBy,
      updatedBy: one.updatedBy,
      delegatedManagedIdentityResourceId: null,
      description: one.description,
    },
  };
}
