import type { Registries } from '../../content/index.ts';
import type { ResourceAuthor } from '../../data/index.ts';
import type { Directory, Subject } from '../../identity/index.ts';
import { type JsonObject, member } from '../../kernel/index.ts';
import type { SqlReader } from '../../ports/index.ts';
import { armList, parseArmPage } from '../arm/paging.ts';
import { type ArmAnswer, type ArmCall, ArmError, type ArmOperationHandler, notThereYet } from '../arm/provider.ts';
import { operationList } from './operation-list.ts';
import type { RegistryService } from './service.ts';
import { usageWire } from './usage-wire.ts';
import { readAction, visibleRegistries } from './visible.ts';
import { isPreview, loginServer, registryWire } from './wire.ts';

/** Rights on registries, as role definitions name them. */
const right = 'Microsoft.ContainerRegistry/registries';

/** The operations on registries. */
export function registryOperations(options: {
  readonly service: RegistryService;
  readonly registries: Registries;
  readonly directory: Directory;
  readonly reader: SqlReader;
  readonly tenantId: string;
}): Record<string, ArmOperationHandler> {
  const { service, tenantId } = options;
  const toldOf = (call: ArmCall) => ({ apiVersion: call.apiVersion, urls: call.urls, tenantId });
  const answerOf = (call: ArmCall, status: number, registry: Parameters<typeof registryWire>[0]): ArmAnswer => ({
    status,
    body: registryWire(registry, toldOf(call)),
    headers: { etag: registry.etag },
  });
  const list = async (call: ArmCall): Promise<ArmAnswer> => {
    const { registries, next } = await visibleRegistries(options, call, parseArmPage(call.exchange.query));
    const value = registries.map((one) => registryWire(one, toldOf(call)));
    return { status: 200, body: armList(call, value, next) };
  };
  /** A list of what no registry of this version has. */
  const none = (action: ArmOperationHandler['action']): ArmOperationHandler => ({
    action,
    async run(call) {
      await service.get(call.scope);
      return { status: 200, body: armList(call, [], null) };
    },
  });

  return {
    Operations_List: { action: null, run: async (call) => ({ status: 200, body: armList(call, operationList, null) }) },
    Registries_CheckNameAvailability: {
      action: 'Microsoft.ContainerRegistry/checkNameAvailability/read',
      async run(call) {
        const name = nameToCheck(call.body);
        const verdict = await service.checkName(name);
        if (!verdict.available) {
          const { reason, message } = verdict;
          return { status: 200, body: { nameAvailable: false, reason, message } };
        }
        const server = isPreview(call.apiVersion) ? { availableLoginServerName: loginServer(name, call.urls) } : {};
        return { status: 200, body: { nameAvailable: true, ...server } };
      },
    },
    Registries_List: { action: null, run: list },
    Registries_ListByResourceGroup: { action: null, run: list },
    Registries_Get: {
      action: readAction,
      run: async (call) => answerOf(call, 200, await service.get(call.scope)),
    },
    Registries_Create: {
      action: `${right}/write`,
      async run(call) {
        const { created, registry } = await service.put(requestOf(call), call.body);
        return answerOf(call, created ? 201 : 200, registry);
      },
    },
    Registries_Update: {
      action: `${right}/write`,
      run: async (call) => answerOf(call, 200, await service.patch(requestOf(call), call.body)),
    },
    Registries_Delete: {
      action: `${right}/delete`,
      run: async (call) => ({ status: (await service.remove(requestOf(call))) ? 200 : 204 }),
    },
    Registries_ListUsages: {
      action: `${right}/listUsages/read`,
      run: async (call) => ({ status: 200, body: usageWire(await service.usage(call.scope)) }),
    },
    Registries_ListCredentials: {
      action: `${right}/listCredentials/action`,
      run: async (call) => ({ status: 200, body: await service.credentials(call.scope, call.context) }),
    },
    Registries_RegenerateCredential: {
      action: `${right}/regenerateCredential/action`,
      async run(call) {
        const body = await service.renewCredential(call.scope, passwordOf(call.body), call.context);
        return { status: 200, body };
      },
    },
    Registries_ListPrivateLinkResources: {
      action: `${right}/privateLinkResources/read`,
      async run(call) {
        await service.get(call.scope);
        throw notThereYet('Private Link');
      },
    },
    PrivateEndpointConnections_List: none(`${right}/privateEndpointConnections/read`),
    Replications_List: none(`${right}/replications/read`),
  };
}

function requestOf(call: ArmCall) {
  const { scope, context, conditions, subject } = call;
  return { scope, context, conditions, by: authorOf(subject) };
}

function authorOf(subject: Subject): ResourceAuthor {
  return { name: subject.name, type: subject.kind === 'user' ? 'User' : 'Application' };
}

/** Reads the body of checkNameAvailability. Throws 400. */
function nameToCheck(body: JsonObject): string {
  const { name, type } = { name: member(body, 'name'), type: member(body, 'type') };
  if (typeof name !== 'string' || typeof type !== 'string' || type.toLowerCase() !== right.toLowerCase()) {
    throw new ArmError(400, 'InvalidRequestContent', `There must be a 'name', and '${right}' as 'type'.`);
  }
  const label = member(body, 'autoGeneratedDomainNameLabelScope');
  if (typeof label === 'string' && label.toLowerCase() !== 'unsecure') {
    throw notThereYet('A generated label in the login server');
  }
  return name;
}

function passwordOf(body: JsonObject): 'password' | 'password2' {
  const name = member(body, 'name');
  if (name === 'password' || name === 'password2') return name;
  throw new ArmError(400, 'InvalidRequestContent', "'name' must be 'password' or 'password2'.", { target: 'name' });
}
