import { lazyContracts } from '../../src/azure/arm/contracts.ts';
import type { ArmOperation, ArmOperationHandler } from '../../src/azure/index.ts';
import { type ProviderParts, resourceProviders } from '../../src/azure/management.ts';
import { randomIds, systemClock } from '../../src/kernel/index.ts';

/** An operation of the contracts, and who serves it; undefined for nobody. */
export interface Described {
  /** `Microsoft.Resources/Tenants_List`. */
  readonly key: string;
  readonly operation: ArmOperation;
  readonly handler: ArmOperationHandler | undefined;
}

/** Providers tell what they serve without a database; whoever asks one for more than that hears so. */
function absent<T extends object>(): T {
  return new Proxy({} as T, {
    get(_, name) {
      throw new Error(`a table of operations needs nothing of a server, and asked for ${String(name)}`);
    },
  });
}

const guid = '00000000-0000-0000-0000-000000000000';
const parts: ProviderParts = {
  domain: 'berth.localhost',
  tenantId: guid,
  subscriptionId: guid,
  region: 'local',
  database: absent(),
  directory: absent(),
  wrapper: absent(),
  clock: systemClock,
  ids: randomIds,
  draining: () => false,
  failedLater: () => {},
};

export const contracts = await lazyContracts()();
const handlers: ReadonlyMap<string, ArmOperationHandler> = new Map(
  resourceProviders(parts).providers.flatMap(({ namespace, operations }) =>
    Object.entries(operations).map(([id, handler]) => [`${namespace}/${id}`, handler] as const),
  ),
);

/** Every operation of the resource manager that a description has, in the order of namespaces and names. */
export const described: readonly Described[] = [...contracts.operations].flatMap(([namespace, table]) =>
  [...table.values()].map((operation) => {
    const key: string = `${namespace}/${operation.id}`;
    return { key, operation, handler: handlers.get(key) };
  }),
);

/** Those that a provider of this version answers. */
export const served = described.filter(
  (one): one is Described & { handler: ArmOperationHandler } => one.handler !== undefined,
);

/** The path of an operation with a value for each parameter. */
export function pathFor(operation: ArmOperation, values: Readonly<Record<string, string>>): string {
  const template = operation.route ?? operation.path;
  return template.replaceAll(/\{(\w+)\}/g, (_, name: string) => values[name] ?? `x${name.toLowerCase()}`);
}
