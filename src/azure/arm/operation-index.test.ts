import { describe, expect, test } from 'vitest';
import { type ArmOperation, lazyContracts } from './contracts.ts';
import { indexOperations } from './operation-index.ts';

const { find, operations } = await lazyContracts()();
const group = '/subscriptions/s1/resourceGroups/rg1';
const registry = `${group}/providers/Microsoft.ContainerRegistry/registries/reg12`;
const assignment = 'providers/Microsoft.Authorization/roleAssignments';

function told(method: string, path: string): unknown {
  const found = find(method, path);
  return found.kind === 'found' ? [found.operation.id, found.parameters] : found;
}

describe('a path', () => {
  test.each([
    ['GET', registry, 'Registries_Get'],
    ['PUT', registry, 'Registries_Create'],
    ['GET', `${registry}/listUsages`, 'Registries_ListUsages'],
    ['POST', `${registry}/importImage`, 'Registries_ImportImage'],
    ['POST', `${registry}/webhooks/hook1/ping`, 'Webhooks_Ping'],
    ['PUT', `${registry}/tasks/t`, 'Tasks_Create'],
    ['GET', '/subscriptions/s1/providers/Microsoft.ContainerRegistry/registries', 'Registries_List'],
    ['GET', '/subscriptions/s1/providers/Microsoft.ContainerRegistry', 'Providers_Get'],
    ['POST', '/subscriptions/s1/providers/Microsoft.ContainerRegistry/register', 'Providers_Register'],
    ['HEAD', '/subscriptions/s1/resourcegroups/rg1', 'ResourceGroups_CheckExistence'],
    ['GET', '/subscriptions', 'Subscriptions_List'],
    ['GET', '/tenants', 'Tenants_List'],
    ['GET', '/providers/Microsoft.ContainerRegistry/operations', 'Operations_List'],
    ['GET', `${group}/providers/Microsoft.Authorization/permissions`, 'Permissions_ListForResource'],
    ['GET', `${registry}/providers/Microsoft.Authorization/permissions`, 'Permissions_ListForResource'],
    ['PATCH', `${registry}/providers/Microsoft.Resources/tags/default`, 'Tags_UpdateAtScope'],
  ])('%s %s is %s', (method, path, id) => {
    expect(told(method, path)).toEqual([id, expect.anything()]);
  });

  test('may be written in any case and with slashes beside each other; names are told as they were written', () => {
    const path = '//SUBSCRIPTIONS/S1//resourcegroups/Rg1/Providers/microsoft.containerregistry//Registries/Reg12/';
    expect(told('GET', path)).toEqual([
      'Registries_Get',
      { subscriptionId: 'S1', resourceGroupName: 'Rg1', registryName: 'Reg12' },
    ]);
  });

  test('is decoded once', () => {
    expect(told('GET', '/subscriptions/s%201/resourcegroups/r%C3%A9')).toEqual([
      'ResourceGroups_Get',
      { subscriptionId: 's 1', resourceGroupName: 'ré' },
    ]);
  });

  test.each(['a%2Fb', 'a%5cb', '..', '%2e%2e', '.', 'a%00', 'a%0a', 'a%3Fb', 'a%23b', 'a%252fb', '%', '%ff', '%zz'])(
    'with the segment %s is none',
    (segment) => {
      expect(find('GET', `/subscriptions/s1/resourcegroups/${segment}`)).toEqual({ kind: 'none', namespace: null });
      expect(find('GET', `/subscriptions/${segment}/${assignment}/x`).kind).toBe('none');
    },
  );

  test('of an operation with another method tells the methods that it has', () => {
    expect(find('POST', registry)).toEqual({ kind: 'other-methods', allowed: ['DELETE', 'GET', 'PATCH', 'PUT'] });
    expect(find('PATCH', `/${assignment}/x`)).toEqual({ kind: 'other-methods', allowed: ['DELETE', 'GET', 'PUT'] });
  });

  test('that no operation has tells its namespace', () => {
    expect(find('GET', `${group}/providers/Microsoft.KeyVault/vaults/v`)).toEqual({
      kind: 'none',
      namespace: 'Microsoft.KeyVault',
    });
    expect(find('PUT', `${registry}/providers/microsoft.insights/diagnosticSettings/x`)).toEqual({
      kind: 'none',
      namespace: 'microsoft.insights',
    });
    for (const path of ['', '/', 'subscriptions', '/v2/', '/metadata/endpoints', '/subscriptions/s1/providers/']) {
      expect(find('PUT', path).kind, path).not.toBe('found');
    }
  });
});

describe('the scope of an extension', () => {
  const management = '/providers/Microsoft.Management/managementGroups/m';

  test.each([
    ['/', ''],
    ['/subscriptions/s1', '/subscriptions/s1'],
    [group, group],
    [registry, registry],
    [`${registry}/tokens/t`, `${registry}/tokens/t`],
    [management, management],
    [`${registry}/${assignment}/a1`, `${registry}/${assignment}/a1`],
  ])('is %s', (scope, path) => {
    expect(told('PUT', `${path}/${assignment}/x1`)).toEqual([
      'RoleAssignments_Create',
      { scope, roleAssignmentName: 'x1' },
    ]);
    expect(told('GET', `${path}/${assignment}`)).toEqual(['RoleAssignments_ListForScope', { scope }]);
  });

  test.each([
    ['a folder of resources', `${group}/providers/Microsoft.ContainerRegistry/registries`],
    ['a namespace', `${group}/providers/Microsoft.ContainerRegistry`],
    ['nothing that Azure has', '/v2/repository'],
    ['half a group', '/subscriptions/s1/resourceGroups'],
    ['a group without a subscription', '/resourceGroups/rg1'],
  ])('is not %s', (_, scope) => {
    expect(find('PUT', `${scope}/${assignment}/x1`).kind).toBe('none');
  });

  test.each([
    ['a group', `/subscriptions/s1/resourceGroups/providers`],
    ['a subscription', `/subscriptions/providers/resourceGroups/providers`],
    ['a registry', `${group}/providers/Microsoft.ContainerRegistry/registries/providers`],
    ['a token', `${registry}/tokens/providers`],
  ])('is right when %s is called providers', (_, scope) => {
    expect(told('GET', `${scope}/${assignment}/providers`)).toEqual([
      'RoleAssignments_Get',
      { scope, roleAssignmentName: 'providers' },
    ]);
  });
});

describe('every operation', () => {
  const special: Record<string, string> = { scope: 'subscriptions/s9', parentResourcePath: 'parents/p' };
  const valueOf = (name: string) => special[name] ?? `x-${name}`;
  const templateOf = ({ route, path }: ArmOperation) => route ?? path;
  const namesIn = (operation: ArmOperation) =>
    [...templateOf(operation).matchAll(/\{(\w+)\}/g)].map(([, name]) => String(name));
  const pathOf = (operation: ArmOperation) =>
    templateOf(operation).replaceAll(/\{(\w+)\}/g, (_, name: string) => valueOf(name));
  const all = [...operations.values()].flatMap((table) => [...table.values()]);

  test('is found by its own template, with each parameter in its place', () => {
    for (const operation of all.filter(({ sameAs }) => sameAs === undefined)) {
      const parameters = namesIn(operation).map((name) => [
        name,
        name === 'scope' ? '/subscriptions/s9' : valueOf(name),
      ]);
      expect(find(operation.method, pathOf(operation)), operation.id).toEqual({
        kind: 'found',
        operation,
        parameters: Object.fromEntries(parameters),
      });
    }
  });

  test('that is the same request as another one leads there', () => {
    // A template that is one parameter has no path of its own to be found by.
    const same = all.filter((operation) => operation.sameAs !== undefined && !/^\/\{\w+\}$/.test(operation.path));
    expect(same.length).toBeGreaterThan(5);
    for (const operation of same) {
      expect(find(operation.method, pathOf(operation))).toMatchObject({ operation: { id: operation.sameAs } });
    }
  });
});

test('two operations for the same requests are refused', () => {
  const [one] = [...(operations.get('Microsoft.Resources')?.values() ?? [])] as [ArmOperation];
  const same = { ...one, id: 'Other', path: one.path.replaceAll(/\{\w+\}/g, '{other}') };
  expect(() => indexOperations([one, same])).toThrow(`Other and ${one.id} want the same requests`);
});
