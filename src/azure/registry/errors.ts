import { registryRule } from '../../content/index.ts';
import { isFault, type ResourceId } from '../../kernel/index.ts';
import { ArmError } from '../arm/provider.ts';

/** The refusal for a registry that is not there. */
export function registryNotFound(scope: ResourceId): ArmError {
  const name = scope.provider?.names[0] ?? '';
  return new ArmError(
    404,
    'ResourceNotFound',
    `The Resource 'Microsoft.ContainerRegistry/registries/${name}' under resource group '${scope.resourceGroup ?? ''}' was not found.`,
  );
}

/** A refusal of the registry use-cases in the words that Azure has for it; every other error as it is. */
export function registryError(error: unknown, scope: ResourceId): unknown {
  const told = registryRule(error);
  if (!isFault(error) || told === undefined) return isFault(error, 'not-found') ? registryNotFound(scope) : error;
  const { rule } = told;
  const target = told.target === undefined ? {} : { target: told.target };
  const name = scope.provider?.names[0] ?? '';
  const group = scope.resourceGroup ?? '';
  const refusal = (status: number, code: string, message = `${error.message}.`): ArmError =>
    new ArmError(status, code, message, target);
  switch (rule) {
    case 'name-invalid':
      return refusal(400, 'NameInvalid');
    case 'name-taken':
      return refusal(409, 'AlreadyInUse', `The registry ${name} is already in use; az acr check-name tells of a name.`);
    case 'group-unknown':
      return refusal(404, 'ResourceGroupNotFound', `Resource group '${group}' could not be found.`);
    case 'group-deleting':
      return refusal(409, 'ResourceGroupBeingDeleted');
    case 'location-unknown':
      return refusal(400, 'LocationNotAvailableForResourceType');
    case 'default-registry':
      return refusal(409, 'OperationNotAllowed');
    case 'tier-lacks':
      return refusal(400, 'SkuNotSupported');
    case 'tier-exceeded':
      return refusal(409, 'QuotaExceeded');
    default:
      return rule satisfies never;
  }
}
