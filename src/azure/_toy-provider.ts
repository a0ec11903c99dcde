import type { Database } from '../ports/index.ts';
import { dropResourceRow } from './_people-fixture.ts';
import { type ArmCall, ArmError, type ArmOperationHandler, type ResourceProvider } from './arm/provider.ts';

/** What the toy was asked for, and how it misbehaves. */
export interface Toy {
  readonly provider: ResourceProvider;
  readonly calls: ArmCall[];
  /** Keys of what was removed, in order. */
  readonly removed: string[];
  /** Why a resource with a name cannot go, before anything does. */
  readonly obstacles: Map<string, string>;
  /** What removing a resource with a name throws. */
  readonly refusals: Map<string, Error>;
}

/** A provider of the namespace of registries that echoes what it is asked, and whose resources are rows and nothing more. */
export function toyProvider(database: Database): Toy {
  const calls: ArmCall[] = [];
  const removed: string[] = [];
  const obstacles = new Map<string, string>();
  const refusals = new Map<string, Error>();
  const echo = (action: ArmOperationHandler['action']): ArmOperationHandler => ({
    action,
    async run(call) {
      calls.push(call);
      if (call.parameters['registryName'] === 'nothere') throw new ArmError(404, 'ResourceNotFound', 'it is not there');
      if (call.parameters['registryName'] === 'broken') throw new TypeError('inner workings');
      return { status: 200, body: { id: call.scope.text, parameters: call.parameters, got: call.body } };
    },
  });
  const own = 'Microsoft.ContainerRegistry/registries' as const;
  const provider: ResourceProvider = {
    namespace: 'Microsoft.ContainerRegistry',
    resourceTypes: [
      { type: 'registries', apiVersions: ['2026-09-01-preview', '2025-11-01'] },
      { type: 'registries/webhooks', apiVersions: ['2025-11-01'] },
    ],
    operations: {
      Registries_Get: echo(`${own}/read`),
      Registries_Create: echo(`${own}/write`),
      Registries_Update: echo(`${own}/write`),
      Registries_ListCredentials: echo(`${own}/listCredentials/action`),
    },
    removers: {
      registries: {
        obstacle: async (resource) => obstacles.get(resource.name),
        async remove(resource) {
          const refusal = refusals.get(resource.name);
          if (refusal !== undefined) throw refusal;
          await database.transact(dropResourceRow, { key: resource.key });
          removed.push(resource.key);
        },
      },
    },
  };
  return { provider, calls, removed, obstacles, refusals };
}
