import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { graphRoutes } from '../../src/azure/graph/routes.ts';
import type { ArmOperation } from '../../src/azure/index.ts';
import { builtInRoles, type Role } from '../../src/identity/index.ts';
import { versioned } from '../compatibility/_ground.ts';
import { described, pathFor, served } from '../compatibility/_served.ts';
import { type Azure, azureOf, type Robot } from './_azure.ts';
import type { LoginAnswer } from './_login.ts';
import { type Held, mayDo } from './_role-rules.ts';
import { type Berth, startBerth } from './_server.ts';

const roleNames = ['Owner', 'Contributor', 'Reader', 'User Access Administrator', 'AcrPull', 'AcrPush', 'AcrDelete'];
const places = ['the subscription', 'the group', 'the registry', 'another registry'] as const;

/** Who asks: somebody without a token (null), or with one and the roles that are told. */
interface Principal {
  readonly name: string;
  readonly kind: 'nobody' | 'user' | 'application';
  readonly held: readonly Held[];
  readonly management: string | null;
  readonly graph: string | null;
}

let berth: Berth;
let azure: Azure;
let principals: Principal[];
/** What the routes of Graph name: an application that has no role. */
let named: Robot;
const other = 'anotherone';
beforeAll(async () => {
  berth = await startBerth();
  azure = await azureOf(berth);
  await berth.operator('POST', '/registries', { name: other });
  named = await azure.robot('named');
  principals = await makePrincipals();
}, 180_000);
afterAll(() => berth[Symbol.asyncDispose]());

const roleOf = (name: string): Role => {
  const found = builtInRoles.find((role) => role.name === name);
  if (found === undefined) throw new Error(`there is no role ${name}`);
  return found;
};
const group = (): string => azure.registryId.split('/providers/')[0] ?? '';
const scopeOf = (place: (typeof places)[number]): string =>
  ({
    'the subscription': azure.subscription,
    'the group': group(),
    'the registry': azure.registryId,
    'another registry': azure.registryId.replace(berth.registry, other),
  })[place];

async function makePrincipals(): Promise<Principal[]> {
  const management = azure.audience('management');
  const graph = azure.audience('msgraph');
  const nobody = { kind: 'nobody', held: [], management: null, graph: null } as const;
  await berth.operator('POST', '/users', { name: 'plain', password: 'a long enough password' });
  const person = { username: 'plain@e2e.localhost', password: 'a long enough password' };
  const made: Principal[] = [
    { ...nobody, name: 'nobody' },
    { ...nobody, name: 'whoever makes a token up', management: 'not.a.token', graph: 'not.a.token' },
    {
      ...nobody,
      name: 'the operator with the token of another plane',
      management: await azure.userToken(berth.operatorUser, graph),
      graph: await azure.userToken(berth.operatorUser, management),
    },
    {
      name: 'a user without roles',
      kind: 'user',
      held: [],
      management: await azure.userToken(person, management),
      graph: await azure.userToken(person, graph),
    },
  ];
  const application = async (name: string, held: readonly Held[]): Promise<void> => {
    const robot = await azure.robot(name);
    for (const { role, scope } of held) await azure.assign(robot.objectId, role.id, scope);
    made.push({
      name,
      kind: 'application',
      held,
      management: await azure.robotToken(robot, management),
      graph: await azure.robotToken(robot, graph),
    });
  };
  await application('an application without roles', []);
  for (const name of roleNames) {
    for (const place of places)
      await application(`${name} at ${place}`, [{ role: roleOf(name), scope: scopeOf(place) }]);
  }
  return made;
}

/** What one asks about: the first group and its registry, which stay, whoever deletes them. */
const values = (): Record<string, string> => ({
  subscriptionId: berth.subscriptionId,
  resourceGroupName: group().split('/').at(-1) ?? '',
  registryName: berth.registry,
  scope: azure.registryId.slice(1),
  roleAssignmentName: randomUUID(),
  resourceProviderNamespace: 'Microsoft.ContainerRegistry',
});

/** Whoever has signed in may ask these; they tell only what the caller may see. */
const forEverybody = new Set([
  'Microsoft.Authorization/Permissions_ListForResource',
  'Microsoft.ContainerRegistry/Operations_List',
  'Microsoft.ContainerRegistry/Registries_List',
  'Microsoft.ContainerRegistry/Registries_ListByResourceGroup',
  'Microsoft.Resources/ResourceGroups_List',
  'Microsoft.Resources/Resources_List',
  'Microsoft.Resources/Resources_ListByResourceGroup',
  'Microsoft.Resources/Subscriptions_Get',
  'Microsoft.Resources/Subscriptions_List',
  'Microsoft.Resources/Subscriptions_ListLocations',
  'Microsoft.Resources/Tenants_List',
]);

const lastWords: Readonly<Record<string, string>> = {
  GET: 'read',
  HEAD: 'read',
  PUT: 'write',
  PATCH: 'write',
  POST: 'action',
  DELETE: 'delete',
};

/** The action that role definitions have for an operation: its type, its word, and what its method does. */
function actionOf(operation: ArmOperation): string {
  const { namespace, type, action, method } = operation;
  // The one POST that changes nothing.
  const last = action === 'checkNameAvailability' ? 'read' : lastWords[method];
  return [type || namespace, ...(action === null ? [] : [action]), last].join('/');
}

/** Where the action is asked about. */
function scopeOfPath(path: string): string {
  const extension = path.lastIndexOf('/providers/Microsoft.Authorization/');
  if (extension > 0) return path.slice(0, extension);
  if (path.startsWith(azure.registryId)) return azure.registryId;
  if (path.toLowerCase().startsWith(group().toLowerCase())) return group();
  return azure.subscription;
}

const refused = (answer: LoginAnswer): boolean => answer.status === 401 || answer.status === 403;

/** Asks for something; what changes anything comes with a body that no operation takes, so that all stays as it is. */
async function ask(label: string, token: string | null, method: string, path: string): Promise<LoginAnswer> {
  const reads = method === 'GET' || method === 'HEAD';
  return azure.login(method, path, {
    label,
    headers: {
      ...(token === null ? {} : { authorization: `Bearer ${token}` }),
      ...(reads ? {} : { 'content-type': 'application/json', 'if-match': '"none"' }),
    },
    ...(reads || method === 'DELETE' ? {} : { body: '[]' }),
  });
}

describe('the resource manager', () => {
  it('serves operations for everybody only where the test knows it', () => {
    const open = served.filter(({ handler }) => handler.action === null).map(({ key }) => key);
    expect(open.toSorted()).toEqual([...forEverybody].toSorted());
  });

  it.each(served.map((one) => [one.key, one.operation] as const))(
    '%s is for those whose roles allow it',
    async (key, operation) => {
      const path = pathFor(operation, values());
      const expected: unknown[] = [];
      const found: unknown[] = [];
      for (const { name, kind, held, management } of principals) {
        const allowed = forEverybody.has(key) || mayDo(held, actionOf(operation), scopeOfPath(path));
        const answer = await ask('management', management, operation.method, versioned(path));
        expected.push([name, kind === 'nobody' ? 401 : allowed ? 'let through' : 403]);
        found.push([name, refused(answer) ? answer.status : 'let through']);
        expect(answer.status, `${name}: ${answer.text}`).toBeLessThan(500);
      }
      expect(found).toEqual(expected);
    },
  );

  it.each([
    ['the subscription', () => azure.subscription],
    ['the group', group],
  ] as const)('lists of %s the registries that the caller may read, and no other', async (_, scope) => {
    const all = [azure.registryId, scopeOf('another registry')];
    const read = 'Microsoft.ContainerRegistry/registries/read';
    const lists = [`${scope()}/providers/Microsoft.ContainerRegistry/registries`, `${scope()}/resources`];
    for (const { name, kind, held, management } of principals) {
      if (kind === 'nobody') continue;
      const visible = all.filter((id) => mayDo(held, read, id)).map((id) => id.toLowerCase());
      for (const path of lists) {
        const answer = await ask('management', management, 'GET', versioned(path));
        // A list of a subscription in which one has nothing at all is none.
        const ids = answer.status === 404 ? [] : answer.json<{ value: { id: string }[] }>().value.map(({ id }) => id);
        expect([name, path, ids.map((id) => id.toLowerCase()).toSorted()]).toEqual([name, path, visible.toSorted()]);
      }
    }
  });

  it('tells nobody who has not signed in whether there is an operation', async () => {
    for (const { key, operation } of described) {
      const answer = await ask('management', null, operation.method, versioned(pathFor(operation, values())));
      expect([key, answer.status]).toEqual([key, 401]);
    }
  });

  it('has changed nothing by all that', async () => {
    for (const id of [group(), azure.registryId, scopeOf('another registry')]) {
      expect((await azure.arm('GET', versioned(id))).status).toBe(200);
    }
  });
});

describe('Graph', () => {
  /** Who manages the directory: whoever may give roles at the subscription. */
  const manages = (held: readonly Held[]): boolean =>
    mayDo(held, 'Microsoft.Authorization/roleAssignments/write', azure.subscription);

  it.each(graphRoutes)('$methods $id is for those whose roles allow it', async ({ id, methods, pattern, right }) => {
    const byId = encodeURIComponent(`appId eq '${named.appId}'`);
    // Everybody may look for one by its id, and nothing is there to be deleted.
    const query = id === 'applications.list' || id === 'servicePrincipals.list' ? `?$filter=${byId}` : '';
    const target = id.endsWith('.delete') || /^(?:users|groups)/.test(id) ? randomUUID() : named.objectId;
    const known = id.startsWith('applications') && !id.endsWith('.delete') ? named.applicationId : target;
    for (const method of methods) {
      const expected: unknown[] = [];
      const found: unknown[] = [];
      for (const { name, kind, held, graph } of principals) {
        const allowed = {
          manage: manages(held),
          user: kind === 'user' || manages(held),
          anyone: true,
          self: true,
        }[right];
        const answer = await ask('msgraph', graph, method, `${pattern.replace('{id}', known)}${query}`);
        expected.push([name, kind === 'nobody' ? 401 : allowed ? 'let through' : 403]);
        found.push([name, refused(answer) ? answer.status : 'let through']);
        expect(answer.status, `${name}: ${answer.text}`).toBeLessThan(500);
      }
      expect(found).toEqual(expected);
    }
  });

  it('has changed nothing by all that', async () => {
    const shown = await azure.graph('GET', `/v1.0/applications/${named.applicationId}`);
    expect(shown.json()).toMatchObject({ displayName: 'named', passwordCredentials: [{ keyId: named.keyId }] });
  });
});
