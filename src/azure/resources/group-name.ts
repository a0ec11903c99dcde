import type { JsonValue, ResourceId } from '../../kernel/index.ts';
import { ArmError } from '../arm/provider.ts';

const grammar = /^[A-Za-z0-9._()-]{1,90}$/;

/** A name that a resource group may have: letters, digits and `._()-`, 1 to 90, no dot at the end. Throws 400. */
export function checkGroupName(name: string): void {
  if (!grammar.test(name) || name.endsWith('.')) {
    throw new ArmError(
      400,
      'InvalidResourceGroup',
      `The resource group name '${name.slice(0, 120)}' is none: 1 to 90 letters, digits and . _ ( ) -, no dot at the end.`,
    );
  }
}

/** A location as clients write it (`East US`, `eastus`), as it is kept. Throws 400 for what is none. */
export function parseLocation(value: JsonValue | undefined): string {
  const text = typeof value === 'string' ? value : '';
  const name = text.toLowerCase().replaceAll(' ', '');
  if (!/^[a-z][a-z0-9]{1,62}$/.test(name)) {
    throw new ArmError(
      400,
      'LocationNotAvailableForResourceGroup',
      `The location '${text.slice(0, 60)}' is none: letters and digits, a letter first.`,
    );
  }
  return name;
}

/** The refusal for a location that is no region here: clients make what stands in a group where the group is. */
export function noSuchRegion(location: string, region: string): ArmError {
  return new ArmError(
    400,
    'LocationNotAvailableForResourceGroup',
    `The location '${location}' is not available for resource groups; there is '${region}'. The setting region.name gives the region another name, at the first start.`,
  );
}

/** The scope of a group as a key. */
export function groupScopeKey(subscriptionId: string, groupKey: string): string {
  return `/subscriptions/${subscriptionId}/resourcegroups/${groupKey}`;
}

/** The key of the group that a scope stands in. */
export function groupKeyOf(scope: ResourceId): string {
  return (scope.resourceGroup ?? '').toLowerCase();
}

/** The refusal for a group that is not there. */
export function groupNotFound(name: string): ArmError {
  return new ArmError(404, 'ResourceGroupNotFound', `Resource group '${name}' could not be found.`);
}
