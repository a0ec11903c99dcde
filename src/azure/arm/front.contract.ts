import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { EngineFactory, TestEngine } from '../../content/_engines.ts';
import { type Toy, toyProvider } from '../_toy-provider.ts';
import { at, groupId, type ManagementWorld, managementWorld, type Person, roles, subscription } from '../_world.ts';

const guid = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;

/** The order of every request of the resource manager, on one engine. */
export function frontContract(name: string, open: EngineFactory): void {
  describe(`the front of the resource manager on ${name}`, () => {
    let engine: TestEngine;
    let world: ManagementWorld;
    let toy: Toy;
    let draining = false;
    let owner: Person;
    let nobody: Person;
    beforeAll(async () => {
      engine = await open();
      toy = toyProvider(engine.database);
      world = await managementWorld({ engine, others: [toy.provider], isDraining: () => draining });
      owner = await world.person({ role: roles.owner, scope: subscription });
      nobody = await world.person();
    });
    afterAll(async () => {
      await world[Symbol.asyncDispose]();
      await engine[Symbol.asyncDispose]();
    });

    const registry = (of: string): string =>
      `${groupId('group')}/providers/Microsoft.ContainerRegistry/registries/${of}`;
    const errorOf = (answer: { json<T>(): T }) =>
      answer.json<{ error: { code: string; message: string; target?: string; details?: { target: string }[] } }>()
        .error;

    describe('the metadata of the cloud', () => {
      test('is one object in the newest version, without a credential, and a list in the older ones', async () => {
        const newest = await world.anonymous('GET', '/metadata/endpoints?api-version=2022-09-01');
        expect(newest.status).toBe(200);
        expect(newest.json()).toMatchObject({
          name: 'Berth',
          authentication: {
            loginEndpoint: 'https://login.berth.localhost',
            audiences: ['https://management.berth.localhost/'],
          },
          resourceManager: 'https://management.berth.localhost/',
          microsoftGraphResourceId: 'https://msgraph.berth.localhost/',
          suffixes: { acrLoginServer: 'berth.localhost' },
        });
        for (const version of ['2019-05-01', '2020-06-01', '2021-01-01']) {
          const older = await world.anonymous('GET', `/metadata/endpoints?api-version=${version}`);
          expect(older.json<unknown[]>(), version).toEqual([newest.json()]);
        }
      });

      test('is found with the double slash of an address that ends in one', async () => {
        expect((await world.anonymous('GET', '//metadata/endpoints?api-version=2022-09-01')).status).toBe(200);
      });

      test('repeats the port that it was asked at', async () => {
        const asked = await world.as('', 'management.berth.localhost:8443')(
          'GET',
          '/metadata/endpoints?api-version=2022-09-01',
        );
        expect(asked.json()).toMatchObject({
          resourceManager: 'https://management.berth.localhost:8443/',
          suffixes: { acrLoginServer: 'berth.localhost:8443' },
        });
      });

      test('wants a version, too', async () => {
        const answer = await world.anonymous('GET', '/metadata/endpoints');
        expect([answer.status, errorOf(answer).code]).toEqual([400, 'MissingApiVersionParameter']);
      });
    });

    describe('who asks', () => {
      test.each([
        ['nobody', undefined],
        ['somebody with a password', `Basic ${Buffer.from('a:b').toString('base64')}`],
        ['a token of nobody', 'Bearer not.a.token'],
      ])('%s hears 401 and where to sign in', async (_, authorization) => {
        const ask = authorization === undefined ? world.anonymous : world.as(authorization);
        const answer = await ask('GET', at('/subscriptions'));
        expect(answer.status).toBe(401);
        expect(answer.headers['www-authenticate']).toMatch(
          /^Bearer authorization_uri="https:\/\/login\.berth\.localhost\/[0-9a-f-]{36}", error="invalid_token", error_description="[^"]+"$/,
        );
        expect(world.refused.at(-1)).toMatchObject({ status: 401 });
      });

      test('a token for another resource opens nothing', async () => {
        const { subject } = owner;
        const { token } = await world.tokens.issueAccess({
          subject,
          clientId: subject.name,
          resource: 'graph',
          audience: 'https://msgraph.berth.localhost/',
          issuer: 'https://login.berth.localhost',
          version: 2,
        });
        expect((await world.as(`Bearer ${token}`)('GET', at('/subscriptions'))).status).toBe(401);
      });

      test('who asks at an unknown path is asked for a token before anything else', async () => {
        expect((await world.anonymous('GET', '/nothing/here')).status).toBe(401);
      });
    });

    describe('every answer', () => {
      test('has ids, forbids caches, and repeats the id of the client', async () => {
        const answer = await owner.ask('GET', at('/tenants'), { headers: { 'x-ms-client-request-id': 'mine-1' } });
        expect(answer.headers).toMatchObject({
          'x-ms-request-id': expect.stringMatching(guid) as unknown,
          'x-ms-client-request-id': 'mine-1',
          'cache-control': 'no-store',
          'x-content-type-options': 'nosniff',
          'strict-transport-security': expect.stringContaining('max-age') as unknown,
        });
        expect(answer.headers['x-ms-correlation-request-id']).toBe(answer.headers['x-ms-request-id']);
      });

      test('repeats no id that is no id', async () => {
        for (const id of ['a b', 'x'.repeat(200)]) {
          const answer = await owner.ask('GET', at('/tenants'), { headers: { 'x-ms-client-request-id': id } });
          expect(answer.headers['x-ms-client-request-id']).toBeUndefined();
        }
      });

      test('is in the line of the log: operation, actor, resource', async () => {
        await owner.ask('GET', at(registry('one')));
        expect(world.finished.at(-1)?.facts).toMatchObject({
          operation: 'Microsoft.ContainerRegistry/Registries_Get',
          actor: expect.stringMatching(/^app:/) as unknown,
          reference: registry('one'),
          registry: 'one',
          error: '',
        });
      });
    });

    describe('the version', () => {
      test.each(['2016-02-01', '2026-09-01-preview', '2031-12-31', '2025-05-31-PREVIEW'])(
        '%s is taken',
        async (version) => {
          const answer = await owner.ask('GET', `${registry('one')}?api-version=${version}`);
          expect([answer.status, toy.calls.at(-1)?.apiVersion]).toEqual([200, version]);
        },
      );

      test.each(['2025', 'x', '2025-13-01', '2025-01-32', '2025-01-01-pre-view', '2025-01-01&api-version=2024-01-01'])(
        '%s is refused',
        async (version) => {
          const answer = await owner.ask('GET', `${registry('one')}?api-version=${version}`);
          expect([answer.status, errorOf(answer).code]).toEqual([400, 'InvalidApiVersionParameter']);
        },
      );

      test('is needed, under its name in any case', async () => {
        expect(errorOf(await owner.ask('GET', registry('one'))).code).toBe('MissingApiVersionParameter');
        expect(errorOf(await owner.ask('GET', `${registry('one')}?api-version=`)).code).toBe(
          'MissingApiVersionParameter',
        );
        expect((await owner.ask('GET', `${registry('one')}?API-Version=2025-11-01`)).status).toBe(200);
      });
    });

    describe('the operation', () => {
      test('is found in any case, with double slashes', async () => {
        const path = registry('One')
          .replace('resourceGroups', 'resourcegroups')
          .replace('/providers/', '//PROVIDERS//');
        const answer = await owner.ask('GET', at(path));
        expect(answer.status, answer.text).toBe(200);
        expect(answer.json()).toMatchObject({ parameters: { registryName: 'One', resourceGroupName: 'group' } });
        expect(toy.calls.at(-1)?.scope.key).toBe(registry('one').toLowerCase());
      });

      test('that no provider serves is refused by name, and not as an error that clients try again', async () => {
        const answer = await owner.ask('GET', at(`${registry('one')}/webhooks/hook`));
        expect([answer.status, errorOf(answer).code]).toEqual([400, 'FeatureNotSupported']);
        expect(errorOf(answer).message).toContain('Webhooks_Get');
      });

      test('of a deployment is refused before its body, which is no JSON, is read', async () => {
        const path = `${groupId('group')}/providers/Microsoft.Resources/deployments/one`;
        const answer = await owner.ask('PUT', at(path), { body: '{"properties": {template:{}}}' });
        expect([answer.status, errorOf(answer).code]).toEqual([400, 'FeatureNotSupported']);
      });

      test.each([
        ['/nothing', 404, 'ResourceNotFound'],
        [`${subscription}/providers/Microsoft.Nothing/things`, 404, 'InvalidResourceNamespace'],
        [`${subscription}/providers/Microsoft.ContainerRegistry/things/one`, 404, 'InvalidResourceType'],
      ])('there is none at %s', async (path, status, code) => {
        const answer = await owner.ask('GET', at(path));
        expect([answer.status, errorOf(answer).code]).toEqual([status, code]);
      });

      test('by another method is 405', async () => {
        const answer = await owner.ask('PATCH', at('/tenants'), { body: '{}' });
        expect([answer.status, errorOf(answer).code]).toEqual([405, 'HttpMethodNotAllowed']);
      });
    });

    describe('rights', () => {
      test('are asked before anything is looked for: what is not there and what is not mine look alike', async () => {
        const there = await nobody.ask('GET', at(registry('one')));
        const notThere = await nobody.ask('GET', at(registry('nothere')));
        expect(errorOf(there).code).toBe('AuthorizationFailed');
        expect([there.status, errorOf(there).message.replace('/one', '/nothere')]).toEqual([
          notThere.status,
          errorOf(notThere).message,
        ]);
        expect(errorOf(await owner.ask('GET', at(registry('nothere')))).code).toBe('ResourceNotFound');
      });

      test('that are missing are named to the caller, and their cure to the operator only', async () => {
        const answer = await nobody.ask('GET', at(registry('one')));
        expect(answer.status).toBe(403);
        const { message } = errorOf(answer);
        for (const part of [
          nobody.subject.name,
          nobody.subject.objectId,
          'Microsoft.ContainerRegistry/registries/read',
          registry('one'),
        ]) {
          expect(message).toContain(part);
        }
        expect(message).not.toContain('role assignment');
        expect(world.refused.at(-1)).toMatchObject({
          rule: 'role-missing',
          status: 403,
          wanted: ['Microsoft.ContainerRegistry/registries/read'],
          cure: expect.stringMatching(
            /az role assignment create.* --role <role>.*, with the role (?=.*Reader)(?=.*Owner)/,
          ) as unknown,
        });
        expect(world.refused.at(-1)?.cure).not.toContain('AcrPull');
      });

      test('of another subscription nobody has, and who has rights everywhere hears that there is none', async () => {
        const other = registry('one').replace(
          /\/subscriptions\/[^/]+/,
          '/subscriptions/11111111-1111-1111-1111-111111111111',
        );
        expect(errorOf(await owner.ask('GET', at(other))).code).toBe('AuthorizationFailed');
        const root = await world.person({ role: roles.owner, scope: '/' });
        expect(errorOf(await root.ask('GET', at(other))).code).toBe('SubscriptionNotFound');
      });

      test('to read allow no write, and the handler is not reached', async () => {
        const reader = await world.person({ role: roles.reader, scope: registry('one') });
        const before = toy.calls.length;
        const body = JSON.stringify({ location: 'test', sku: { name: 'Basic' } });
        expect((await reader.ask('PUT', at(registry('one')), { body })).status).toBe(403);
        expect(toy.calls.length).toBe(before);
        expect((await reader.ask('GET', at(registry('one')))).status).toBe(200);
        expect((await reader.ask('GET', at(registry('other')))).status).toBe(403);
      });
    });

    describe('the body', () => {
      const put = (body: string | Uint8Array) => owner.ask('PUT', at(registry('one')), { body });

      test('is not needed for an action, and may be an empty object', async () => {
        const path = at(`${registry('one')}/listCredentials`);
        expect((await owner.ask('POST', path)).status).toBe(200);
        expect((await owner.ask('POST', path, { body: '{}' })).status).toBe(200);
      });

      test('comes without what can only be read, and with words as they are spelled', async () => {
        const sent = {
          id: 'what I read',
          name: 'one',
          type: 'x',
          location: 'test',
          sku: { name: 'premium', tier: 'Premium' },
          properties: { loginServer: 'one.berth.localhost', adminUserEnabled: true },
        };
        const answer = await put(JSON.stringify(sent));
        expect(answer.status, answer.text).toBe(200);
        expect(answer.json<{ got: unknown }>().got).toEqual({
          location: 'test',
          sku: { name: 'Premium' },
          properties: { adminUserEnabled: true },
        });
      });

      test('that is wrong is told member by member', async () => {
        const answer = await put(JSON.stringify({ location: 7, properties: { adminUserEnabled: 'maybe' } }));
        expect([answer.status, errorOf(answer).code]).toEqual([400, 'InvalidRequestContent']);
        const targets = errorOf(answer).details?.map((one) => one.target);
        expect(targets?.toSorted()).toEqual(['location', 'properties.adminUserEnabled', 'sku']);
      });

      test('with a member that no version knows is refused by its name', async () => {
        const body = { location: 'test', sku: { name: 'Basic' }, properties: { adminUserEnable: true } };
        const answer = await put(JSON.stringify(body));
        expect([answer.status, errorOf(answer).target]).toEqual([400, 'properties.adminUserEnable']);
      });

      test.each([
        ['nothing', ''],
        ['half an object', '{"location":'],
        ['a key twice', '{"location":"a","location":"b"}'],
        ['a list', '[]'],
        ['null', 'null'],
        ['no text', new Uint8Array([0xff, 0xfe])],
        ['too deep', `{"tags":${'['.repeat(10_000)}`],
        ['too long', `{"location":"${'x'.repeat(1024 * 1024)}"}`],
      ])('that is %s is refused', async (_, body) => {
        const answer = await put(body);
        expect([answer.status, errorOf(answer).code]).toEqual([400, 'InvalidRequestContent']);
      });
    });

    describe('what goes wrong', () => {
      test('inside is told to the operator, and to the caller by its id only', async () => {
        const answer = await owner.ask('GET', at(registry('broken')));
        expect([answer.status, errorOf(answer).code]).toEqual([500, 'InternalServerError']);
        expect(errorOf(answer).message).toContain(answer.headers['x-ms-request-id']);
        expect(answer.text).not.toContain('inner workings');
        expect(world.failures.at(-1)).toEqual(new TypeError('inner workings'));
      });

      test('while Berth drains is 503 with a time to wait', async () => {
        draining = true;
        const answer = await owner.ask('GET', at('/tenants'));
        draining = false;
        expect([answer.status, answer.headers['retry-after']]).toEqual([503, '5']);
      });
    });

    test('conditions are held against the row of a resource', async () => {
      await world.put('group', [`etag${world.unique}`]);
      const path = at(registry(`etag${world.unique}`));
      const body = JSON.stringify({ location: 'test', sku: { name: 'Basic' } });
      const send = (headers: Record<string, string>) => owner.ask('PUT', path, { body, headers });
      expect((await send({ 'if-none-match': '*' })).status).toBe(412);
      expect((await send({ 'if-match': '"another"' })).status).toBe(412);
      expect((await send({ 'if-match': '*' })).status).toBe(200);
    });

    describe('hostile paths', () => {
      const base = '/subscriptions/';
      test.each([
        ['dots', `${base}../tenants`],
        ['encoded dots', `${base}%2e%2e/tenants`],
        ['an encoded slash', `${subscription}/resourcegroups/a%2fb`],
        ['an encoded null', `${subscription}/resourcegroups/a%00b`],
        ['a broken escape', `${subscription}/resourcegroups/a%zz`],
        ['a backslash', `${subscription}/resourcegroups/a%5cb`],
        ['an encoded question mark', `${subscription}/resourcegroups/a%3fapi-version=x`],
        ['a quote', `${subscription}/resourcegroups/a'b`],
        ['words of other writing', `${subscription}/resourcegroups/${encodeURIComponent('gruppé')}`],
        ['a name of 5,000 letters', `${subscription}/resourcegroups/${'a'.repeat(5_000)}`],
        ['10,000 segments', '/a'.repeat(10_000)],
        ['20,000 slashes', `${'/'.repeat(20_000)}tenants2`],
        ['a chain of providers', '/providers/Microsoft.X/a/b'.repeat(500)],
        ['only providers', '/providers/providers/providers/providers'],
        ['a prototype', `${subscription}/resourcegroups/__proto__/providers/constructor/__proto__/toString`],
      ])('%s is refused, and no error of ours', async (_, path) => {
        const answer = await owner.ask('GET', at(path));
        expect([400, 404], answer.text).toContain(answer.status);
        expect(errorOf(answer).code).not.toBe('');
        expect(world.failures.filter((one) => !(one instanceof TypeError))).toEqual([]);
      });

      test('a path that walks up does not leave what it names', async () => {
        const answer = await owner.ask('GET', at(`${registry('one')}/../other`));
        expect(answer.status).toBe(404);
      });
    });
  });
}
