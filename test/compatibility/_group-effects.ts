import { expect } from 'vitest';
import { type Effect, itemsOf, nameOf, unique } from './_ground.ts';

const namesOf = (body: Record<string, unknown>): unknown[] => itemsOf(body).map((one) => one['name']);

/** Microsoft.Resources: what each operation does, read back. */
export const groupEffects: Readonly<Record<string, Effect>> = {
  'Microsoft.Resources/Tenants_List': async ({ arm, berth }) => {
    expect(itemsOf(await arm('GET', '/tenants'))).toMatchObject([{ tenantId: berth.tenantId }]);
  },
  'Microsoft.Resources/Subscriptions_List': async ({ arm, berth }) => {
    expect(itemsOf(await arm('GET', '/subscriptions'))).toMatchObject([{ subscriptionId: berth.subscriptionId }]);
  },
  'Microsoft.Resources/Subscriptions_Get': async ({ arm, berth, subscription }) => {
    expect(await arm('GET', subscription)).toMatchObject({
      subscriptionId: berth.subscriptionId,
      tenantId: berth.tenantId,
    });
  },
  'Microsoft.Resources/Subscriptions_ListLocations': async ({ arm, subscription }) => {
    const [location] = itemsOf(await arm('GET', `${subscription}/locations`));
    const id = `${subscription}/resourceGroups/${unique()}`;
    expect(await arm('PUT', id, { location: location?.['name'] })).toMatchObject({ location: location?.['name'] });
  },
  'Microsoft.Resources/Providers_List': async ({ arm, subscription }) => {
    const namespaces = itemsOf(await arm('GET', `${subscription}/providers`)).map((one) => one['namespace']);
    expect(namespaces).toEqual(
      expect.arrayContaining(['Microsoft.Authorization', 'Microsoft.ContainerRegistry', 'Microsoft.Resources']),
    );
    for (const namespace of namespaces) await arm('GET', `${subscription}/providers/${String(namespace)}`);
  },
  'Microsoft.Resources/Providers_Get': async ({ arm, subscription }) => {
    const shown = await arm('GET', `${subscription}/providers/Microsoft.ContainerRegistry`);
    const types = shown['resourceTypes'] as { resourceType: string; apiVersions: string[] }[];
    const registries = types.find(({ resourceType }) => resourceType === 'registries');
    expect(registries?.apiVersions).toContain('2025-11-01');
  },
  'Microsoft.Resources/Providers_Register': async ({ arm, subscription }) => {
    const path = `${subscription}/providers/Microsoft.ContainerRegistry`;
    await arm('POST', `${path}/register`);
    expect(await arm('GET', path)).toMatchObject({ registrationState: 'Registered' });
  },
  'Microsoft.Resources/ResourceGroups_CreateOrUpdate': async ({ arm, subscription }) => {
    const id = `${subscription}/resourceGroups/${unique()}`;
    const made = await arm('PUT', id, { location: 'local', tags: { a: 'b' } }, 201);
    expect(await arm('GET', id)).toEqual(made);
    expect(await arm('PUT', id, { location: 'local', tags: { c: 'd' } }, 200)).toMatchObject({ tags: { c: 'd' } });
    expect(await arm('GET', id)).toMatchObject({ id, tags: { c: 'd' } });
  },
  'Microsoft.Resources/ResourceGroups_Get': async ({ arm, group }) => {
    const id = await group();
    expect(await arm('GET', id.toUpperCase().replace('/SUBSCRIPTIONS', '/subscriptions'))).toMatchObject({
      id,
      properties: { provisioningState: 'Succeeded' },
    });
  },
  'Microsoft.Resources/ResourceGroups_List': async ({ arm, group, subscription }) => {
    const id = await group();
    expect(namesOf(await arm('GET', `${subscription}/resourcegroups`))).toContain(nameOf(id));
  },
  'Microsoft.Resources/ResourceGroups_CheckExistence': async ({ arm, group }) => {
    const id = await group();
    await arm('HEAD', id, undefined, 204);
    await arm('HEAD', `${id}x`, undefined, 404);
  },
  'Microsoft.Resources/ResourceGroups_Update': async ({ arm, group }) => {
    const id = await group();
    await arm('PATCH', id, { tags: { purpose: 'test' } });
    expect(await arm('GET', id)).toMatchObject({ location: 'local', tags: { purpose: 'test' } });
  },
  'Microsoft.Resources/ResourceGroups_Delete': async ({ arm, registry, send }) => {
    const id = await registry();
    const [group = ''] = id.split('/providers/');
    await arm('DELETE', group, undefined, 202);
    await expect.poll(async () => (await send('HEAD', group)).status, { timeout: 30_000 }).toBe(404);
    await arm('GET', id, undefined, 404);
  },
  'Microsoft.Resources/Resources_List': async ({ arm, registry, subscription }) => {
    const id = await registry();
    const all = itemsOf(await arm('GET', `${subscription}/resources`));
    expect(all.map((one) => one['id'])).toContain(id);
  },
  'Microsoft.Resources/Resources_ListByResourceGroup': async ({ arm, registry }) => {
    const id = await registry();
    const [group = ''] = id.split('/providers/');
    expect(itemsOf(await arm('GET', `${group}/resources`))).toMatchObject([{ id }]);
  },
};
