import type { ArmContracts, ArmOperation } from './contracts.ts';
import { ArmError, type ArmOperationHandler, notThereYet, type ResourceProvider } from './provider.ts';
import { splitPath } from './resource-path.ts';

/** The operation that a request asks for, with who serves it. */
export interface LookedUp {
  readonly operation: ArmOperation;
  readonly handler: ArmOperationHandler;
  readonly parameters: Readonly<Record<string, string>>;
  /** The path's segments, decoded. */
  readonly segments: readonly string[];
}

/** Finds operation and handler of a request. Throws 404 for a path of none, 405 for another method, 400 for one without handler. */
export type LookUp = (method: string, path: string) => LookedUp;

/** Makes the look-up. Throws for a provider that serves what the contracts do not have: that would never be asked for. */
export function operationLookup(contracts: ArmContracts, providers: readonly ResourceProvider[]): LookUp {
  const handlers = new Map<ArmOperation, ArmOperationHandler>();
  for (const { namespace, operations } of providers) {
    const table = contracts.operations.get(namespace);
    for (const [id, handler] of Object.entries(operations)) {
      const operation = table?.get(id);
      if (operation === undefined || operation.sameAs !== undefined || handlers.has(operation)) {
        throw new Error(`${namespace} has no operation "${id}" that a provider could serve`);
      }
      handlers.set(operation, handler);
    }
  }
  const namespaces = new Map([...contracts.operations.keys()].map((name) => [name.toLowerCase(), name]));

  return (method, path) => {
    const found = contracts.find(method, path);
    const segments = splitPath(path);
    if (found.kind === 'other-methods') {
      const allowed = found.allowed.join(', ');
      throw new ArmError(405, 'HttpMethodNotAllowed', `${method} is not served at this path; there are ${allowed}.`);
    }
    if (found.kind === 'none' || segments === undefined) {
      throw unknownPath(found.kind === 'none' ? found.namespace : null, namespaces);
    }
    const { operation, parameters } = found;
    const handler = handlers.get(operation);
    if (handler === undefined) throw notThereYet(`${operation.namespace} ${operation.id}`);
    return { operation, handler, parameters, segments };
  };
}

function unknownPath(namespace: string | null, known: ReadonlyMap<string, string>): ArmError {
  if (namespace === null) {
    return new ArmError(404, 'ResourceNotFound', 'There is nothing at this path.');
  }
  const name = known.get(namespace.toLowerCase());
  if (name === undefined) {
    const quoted = namespace.slice(0, 100);
    return new ArmError(404, 'InvalidResourceNamespace', `The resource namespace '${quoted}' is invalid.`);
  }
  return new ArmError(404, 'InvalidResourceType', `The namespace '${name}' has no resource type at this path.`);
}
