import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { basic } from './_client.ts';
import { pushImage } from './_content.ts';
import { azureCli, type LoginAnswer, type LoginClient, loginClient } from './_login.ts';
import { type Berth, startBerth } from './_server.ts';

const version = 'api-version=2026-09-01-preview';

interface Shown {
  readonly id: string;
  readonly location: string;
  readonly properties: { readonly loginServer: string };
}

describe('a registry made by the resource manager', () => {
  let berth: Berth;
  let login: LoginClient;
  let token: string;
  let group: { id: string; location: string };
  beforeAll(async () => {
    berth = await startBerth();
    login = await loginClient(berth);
    const { username, password } = berth.operatorUser;
    const scope = `${login.management}//.default offline_access openid profile`;
    const answer = await login.token({ grant_type: 'password', client_id: azureCli, username, password, scope });
    token = answer.json<{ access_token: string }>().access_token;
    const groups = await arm('GET', `/subscriptions/${berth.subscriptionId}/resourcegroups`);
    [group] = groups.json<{ value: [{ id: string; location: string }] }>().value;
  });
  afterAll(() => berth[Symbol.asyncDispose]());

  const arm = (method: string, path: string, body?: object): Promise<LoginAnswer> =>
    login(method, `${path}?${version}`, {
      label: 'management',
      headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
      ...(body ? { body: JSON.stringify(body) } : method === 'POST' ? { body: '' } : {}),
    });
  const pathOf = (name: string): string => `${group.id}/providers/Microsoft.ContainerRegistry/registries/${name}`;
  const make = (name: string, properties: object, sku = 'Premium') =>
    arm('PUT', pathOf(name), { location: group.location, sku: { name: sku }, properties });
  const credentials = async (name: string) => {
    const shown = (await arm('POST', `${pathOf(name)}/listCredentials`)).json<{
      username: string;
      passwords: { value: string }[];
    }>();
    return { username: shown.username, password: shown.passwords[0]?.value ?? '' };
  };

  test('is found by its login server at once, by its admin while there is one, and no more when it is deleted', async () => {
    const made = await make('Made1', { adminUserEnabled: true });
    expect(made.status, made.text).toBe(201);
    const shown = made.json<Shown>();
    expect(shown.properties.loginServer).toBe(berth.loginServer.replace(/^[^.]+/, 'made1'));
    const { username, password } = await credentials('Made1');
    const admin = berth.at('made1', basic(username, password));
    expect((await admin('GET', '/v2/')).status).toBe(200);
    await pushImage(admin, 'app', 'v1', 'made');

    await arm('PATCH', pathOf('made1'), { properties: { adminUserEnabled: false } });
    expect((await admin('GET', '/v2/')).status).toBe(401);
    await arm('PATCH', pathOf('made1'), { properties: { adminUserEnabled: true } });
    expect((await admin('GET', '/v2/app/manifests/v1')).status).toBe(200);

    const usage = await arm('GET', `${pathOf('made1')}/listUsages`);
    const [size] = usage.json<{ value: { name: string; currentValue: number }[] }>().value;
    expect(size?.name).toBe('Size');
    expect(size?.currentValue).toBeGreaterThan(0);

    expect((await arm('DELETE', pathOf('made1'))).status).toBe(200);
    expect((await admin('GET', '/v2/app/manifests/v1')).status).toBe(404);
    expect((await make('made1', { adminUserEnabled: true })).status).toBe(201);
    expect((await admin('GET', '/v2/')).status).toBe(401);
    const again = await credentials('made1');
    const anew = berth.at('made1', basic(again.username, again.password));
    expect((await anew('GET', '/v2/app/manifests/v1')).status).toBe(404);
  });

  test('lets everybody pull while its properties say so', async () => {
    await make('openone', { adminUserEnabled: true, anonymousPullEnabled: true });
    const { username, password } = await credentials('openone');
    await pushImage(berth.at('openone', basic(username, password)), 'app', 'v1', 'open');
    const nobody = berth.at('openone');
    const pull = async (): Promise<number> => {
      const given = await nobody('GET', '/oauth2/token?service=openone&scope=repository:app:pull');
      const { access_token: bearer } = given.json<{ access_token: string }>();
      return (await berth.at('openone', `Bearer ${bearer}`)('GET', '/v2/app/manifests/v1')).status;
    };
    expect(await pull()).toBe(200);
    const closed = await arm('PATCH', pathOf('openone'), { properties: { anonymousPullEnabled: false } });
    expect(closed.status).toBe(200);
    expect(await pull()).toBe(401);
  });

  test('closes itself to tokens for the resource manager when its policy says so', async () => {
    await make('policied', {});
    const exchange = async (): Promise<number> => {
      const form = new URLSearchParams({
        grant_type: 'access_token',
        service: 'policied',
        tenant: berth.tenantId,
        access_token: token,
      });
      const headers = { 'content-type': 'application/x-www-form-urlencoded' };
      return (await berth.at('policied')('POST', '/oauth2/exchange', { headers, body: form.toString() })).status;
    };
    expect(await exchange()).toBe(200);
    const policies = { azureADAuthenticationAsArmPolicy: { status: 'disabled' } };
    await arm('PATCH', pathOf('policied'), { properties: { policies } });
    expect(await exchange()).toBe(401);
  });

  test('shows the operator’s command line what it shows the resource manager', async () => {
    const shown = (await make('Spelled', {}, 'Basic')).json<Shown>();
    const told = await berth.operator('GET', '/registries/spelled');
    expect(told).toMatchObject({ id: shown.id, sku: 'Basic', location: shown.location });
    const first = await arm('DELETE', pathOf(berth.registry));
    expect(first.status).toBe(409);
    expect(first.text).toContain('berth registry update NAME --default');
    await berth.operator('PATCH', '/registries/spelled', { default: true });
    expect((await arm('DELETE', pathOf(berth.registry))).status).toBe(200);
  });
});
