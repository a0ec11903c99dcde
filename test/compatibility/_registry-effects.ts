import { expect } from 'vitest';
import { pushImage } from '../e2e/_content.ts';
import { asAdmin, type Effect, itemsOf, nameOf, passwordsOf, unique } from './_ground.ts';

const type = 'Microsoft.ContainerRegistry/registries';
const idsOf = (body: Record<string, unknown>): unknown[] => itemsOf(body).map((one) => one['id']);
const withAdmin = { properties: { adminUserEnabled: true } };

/** Microsoft.ContainerRegistry: what each operation does, read back. */
export const registryEffects: Readonly<Record<string, Effect>> = {
  'Microsoft.ContainerRegistry/Operations_List': async ({ arm }) => {
    const names = itemsOf(await arm('GET', '/providers/Microsoft.ContainerRegistry/operations'));
    expect(names.map((one) => one['name'])).toContain(`${type}/read`);
  },
  'Microsoft.ContainerRegistry/Registries_CheckNameAvailability': async ({ arm, registry, subscription }) => {
    const path = `${subscription}/providers/Microsoft.ContainerRegistry/checkNameAvailability`;
    const name = nameOf(await registry());
    expect(await arm('POST', path, { name, type })).toMatchObject({ nameAvailable: false, reason: 'AlreadyExists' });
    expect(await arm('POST', path, { name: unique(), type })).toMatchObject({ nameAvailable: true });
  },
  'Microsoft.ContainerRegistry/Registries_Create': async ({ arm, group, contentOf }) => {
    const id = `${await group()}/providers/${type}/${unique()}`;
    expect((await contentOf(nameOf(id))('GET', '/v2/')).status).toBe(404);
    await arm('PUT', id, { location: 'local', sku: { name: 'Premium' }, tags: { a: 'b' } });
    expect((await contentOf(nameOf(id))('GET', '/v2/')).status).toBe(401);
    expect(await arm('GET', id)).toMatchObject({ id, sku: { name: 'Premium' }, tags: { a: 'b' } });
  },
  'Microsoft.ContainerRegistry/Registries_Get': async ({ arm, registry }) => {
    const id = await registry();
    expect(await arm('GET', id)).toMatchObject({
      id,
      name: nameOf(id),
      properties: { loginServer: expect.stringContaining(`${nameOf(id)}.e2e.localhost`), adminUserEnabled: false },
    });
  },
  'Microsoft.ContainerRegistry/Registries_List': async ({ arm, registry, subscription }) => {
    const id = await registry();
    expect(idsOf(await arm('GET', `${subscription}/providers/${type}`))).toContain(id);
  },
  'Microsoft.ContainerRegistry/Registries_ListByResourceGroup': async ({ arm, registry }) => {
    const id = await registry();
    expect(idsOf(await arm('GET', id.slice(0, id.lastIndexOf('/'))))).toEqual([id]);
  },
  'Microsoft.ContainerRegistry/Registries_Update': async (ground) => {
    const id = await ground.registry({ sku: { name: 'Standard' } });
    const pull = `/oauth2/token?service=x&scope=${encodeURIComponent('repository:app:pull')}`;
    expect((await ground.contentOf(nameOf(id))('GET', pull)).status).toBe(401);
    await ground.arm('PATCH', id, { properties: { anonymousPullEnabled: true }, tags: { k: 'v' } });
    expect((await ground.contentOf(nameOf(id))('GET', pull)).status).toBe(200);
    expect(await ground.arm('GET', id)).toMatchObject({ tags: { k: 'v' }, properties: { anonymousPullEnabled: true } });
  },
  'Microsoft.ContainerRegistry/Registries_Delete': async ({ arm, contentOf, registry }) => {
    const id = await registry();
    await arm('DELETE', id, undefined, 200);
    await arm('GET', id, undefined, 404);
    expect((await contentOf(nameOf(id))('GET', '/v2/')).status).toBe(404);
    await arm('DELETE', id, undefined, 204);
  },
  'Microsoft.ContainerRegistry/Registries_ListUsages': async (ground) => {
    const id = await ground.registry(withAdmin);
    const size = async (of: string): Promise<unknown> =>
      itemsOf(await ground.arm('GET', `${of}/listUsages`)).find((one) => one['name'] === 'Size')?.['currentValue'];
    expect(await size(await ground.registry())).toBe(0);
    const [password = ''] = await passwordsOf(ground, id);
    const { size: manifest } = await pushImage(asAdmin(ground, id, password), 'app', 'v1', 'counted');
    expect(await size(id)).toBe(manifest + '{}'.length);
  },
  'Microsoft.ContainerRegistry/Registries_ListCredentials': async (ground) => {
    const id = await ground.registry(withAdmin);
    for (const password of await passwordsOf(ground, id)) {
      expect((await asAdmin(ground, id, password)('GET', '/v2/')).status).toBe(200);
    }
  },
  'Microsoft.ContainerRegistry/Registries_RegenerateCredential': async (ground) => {
    const id = await ground.registry(withAdmin);
    const old = await passwordsOf(ground, id);
    await ground.arm('POST', `${id}/regenerateCredential`, { name: 'password' });
    const now = await passwordsOf(ground, id);
    const signsIn = async (password = ''): Promise<number> =>
      (await asAdmin(ground, id, password)('GET', '/v2/')).status;
    expect([await signsIn(old[0]), await signsIn(now[0]), await signsIn(old[1])]).toEqual([401, 200, 200]);
  },
  'Microsoft.ContainerRegistry/PrivateEndpointConnections_List': async ({ arm, registry }) => {
    const id = await registry();
    expect(itemsOf(await arm('GET', `${id}/privateEndpointConnections`))).toEqual([]);
    expect(await arm('GET', id)).not.toMatchObject({ properties: { privateEndpointConnections: [expect.anything()] } });
  },
  'Microsoft.ContainerRegistry/Replications_List': async ({ arm, registry }) => {
    expect(itemsOf(await arm('GET', `${await registry()}/replications`))).toEqual([]);
  },
};
