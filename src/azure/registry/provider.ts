import { registries, usage } from '../../content/index.ts';
import { credentialService, type Directory } from '../../identity/index.ts';
import type { Clock, Ids } from '../../kernel/index.ts';
import { noConditions, parseResourceId } from '../../kernel/index.ts';
import type { Database, KeyWrapper } from '../../ports/index.ts';
import type { ResourceProvider } from '../arm/provider.ts';
import { registryOperations } from './routes.ts';
import { registryService } from './service.ts';

/** Versions that clients were seen with or that descriptions know, newest first. */
const apiVersions = [
  '2026-09-01-preview',
  '2026-03-01-preview',
  '2025-11-01',
  '2025-04-01',
  '2025-03-01-preview',
  '2023-11-01-preview',
  '2023-07-01',
  '2023-01-01-preview',
  '2021-06-01-preview',
  '2019-05-01',
];

/** Microsoft.ContainerRegistry: registries. */
export function registryProvider(options: {
  readonly database: Database;
  readonly directory: Directory;
  readonly wrapper: KeyWrapper;
  readonly clock: Clock;
  readonly ids: Ids;
  readonly tenantId: string;
}): ResourceProvider {
  const { database, wrapper, clock, ids } = options;
  const all = registries(database);
  const service = registryService({
    registries: all,
    credentials: credentialService({ database, wrapper, ids }),
    usage: usage({ database, clock }),
    reader: database,
    ids,
  });
  return {
    namespace: 'Microsoft.ContainerRegistry',
    resourceTypes: [
      { type: 'registries', apiVersions },
      { type: 'checkNameAvailability', apiVersions },
      { type: 'operations', apiVersions },
    ],
    operations: registryOperations({ ...options, service, registries: all, reader: database }),
    removers: {
      registries: {
        async obstacle(row) {
          const registry = await all.resource(row.key);
          if (!registry?.isDefault) return undefined;
          return `the registry '${row.name}' is that of the plain listener: make another one that first (berth registry update NAME --default)`;
        },
        async remove(row, context) {
          const scope = parseResourceId(row.id);
          if (!scope) throw new Error(`a resource whose id is none: ${row.id}`);
          await service.remove({ scope, context, conditions: noConditions });
        },
      },
    },
  };
}
