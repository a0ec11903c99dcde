import { type ResourceGroupRow, resourceGroupByKey } from '../../data/index.ts';
import { type Ids, isFault, type JsonObject, member } from '../../kernel/index.ts';
import type { Database } from '../../ports/index.ts';
import { operationHeaders } from '../arm/async-operations.ts';
import { armList, parameter, parseArmPage } from '../arm/paging.ts';
import { type ArmAnswer, type ArmCall, ArmError, type ArmOperationHandler, notThereYet } from '../arm/provider.ts';
import { parseTags } from '../arm/tags.ts';
import type { GroupDeletion } from './group-deletion.ts';
import { checkGroupName, groupKeyOf, groupNotFound, groupScopeKey, noSuchRegion, parseLocation } from './group-name.ts';
import { listGroups } from './group-store.ts';
import { beginGroupDeletion, changeGroup, etagOfGroup, type GroupProblem, putGroup } from './group-transactions.ts';
import { hasTag, parseResourceFilter } from './resource-filter.ts';
import type { Visibility } from './visibility.ts';

/** Rights on groups, as role definitions name them. */
const right = 'Microsoft.Resources/subscriptions/resourceGroups';

/** Groups that one request looks at; a list that filters many of them away goes on at its `nextLink`. */
const maxLookedAt = 5_000;

/** The operations on resource groups. */
export function groupOperations(options: {
  readonly database: Database;
  readonly ids: Ids;
  readonly subscriptionId: string;
  readonly region: string;
  readonly visibility: Visibility;
  readonly deletion: GroupDeletion;
  failedLater(error: unknown): void;
}): Record<string, ArmOperationHandler> {
  const { database, ids, subscriptionId, region, visibility, deletion } = options;
  const idOf = (name: string): string => `/subscriptions/${subscriptionId}/resourceGroups/${name}`;
  const wireOf = (row: ResourceGroupRow): Record<string, unknown> => ({
    id: idOf(row.name),
    name: row.name,
    type: 'Microsoft.Resources/resourceGroups',
    location: row.location,
    ...(row.tags === '{}' ? {} : { tags: JSON.parse(row.tags) as unknown }),
    properties: { provisioningState: row.provisioning_state },
  });
  const answerOf = (status: number, row: ResourceGroupRow): ArmAnswer => ({
    status,
    body: wireOf(row),
    headers: { etag: etagOfGroup(row) },
  });
  const find = async (call: ArmCall): Promise<ResourceGroupRow> => {
    const row = await database.first(resourceGroupByKey, { key: groupKeyOf(call.scope) });
    if (!row || row.provisioning_state === 'Deleted') throw groupNotFound(nameOf(call));
    return row;
  };

  return {
    ResourceGroups_List: {
      action: null,
      async run(call) {
        const visible = await visibility.of(call);
        const { limit, last } = parseArmPage(call.exchange.query);
        const filter = parseResourceFilter(parameter(call.exchange.query, '$filter'), ['tagname', 'tagvalue']);
        const value: unknown[] = [];
        let at = last ?? '';
        for (let looked = 0; looked < maxLookedAt; ) {
          const rows = await database.all(listGroups, { last: at, limit: rowsAtOnce });
          for (const row of rows) {
            at = row.key;
            if (!visible.group(groupScopeKey(subscriptionId, row.key)) || !hasTag(row.tags, filter)) continue;
            value.push(wireOf(row));
            if (value.length === limit) return { status: 200, body: armList(call, value, at) };
          }
          if (rows.length < rowsAtOnce) return { status: 200, body: armList(call, value, null) };
          looked += rows.length;
        }
        return { status: 200, body: armList(call, value, at) };
      },
    },
    ResourceGroups_Get: {
      action: `${right}/read`,
      run: async (call) => answerOf(200, await find(call)),
    },
    ResourceGroups_CheckExistence: {
      action: `${right}/read`,
      async run(call) {
        await find(call);
        return { status: 204 };
      },
    },
    ResourceGroups_CreateOrUpdate: {
      action: `${right}/write`,
      async run(call) {
        const name = nameOf(call);
        checkGroupName(name);
        refuseManagedBy(call.body);
        const made = await database
          .transact(putGroup, {
            key: groupKeyOf(call.scope),
            name,
            location: parseLocation(member(call.body, 'location')),
            region,
            tags: parseTags(member(call.body, 'tags')),
            conditions: call.conditions,
          })
          .catch(rethrow);
        return answerOf(made.created ? 201 : 200, made.row);
      },
    },
    ResourceGroups_Update: {
      action: `${right}/write`,
      async run(call) {
        checkNameInBody(call.body, nameOf(call));
        refuseManagedBy(call.body);
        const tags = member(call.body, 'tags');
        const row = await database
          .transact(changeGroup, {
            key: groupKeyOf(call.scope),
            tags: tags === undefined ? null : parseTags(tags),
            conditions: call.conditions,
          })
          .catch(rethrow);
        return answerOf(200, row);
      },
    },
    ResourceGroups_Delete: {
      action: `${right}/delete`,
      async run(call) {
        if (parameter(call.exchange.query, 'forcedeletiontypes') !== null) throw notThereYet('forceDeletionTypes');
        const { key, name } = await find(call);
        const obstacles = await deletion.obstacles(key);
        if (obstacles.length > 0) throw cannotDelete(name, obstacles);
        const operationId = ids.id();
        const scopeKey = groupScopeKey(subscriptionId, key);
        const { conditions, subject } = call;
        await database
          .transact(beginGroupDeletion, { key, scopeKey, conditions, operationId, principalId: subject.objectId })
          .catch(rethrow);
        // The answer does not wait: what goes wrong is tried again, and the operation tells how it stands.
        deletion.run(key, call.context).catch((error: unknown) => options.failedLater(error));
        return { status: 202, headers: operationHeaders(call, operationId, 'location') };
      },
    },
  };
}

const rowsAtOnce = 1000;

function nameOf(call: ArmCall): string {
  return call.scope.resourceGroup ?? '';
}

function cannotDelete(name: string, obstacles: readonly string[]): ArmError {
  const message = `The resource group '${name}' cannot be deleted, and nothing in it was: ${obstacles.join('; ')}.`;
  return new ArmError(409, 'ResourceGroupDeletionBlocked', message);
}

function checkNameInBody(body: JsonObject, name: string): void {
  const told = member(body, 'name');
  if (typeof told === 'string' && told.toLowerCase() !== name.toLowerCase()) {
    throw new ArmError(
      400,
      'InvalidRequestContent',
      `The path names the group '${name}', the body '${told.slice(0, 90)}'; they must be the same.`,
      { target: 'name' },
    );
  }
}

function refuseManagedBy(body: JsonObject): void {
  const managedBy = member(body, 'managedBy');
  if (managedBy !== undefined && managedBy !== null && managedBy !== '') throw notThereYet('managedBy of a group');
}

/** Says a transaction's refusal in Azure's words. */
function rethrow(error: unknown): never {
  if (!isFault(error) || error.detail === undefined) throw error;
  const { why, name, found } = error.detail as { why?: GroupProblem; name?: string; found?: string };
  switch (why) {
    case 'absent':
      throw groupNotFound(String(name));
    case 'deleting':
      throw new ArmError(
        409,
        'ResourceGroupBeingDeleted',
        `The resource group '${name}' is being deleted and takes no changes; wait until it is gone.`,
      );
    case 'other-location':
      throw new ArmError(
        409,
        'InvalidResourceGroupLocation',
        `The resource group '${name}' exists already in location '${found}'; a group does not move.`,
      );
    case 'no-such-region':
      throw noSuchRegion(String(name), String(found));
    case undefined:
      throw error;
    default:
      return why satisfies never;
  }
}
