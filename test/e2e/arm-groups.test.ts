import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type ArmClient, armClient, pathOf, untilDone } from './_arm.ts';
import { type Berth, startBerth } from './_server.ts';

let berth: Berth;
let arm: ArmClient;
beforeAll(async () => {
  berth = await startBerth();
  arm = await armClient(berth);
});
afterAll(() => berth[Symbol.asyncDispose]());

type Item = { id: string; name: string };
const codeOf = (answer: { json<T>(): T }) => answer.json<{ error: { code: string } }>().error.code;
const valueOf = (answer: { json<T>(): T }) => answer.json<{ value: Item[] }>().value;
const groupPath = (name: string) => `${arm.subscription}/resourceGroups/${name}`;
const registryPath = (group: string, name: string) =>
  `${groupPath(group)}/providers/Microsoft.ContainerRegistry/registries/${name}`;
const find = () => arm('GET', `${arm.subscription}/resources`, { query: `$filter=${typeFilter}` });
const typeFilter = encodeURIComponent("resourceType eq 'Microsoft.ContainerRegistry/registries'");

describe('a client that comes to know this cloud', () => {
  it('reads the metadata without a token, with the port that it came by', async () => {
    const path = '//metadata/endpoints?api-version=2022-09-01';
    const answer = await arm.login('GET', path, { label: 'management' });
    expect(answer.json()).toMatchObject({
      resourceManager: `${arm.login.management}/`,
      authentication: { loginEndpoint: arm.login.base, audiences: [`${arm.login.management}/`] },
    });
  });

  it('finds tenant, subscription, region and providers', async () => {
    const [tenants, subscriptions, locations, providers] = await Promise.all(
      ['/tenants', '/subscriptions', `${arm.subscription}/locations`, `${arm.subscription}/providers`].map((path) =>
        arm('GET', path),
      ),
    );
    expect(tenants?.json()).toMatchObject({ value: [{ tenantId: berth.tenantId, defaultDomain: 'e2e.localhost' }] });
    expect(subscriptions?.json()).toMatchObject({
      value: [{ subscriptionId: berth.subscriptionId, tenantId: berth.tenantId, state: 'Enabled' }],
    });
    expect(locations?.json()).toMatchObject({ value: [{ name: 'local' }] });
    expect(providers?.json<{ value: { namespace: string }[] }>().value.map((one) => one.namespace)).toEqual(
      expect.arrayContaining(['Microsoft.ContainerRegistry', 'Microsoft.Resources']),
    );
  });

  it('finds the first registry in the list of resources, and in its group', async () => {
    expect(valueOf(await find())).toMatchObject([
      { name: berth.registry, type: 'Microsoft.ContainerRegistry/registries' },
    ]);
    const [group] = valueOf(await arm('GET', `${arm.subscription}/resourcegroups`));
    const inside = await arm('GET', `${group?.id}/resources`);
    expect(valueOf(inside)).toEqual(valueOf(await find()));
  });

  it('without a token hears where to get one', async () => {
    const answer = await arm('GET', '/subscriptions', { token: null });
    expect([answer.status, answer.headers['www-authenticate']]).toEqual([
      401,
      expect.stringContaining(`authorization_uri="${arm.login.base}/${berth.tenantId}"`),
    ]);
  });
});

describe('a group with a registry', () => {
  it('is made, listed, and goes with everything in it', async () => {
    expect((await arm('PUT', groupPath('Team.A'), { json: { location: 'local', tags: { a: 'b' } } })).status).toBe(201);
    const made = await arm('PUT', registryPath('team.a', 'teamregistry'), {
      json: { location: 'local', sku: { name: 'Basic' } },
    });
    expect([200, 201], made.text).toContain(made.status);
    expect(valueOf(await find()).map((one) => one.name)).toContain('teamregistry');
    expect((await berth.at('teamregistry')('GET', '/v2/')).status).toBe(401);
    const removed = await arm('DELETE', groupPath('TEAM.A'));
    expect([removed.status, Number(removed.headers['retry-after'])]).toEqual([202, 1]);
    expect(String(removed.headers.location)).toContain(`${arm.login.management}/`);
    expect((await untilDone(arm, removed.headers.location)).status).toBe(200);
    expect((await arm('HEAD', groupPath('Team.A'))).status).toBe(404);
    expect(valueOf(await find()).map((one) => one.name)).not.toContain('teamregistry');
    expect((await berth.at('teamregistry')('GET', '/v2/')).status).toBe(404);
  });

  it('that is the one of the plain listener stays, and says why', async () => {
    const [group] = valueOf(await arm('GET', `${arm.subscription}/resourcegroups`));
    const answer = await arm('DELETE', String(group?.id));
    expect([answer.status, codeOf(answer)]).toEqual([409, 'ResourceGroupDeletionBlocked']);
    expect(answer.text).toContain(berth.registry);
    expect((await berth.admin('GET', '/v2/')).status).toBe(200);
  });

  it('lists come in pages whose links lead on at the same address', async () => {
    for (const name of ['page-1', 'page-2', 'page-3'])
      await arm('PUT', groupPath(name), { json: { location: 'local' } });
    const names: string[] = [];
    let next: string | undefined = `${arm.subscription}/resourcegroups?api-version=2024-11-01&$top=1`;
    while (next !== undefined) {
      const answer = await arm('GET', next);
      names.push(...valueOf(answer).map((one) => one.name));
      const link: string | undefined = answer.json<{ nextLink?: string }>().nextLink;
      next = link === undefined ? undefined : pathOf(link);
    }
    expect(names.filter((name) => name.startsWith('page-'))).toEqual(['page-1', 'page-2', 'page-3']);
  });
});

it('a refused request is told to the operator', async () => {
  const answer = await arm(
    'GET',
    `${groupPath('nothere')}/providers/Microsoft.ContainerRegistry/registries/x/webhooks/y`,
  );
  expect([answer.status, codeOf(answer)]).toEqual([400, 'FeatureNotSupported']);
  const refusal = await berth.operator('GET', `/refusals/${String(answer.headers['x-ms-correlation-request-id'])}`);
  expect(refusal).toMatchObject({ rule: 'unsupported', status: 400, actor: expect.stringContaining('user:') });
});
