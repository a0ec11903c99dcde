import { resourceGroupByKey } from '../../data/index.ts';
import type { Database } from '../../ports/index.ts';
import { armList, parameter, parseArmPage } from '../arm/paging.ts';
import { type ArmCall, ArmError, type ArmOperationHandler } from '../arm/provider.ts';
import { groupKeyOf, groupNotFound, groupScopeKey } from './group-name.ts';
import { hasTag, parseResourceFilter, type ResourceFilter } from './resource-filter.ts';
import { type ListedResource, resourcesInRange, resourcesOfTypeInRange } from './resource-list-store.ts';
import type { KeyRange, Visibility } from './visibility.ts';

/** Rows that one request looks at; a list that filters many of them away goes on at its `nextLink`. */
const maxLookedAt = 20_000;
/** Statements that one request asks: a caller with many small ranges gets pages, too. */
const maxRanges = 2_000;
const rowsAtOnce = 1000;

const expansions = ['createdtime', 'changedtime', 'provisioningstate'] as const;
type Expansion = (typeof expansions)[number];

/**
 * The lists over all types, of a subscription and of a group. az looks every registry up in it by name, so it holds all of
 * the subscription (AZ-WIRE T-ARM-7); each caller sees what they may read. `types` are the spellings by lower case.
 */
export function resourceListOperations(options: {
  readonly database: Database;
  readonly subscriptionId: string;
  readonly visibility: Visibility;
  readonly types: ReadonlyMap<string, string>;
}): Record<string, ArmOperationHandler> {
  const { database, subscriptionId, visibility, types } = options;

  const wireOf = (row: ListedResource, expanded: ReadonlySet<Expansion>): Record<string, unknown> => ({
    id: row.id,
    name: row.name,
    type: types.get(row.type) ?? row.type,
    location: row.location,
    ...(row.sku === null ? {} : { sku: { name: row.sku, tier: row.sku } }),
    ...(row.identity === null ? {} : { identity: JSON.parse(row.identity) as unknown }),
    ...(row.tags === '{}' ? {} : { tags: JSON.parse(row.tags) as unknown }),
    ...(expanded.has('createdtime') ? { createdTime: new Date(row.created_ms).toISOString() } : {}),
    ...(expanded.has('changedtime') ? { changedTime: new Date(row.modified_ms).toISOString() } : {}),
    ...(expanded.has('provisioningstate') ? { provisioningState: row.provisioning_state } : {}),
  });

  const list: ArmOperationHandler = {
    action: null,
    async run(call) {
      const { query } = call.exchange;
      const page = parseArmPage(query);
      const expanded = parseExpand(parameter(query, '$expand'));
      const filter = parseResourceFilter(parameter(query, '$filter'));
      const visible = await visibility.of(call);
      const group = filter.resourcegroup;
      const wanted = groupScope(call, subscriptionId, group);
      if (call.scope.resourceGroup !== null && visible.group(call.scope.key)) await existing(call);
      const value: unknown[] = [];
      let last = page.last ?? '';
      let looked = 0;
      let asked = 0;
      for (const range of withinScope(visible.ranges, wanted)) {
        if (range.to <= last) continue;
        for (;;) {
          const rows = await rowsOf(range, last, filter);
          for (const row of rows) {
            last = row.key;
            if (!matches(row, filter) || !visible.resource(row)) continue;
            value.push(wireOf(row, expanded));
            if (value.length === page.limit) return { status: 200, body: armList(call, value, last) };
          }
          looked += rows.length;
          asked += 1;
          const isTooMuch = looked >= maxLookedAt || asked >= maxRanges;
          if (isTooMuch) return { status: 200, body: armList(call, value, rows.at(-1)?.key ?? range.from) };
          if (rows.length < rowsAtOnce) break;
        }
      }
      return { status: 200, body: armList(call, value, null) };
    },
  };

  /** Who may read a group hears that it is not there; who may not finds nothing in it, there or not. */
  const existing = async ({ scope }: ArmCall): Promise<void> => {
    const row = await database.first(resourceGroupByKey, { key: groupKeyOf(scope) });
    if (!row || row.provisioning_state === 'Deleted') throw groupNotFound(scope.resourceGroup ?? '');
  };

  const rowsOf = (range: KeyRange, last: string, filter: ResourceFilter): Promise<ListedResource[]> => {
    const { to } = range;
    // One lower bound, and not two: an engine takes the lesser one. No key has a character before this one.
    const from = range.from > last ? range.from : `${last}\u0001`;
    const { resourcetype: type } = filter;
    return type === undefined
      ? database.all(resourcesInRange, { from, to, limit: rowsAtOnce })
      : database.all(resourcesOfTypeInRange, { type, from, to, limit: rowsAtOnce });
  };

  return { Resources_List: list, Resources_ListByResourceGroup: list };
}

function matches(row: ListedResource, filter: ResourceFilter): boolean {
  if (filter.name !== undefined && row.name.toLowerCase() !== filter.name) return false;
  if (filter.location !== undefined && row.location !== filter.location.replaceAll(' ', '')) return false;
  return hasTag(row.tags, filter);
}

/** The scope that the list is about: that of the path, or the group of the filter in it. Undefined when both name one. */
function groupScope(call: ArmCall, subscriptionId: string, group: string | undefined): string | undefined {
  if (group === undefined) return call.scope.key;
  const scope = groupScopeKey(subscriptionId, group);
  return call.scope.resourceGroup === null || call.scope.key === scope ? scope : undefined;
}

/** Where in the order of keys to look: the parts of `ranges` below a scope. */
export function withinScope(ranges: readonly KeyRange[] | null, scope: string | undefined): KeyRange[] {
  if (scope === undefined) return [];
  const whole = { from: `${scope}/`, to: `${scope}0` };
  if (ranges === null) return [whole];
  return ranges
    .map(({ from, to }) => ({ from: from > whole.from ? from : whole.from, to: to < whole.to ? to : whole.to }))
    .filter(({ from, to }) => from < to);
}

function parseExpand(text: string | null): ReadonlySet<Expansion> {
  const words = (text ?? '').split(',').map((word) => word.trim().toLowerCase());
  const asked = words.filter((word) => word !== '');
  const unknown = asked.find((word) => !(expansions as readonly string[]).includes(word));
  if (unknown !== undefined) {
    throw new ArmError(
      400,
      'InvalidExpandInQueryString',
      `$expand does not know '${unknown.slice(0, 40)}'; there are createdTime, changedTime, provisioningState.`,
    );
  }
  return new Set(asked as Expansion[]);
}
