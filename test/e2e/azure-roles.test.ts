import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { builtInRoles } from '../../src/identity/index.ts';
import { type Azure, armVersion, azureOf, type Caller, type Robot, roleIds } from './_azure.ts';
import { type Berth, startBerth } from './_server.ts';

let berth: Berth;
let azure: Azure;
let robot: Robot;
beforeAll(async () => {
  berth = await startBerth();
  azure = await azureOf(berth);
  robot = await azure.robot('holder');
});
afterAll(() => berth[Symbol.asyncDispose]());

const provider = 'providers/Microsoft.Authorization';
const pathOf = (scope: string, rest: string, query = ''): string =>
  `${scope}/${provider}/${rest}?${armVersion}${query}`;
const definition = (roleId: string): string => `${azure.subscription}/${provider}/roleDefinitions/${roleId}`;
const group = (): string => `${azure.subscription}/resourceGroups/berth`;

interface Item {
  readonly id: string;
  readonly name: string;
  readonly type: string;
  readonly properties: Record<string, unknown>;
}
const itemsOf = (answer: { json<T>(): T }): Item[] => answer.json<{ value: Item[] }>().value;

async function codeOf(work: ReturnType<Caller>): Promise<{ status: number; code: string; message: string }> {
  const answer = await work;
  const { error } = answer.json<{ error: { code: string; message: string } }>();
  return { status: answer.status, code: error.code, message: error.message };
}

const put = (scope: string, name: string, properties: Record<string, unknown>, caller: Caller = azure.arm) =>
  caller('PUT', pathOf(scope, `roleAssignments/${name}`), { properties });

describe('role definitions', () => {
  it('are the built-in ones, found by name in any case at any scope: az role assignment create --role acrpull', async () => {
    const version = 'api-version=2022-05-01-preview';
    for (const scope of [azure.subscription, group(), azure.registryId]) {
      const filter = encodeURIComponent("roleName eq 'acrpull'");
      const found = itemsOf(
        await azure.arm('GET', `${scope}/${provider}/roleDefinitions?${version}&$filter=${filter}`),
      );
      expect(found).toEqual([
        expect.objectContaining({
          id: definition(roleIds.acrPull),
          name: roleIds.acrPull,
          type: 'Microsoft.Authorization/roleDefinitions',
          properties: expect.objectContaining({
            roleName: 'AcrPull',
            type: 'BuiltInRole',
            permissions: [expect.objectContaining({ actions: ['Microsoft.ContainerRegistry/registries/pull/read'] })],
          }),
        }),
      ]);
    }
    const all = itemsOf(await azure.arm('GET', pathOf(azure.subscription, 'roleDefinitions')));
    expect(all.map((one) => one.name)).toEqual(builtInRoles.map((role) => role.id));
    const custom = `&$filter=${encodeURIComponent("type eq 'CustomRole'")}`;
    expect(itemsOf(await azure.arm('GET', pathOf(azure.subscription, 'roleDefinitions', custom)))).toEqual([]);
  });

  it('are got by id, and no others can be made', async () => {
    const one = await azure.arm('GET', `${definition(roleIds.owner)}?${armVersion}`);
    expect(one.json<Item>().properties['roleName']).toBe('Owner');
    const path = `${definition(randomUUID())}?${armVersion}`;
    expect(await codeOf(azure.arm('GET', path))).toMatchObject({ status: 404, code: 'RoleDefinitionDoesNotExist' });
    const made = await codeOf(azure.arm('PUT', path, { properties: { roleName: 'x' } }));
    expect(made.message).toContain('not there yet');
  });
});

describe('role assignments', () => {
  it('are made, got, listed and deleted as az does', async () => {
    const name = randomUUID();
    const properties = {
      roleDefinitionId: definition(roleIds.acrPull),
      principalId: robot.objectId,
      principalType: 'ServicePrincipal',
      description: 'for the test',
    };
    const made = await put(azure.registryId, name, properties);
    expect(made.status, made.text).toBe(201);
    const id = `${azure.registryId}/${provider}/roleAssignments/${name}`;
    const me = (await azure.graph('GET', '/v1.0/me')).json<{ id: string }>().id;
    expect(made.json<Item>()).toMatchObject({
      id,
      name,
      type: 'Microsoft.Authorization/roleAssignments',
      properties: { ...properties, scope: azure.registryId, condition: null, createdBy: me, updatedBy: me },
    });
    expect((await azure.arm('GET', `${id}?${armVersion}`)).json()).toEqual(made.json());
    expect((await azure.arm('GET', `${id.toUpperCase()}?${armVersion}`)).json()).toEqual(made.json());
    expect((await put(azure.registryId, name, properties)).status).toBe(200);

    const list = async (scope: string, filter: string) =>
      itemsOf(
        await azure.arm('GET', pathOf(scope, 'roleAssignments', filter && `&$filter=${encodeURIComponent(filter)}`)),
      )
        .filter((one) => one.properties['principalId'] === robot.objectId)
        .map((one) => one.name);
    expect(await list(azure.registryId, 'atScope()')).toEqual([name]);
    expect(await list(azure.subscription, '')).toEqual([name]);
    expect(await list(group(), '')).toEqual([name]);
    expect(await list(azure.subscription, 'atScope()')).toEqual([]);
    expect(await list(azure.subscription, `principalId eq '${robot.objectId}'`)).toEqual([name]);
    expect(await list(azure.subscription, `assignedTo('${robot.objectId.toUpperCase()}')`)).toEqual([name]);
    expect(await list(azure.subscription, `atScope() and assignedTo('${robot.objectId}')`)).toEqual([]);
    expect(await list(azure.subscription, `principalId eq '${randomUUID()}'`)).toEqual([]);
    expect(await list(azure.registryId, "principalId eq 'x'")).toEqual([]);

    expect((await azure.arm('DELETE', `${id}?${armVersion}`)).json<Item>().id).toBe(id);
    expect((await azure.arm('DELETE', `${id}?${armVersion}`)).status).toBe(204);
    expect(await codeOf(azure.arm('GET', `${id}?${armVersion}`))).toMatchObject({ code: 'RoleAssignmentNotFound' });
  });

  it('go on at nextLink', async () => {
    const listed: string[] = [];
    for (let count = 0; count < 3; count++) await azure.assign((await azure.robot('paged')).objectId, roleIds.reader);
    let path: string | undefined = pathOf(azure.subscription, 'roleAssignments', '&$top=2');
    while (path !== undefined) {
      const page: { value: Item[]; nextLink?: string } = (await azure.arm('GET', path)).json();
      expect(page.value.length).toBeLessThanOrEqual(2);
      listed.push(...page.value.map((one) => one.name));
      path = page.nextLink?.slice(azure.audience('management').length - 1);
    }
    const all = itemsOf(await azure.arm('GET', pathOf(azure.subscription, 'roleAssignments')));
    expect(listed).toEqual(all.map((one) => one.name));
    expect(new Set(listed).size).toBe(listed.length);
  });

  it('are refused with the words that clients look for', async () => {
    const good = { roleDefinitionId: definition(roleIds.reader), principalId: robot.objectId };
    const name = randomUUID();
    expect((await put(group(), name, good)).status).toBe(201);
    const nowhere = `${azure.registryId}x`;
    const cases: [string, string, Record<string, unknown>, number, string, RegExp][] = [
      [group(), randomUUID(), good, 409, 'RoleAssignmentExists', /already exists/],
      [
        group(),
        name,
        { ...good, roleDefinitionId: definition(roleIds.owner) },
        409,
        'RoleAssignmentUpdateNotPermitted',
        /cannot be changed/,
      ],
      [azure.registryId, name, good, 409, 'RoleAssignmentUpdateNotPermitted', /cannot be changed/],
      // az tries again for minutes while it reads these words (T-GRAPH-4).
      [
        group(),
        randomUUID(),
        { ...good, principalId: randomUUID() },
        400,
        'PrincipalNotFound',
        /does not exist in the directory/,
      ],
      [
        group(),
        randomUUID(),
        { ...good, principalId: 'x' },
        400,
        'PrincipalNotFound',
        /does not exist in the directory/,
      ],
      [group(), randomUUID(), { ...good, principalType: 'User' }, 400, 'UnmatchedPrincipalType', /ServicePrincipal/],
      [group(), randomUUID(), { ...good, principalType: 'Group' }, 400, 'UnmatchedPrincipalType', /ServicePrincipal/],
      [
        group(),
        randomUUID(),
        { ...good, roleDefinitionId: definition(randomUUID()) },
        404,
        'RoleDefinitionDoesNotExist',
        /does not exist/,
      ],
      [
        group(),
        randomUUID(),
        { ...good, roleDefinitionId: 'AcrPull' },
        404,
        'RoleDefinitionDoesNotExist',
        /does not exist/,
      ],
      [group(), 'not-a-guid', good, 400, 'InvalidRoleAssignmentId', /GUID/],
      [
        group(),
        randomUUID(),
        { ...good, condition: 'x', conditionVersion: '2.0' },
        400,
        'FeatureNotSupported',
        /condition/,
      ],
      [
        group(),
        randomUUID(),
        { ...good, delegatedManagedIdentityResourceId: 'x' },
        400,
        'FeatureNotSupported',
        /delegated/,
      ],
      [nowhere, randomUUID(), good, 404, 'ResourceNotFound', /nothing at the scope/],
    ];
    for (const [scope, assignment, properties, status, code, message] of cases) {
      const told = await codeOf(put(scope, assignment, properties));
      expect(told, JSON.stringify(properties)).toEqual({ status, code, message: expect.stringMatching(message) });
    }
    const filter = `&$filter=${encodeURIComponent("roleName eq 'x'")}`;
    const listed = await codeOf(azure.arm('GET', pathOf(group(), 'roleAssignments', filter)));
    expect(listed).toMatchObject({ status: 400, code: 'BadRequestFormat' });
  });

  it('of the last Owner cannot be deleted', async () => {
    const owners = itemsOf(await azure.arm('GET', pathOf(azure.subscription, 'roleAssignments', `&$filter=atScope()`)));
    const [last] = owners.filter((one) => one.properties['roleDefinitionId'] === definition(roleIds.owner));
    const told = await codeOf(azure.arm('DELETE', `${last?.id}?${armVersion}`));
    expect(told).toEqual({ status: 409, code: expect.any(String), message: expect.stringContaining('last Owner') });
  });
});

describe('the rights on roles', () => {
  it.each([
    ['Owner', roleIds.owner, true, true],
    ['User Access Administrator', '18d7d88d-d35e-4fb5-a5c3-7773c20a72d9', true, true],
    ['Contributor', roleIds.contributor, true, false],
    ['Reader', roleIds.reader, true, false],
    ['AcrPush', roleIds.acrPush, false, false],
  ] as const)('of %s hold at the scope of the role and nowhere else', async (_, roleId, reads, gives) => {
    const person = await azure.robot('judged');
    await azure.assign(person.objectId, roleId);
    const { arm } = azure.as(await azure.robotToken(person, azure.audience('management')));
    const give = async (scope: string) => {
      const name = randomUUID();
      const properties = { roleDefinitionId: definition(roleIds.acrPull), principalId: robot.objectId };
      const { status } = await put(scope, name, properties, arm);
      if (status === 201) await azure.arm('DELETE', pathOf(scope, `roleAssignments/${name}`));
      return status;
    };
    const read = async (scope: string) => (await arm('GET', pathOf(scope, 'roleAssignments'))).status;
    expect({ reads: await read(azure.registryId), gives: await give(azure.registryId) }).toEqual({
      reads: reads ? 200 : 403,
      gives: gives ? 201 : 403,
    });
    expect([await read(group()), await give(group()), await give(azure.subscription)]).toEqual([403, 403, 403]);
    const permissions = itemsOf(await arm('GET', pathOf(azure.registryId, 'permissions')));
    expect(permissions).toEqual(builtInRoles.find((role) => role.id === roleId)?.permissions);
    expect(itemsOf(await arm('GET', pathOf(azure.subscription, 'permissions')))).toEqual([]);
  });

  it('there are no deny assignments', async () => {
    expect(itemsOf(await azure.arm('GET', pathOf(group(), 'denyAssignments')))).toEqual([]);
    const path = pathOf(group(), `denyAssignments/${randomUUID()}`);
    expect(await codeOf(azure.arm('GET', path))).toMatchObject({ status: 404, code: 'DenyAssignmentNotFound' });
  });
});
