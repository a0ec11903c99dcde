import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { faultPlan, faultyDatabase } from '../../adapters/faulty/index.ts';
import { localKeyWrapper } from '../../adapters/key-local/index.ts';
import type { EngineFactory, TestEngine } from '../../content/_engines.ts';
import { by } from '../../content/_world.ts';
import { registries as registryUseCases } from '../../content/index.ts';
import { directory } from '../../identity/index.ts';
import { randomIds } from '../../kernel/index.ts';
import type { Database } from '../../ports/index.ts';
import {
  at,
  groupId,
  type ManagementWorld,
  managementWorld,
  type Person,
  registries,
  roles,
  subscription,
  tenantId,
} from '../_world.ts';
import { registryProvider } from './provider.ts';

const maxCalls = 60;
const preview = '?api-version=2026-09-01-preview';

interface Shown {
  readonly id: string;
  readonly name: string;
  readonly tags: Record<string, string>;
  readonly sku: { name: string };
  readonly identity?: { type: string; principalId: string; tenantId: string };
  readonly properties: {
    readonly loginServer: string;
    readonly creationDate: string;
    readonly adminUserEnabled: boolean;
    readonly anonymousPullEnabled: boolean;
    readonly policies: Record<string, Record<string, unknown>>;
  };
  readonly systemData: Record<string, string>;
}

/** Registries as clients of the resource manager make, see, change and delete them. */
export function registriesAtArmContract(name: string, open: EngineFactory): void {
  describe(`registries at the resource manager on ${name}`, () => {
    let engine: TestEngine;
    let world: ManagementWorld;
    let owner: Person;
    beforeAll(async () => {
      engine = await open();
      world = await worldOver(engine.database);
      owner = await world.person({ role: roles.owner, scope: subscription });
      // So that no other one is that of the plain listener.
      const first = { name: 'thefirstone', adminEnabled: false, anonymousPull: false };
      await registryUseCases(engine.database).create(by('owner'), first);
    });
    afterAll(async () => {
      await world[Symbol.asyncDispose]();
      await engine[Symbol.asyncDispose]();
    });

    const worldOver = (database: Database): Promise<ManagementWorld> => {
      const { clock } = engine;
      const provider = registryProvider({
        database,
        clock,
        ids: randomIds,
        directory: directory({ database, clock }),
        wrapper: localKeyWrapper(new Uint8Array(32).fill(7)),
        tenantId,
      });
      return managementWorld({ engine, database, others: [provider] });
    };
    /** A database in which something happens just before the first transaction of a name. */
    const happeningBefore = (transaction: string, happens: () => Promise<unknown>): Database => {
      let pending = true;
      return {
        ...engine.database,
        async transact(definition, input) {
          if (pending && definition.name === transaction) {
            pending = false;
            await happens();
          }
          return engine.database.transact(definition, input);
        },
      };
    };
    const newName = () => `Reg${randomIds.id().slice(0, 16)}`;
    const pathOf = (of: string, group = 'group', more = '') => `${groupId(group)}/providers/${registries}/${of}${more}`;
    const send = (method: string, path: string, body?: object, headers = {}, who = owner) =>
      who.ask(method, `${path}${preview}`, { headers, ...(body ? { body: JSON.stringify(body) } : {}) });
    const errorOf = (answer: { json<T>(): T }) =>
      answer.json<{ error: { code: string; message: string; target?: string } }>().error;
    const make = async (body: object = {}, of = newName(), group = 'group'): Promise<Shown> => {
      const answer = await send('PUT', pathOf(of, group), { location: 'test', sku: { name: 'Premium' }, ...body });
      expect(answer.status, answer.text).toBe(201);
      return answer.json<Shown>();
    };
    const makeGroup = async (): Promise<string> => {
      const group = `Group-${randomIds.id().slice(0, 12)}`;
      const answer = await owner.ask('PUT', at(groupId(group)), { body: '{"location":"test"}' });
      expect(answer.status).toBe(201);
      return group;
    };

    describe('PUT', () => {
      test('makes a registry, which GET shows the same, in any spelling', async () => {
        const of = newName();
        const answer = await send('PUT', pathOf(of, 'GROUP'), {
          location: 'T est',
          sku: { name: 'Standard' },
          tags: { team: 'one' },
          properties: { adminUserEnabled: true, anonymousPullEnabled: true },
        });
        expect(answer.status, answer.text).toBe(201);
        const made = answer.json<Shown>();
        expect(made).toMatchObject({
          id: `${groupId('group')}/providers/${registries}/${of}`,
          name: of,
          location: 'test',
          tags: { team: 'one' },
          sku: { name: 'Standard', tier: 'Standard' },
          systemData: { createdBy: owner.subject.name, createdByType: 'Application' },
        });
        expect(made.properties).toMatchObject({
          loginServer: `${of.toLowerCase()}.berth.localhost`,
          adminUserEnabled: true,
          anonymousPullEnabled: true,
        });
        const shown = await send('GET', pathOf(of.toUpperCase()).replace('resourceGroups', 'resourcegroups'));
        expect(shown.json()).toEqual(made);
        expect(shown.headers['etag']).toBe(answer.headers['etag']);
      });

      test('replaces what it says and what it does not say, but for creation, identity and content', async () => {
        const made = await make({
          tags: { a: 'b' },
          identity: { type: 'SystemAssigned' },
          properties: { adminUserEnabled: true },
        });
        engine.clock.advance(1000);
        const answer = await send('PUT', pathOf(made.name.toLowerCase()), {
          location: 'test',
          sku: { name: 'Basic' },
        });
        expect(answer.status, answer.text).toBe(200);
        const after = answer.json<Shown>();
        expect(after.id).toBe(made.id);
        expect(after.sku.name).toBe('Basic');
        expect(after.tags).toEqual({});
        expect(after.properties.adminUserEnabled).toBe(false);
        expect(after.properties.creationDate).toBe(made.properties.creationDate);
        expect(after.identity).toEqual(made.identity);
        expect(after.systemData['createdAt']).toBe(made.systemData['createdAt']);
        expect(after.systemData['lastModifiedAt']).not.toBe(made.systemData['lastModifiedAt']);
      });

      test('of what GET has answered changes nothing', async () => {
        const made = await make({ tags: { a: 'b' }, identity: { type: 'SystemAssigned' } });
        const again = await send('PUT', pathOf(made.name), made);
        expect(again.status, again.text).toBe(200);
        const { systemData: _, ...rest } = again.json<Shown>();
        const { systemData: __, ...before } = made;
        expect(rest).toEqual(before);
      });

      test.each<[string, object, number, string, string | undefined]>([
        ['another region', { location: 'westeurope' }, 400, 'LocationNotAvailableForResourceType', 'location'],
        ['no region', { location: undefined }, 400, 'InvalidRequestContent', 'location'],
        ['no tier', { sku: undefined }, 400, 'InvalidRequestContent', 'sku'],
        ['an unknown property', { properties: { colour: 'red' } }, 400, 'InvalidRequestContent', 'properties.colour'],
        [
          'what is not there yet',
          { properties: { dataEndpointEnabled: true } },
          400,
          'FeatureNotSupported',
          'properties.dataEndpointEnabled',
        ],
        [
          'what the tier lacks',
          { sku: { name: 'Basic' }, properties: { anonymousPullEnabled: true } },
          400,
          'SkuNotSupported',
          'anonymousPullEnabled',
        ],
        [
          'forbidden export below Premium',
          { sku: { name: 'Standard' }, properties: { policies: { exportPolicy: { status: 'disabled' } } } },
          400,
          'SkuNotSupported',
          'policies.exportPolicy',
        ],
        [
          'a user-assigned identity',
          { identity: { type: 'UserAssigned' } },
          400,
          'FeatureNotSupported',
          'identity.type',
        ],
        [
          '51 tags',
          { tags: Object.fromEntries(Array.from({ length: 51 }, (_, n) => [`t${n}`, ''])) },
          400,
          'TooManyTags',
          undefined,
        ],
      ])('with %s is refused, and makes nothing', async (_, body, status, code, target) => {
        const of = newName();
        const answer = await send('PUT', pathOf(of), { location: 'test', sku: { name: 'Premium' }, ...body });
        expect(answer.status, answer.text).toBe(status);
        expect(errorOf(answer)).toMatchObject({ code, ...(target === undefined ? {} : { target }) });
        expect((await send('GET', pathOf(of))).status).toBe(404);
      });

      test.each([['management'], ['LOGIN'], ['api-x'], ['four']])('under the name %s is refused', async (of) => {
        const answer = await send('PUT', pathOf(of), { location: 'test', sku: { name: 'Basic' } });
        expect(answer.status).toBe(400);
      });

      test('of a name that is taken in another group says so', async () => {
        const group = await makeGroup();
        const made = await make();
        const answer = await send('PUT', pathOf(made.name.toUpperCase(), group), {
          location: 'test',
          sku: { name: 'Basic' },
        });
        expect([answer.status, errorOf(answer).code]).toEqual([409, 'AlreadyInUse']);
      });

      test('into a group that is not there, or is being deleted, is refused', async () => {
        const body = { location: 'test', sku: { name: 'Basic' } };
        const nowhere = await send('PUT', pathOf(newName(), 'nowhere'), body);
        expect([nowhere.status, errorOf(nowhere).code]).toEqual([404, 'ResourceGroupNotFound']);
        const group = await makeGroup();
        expect((await owner.ask('DELETE', at(groupId(group)))).status).toBe(202);
        const late = await send('PUT', pathOf(newName(), group), body);
        expect(['ResourceGroupNotFound', 'ResourceGroupBeingDeleted']).toContain(errorOf(late).code);
        await world.deletion.settled();
      });

      test('while its group is deleted either goes with it or is refused', async () => {
        for (let round = 0; round < 5; round++) {
          const group = await makeGroup();
          const names = Array.from({ length: 6 }, newName);
          const [deleted, ...made] = await Promise.all([
            owner.ask('DELETE', at(groupId(group))),
            ...names.map((of) => send('PUT', pathOf(of, group), { location: 'test', sku: { name: 'Basic' } })),
          ]);
          expect(deleted.status).toBe(202);
          await world.deletion.settled();
          for (const answer of made) expect([201, 404, 409], answer.text).toContain(answer.status);
          expect((await owner.ask('GET', at(groupId(group)))).status).toBe(404);
          for (const of of names) {
            expect(await registryUseCases(engine.database).byName(of.toLowerCase())).toBeUndefined();
          }
        }
      });

      test.each([
        ['PUT', 'content/change-registry', 409],
        ['PATCH', 'content/change-registry', 404],
        ['DELETE', 'content/delete-registry', 204],
      ])(
        '%s of one that was made again in another group meanwhile leaves that one alone',
        async (method, transaction, status) => {
          const made = await make();
          const elsewhere = await makeGroup();
          const asked = registryUseCases(engine.database);
          await using raced = await worldOver(
            happeningBefore(transaction, async () => {
              await asked.remove(by('owner'), made.name);
              await make({}, made.name, elsewhere);
            }),
          );
          const { ask } = await raced.person({ role: roles.contributor, scope: groupId('group') });
          const body = { location: 'test', sku: { name: 'Premium' }, properties: { anonymousPullEnabled: true } };
          const answer = await ask(method, `${pathOf(made.name)}${preview}`, { body: JSON.stringify(body) });
          expect(answer.status, answer.text).toBe(status);
          const there = await send('GET', pathOf(made.name, elsewhere));
          expect(there.status).toBe(200);
          expect(there.json<Shown>().properties.anonymousPullEnabled).toBe(false);
        },
      );

      test('of one name by many at once makes one registry', async () => {
        const group = await makeGroup();
        const of = newName();
        const body = { location: 'test', sku: { name: 'Basic' } };
        const groups = ['group', group, 'group', group, 'group', group];
        const answers = await Promise.all(groups.map((one) => send('PUT', pathOf(of, one), body)));
        const won = answers.findIndex((one) => one.status === 201);
        // Who asked for the same id has replaced it; to the others the name is taken.
        const expected = groups.map((one, index) => (index === won ? 201 : one === groups[won] ? 200 : 409));
        expect(answers.map((one) => one.status)).toEqual(expected);
        const there = await Promise.all(['group', group].map((one) => send('GET', pathOf(of, one))));
        expect(there.filter((one) => one.status === 200)).toHaveLength(1);
      });
    });

    describe('PATCH', () => {
      test('changes what it names and leaves the rest, at every depth', async () => {
        const made = await make({ tags: { a: 'b' }, properties: { adminUserEnabled: true } });
        const change = { properties: { policies: { exportPolicy: { status: 'disabled' } } } };
        const after = (await send('PATCH', pathOf(made.name), change)).json<Shown>();
        expect(after.properties.policies['exportPolicy']).toEqual({ status: 'disabled' });
        expect(after.properties.policies['azureADAuthenticationAsArmPolicy']).toEqual({ status: 'enabled' });
        expect(after.properties.policies['softDeletePolicy']).toEqual({ retentionDays: 7, status: 'disabled' });
        expect(after.properties.adminUserEnabled).toBe(true);
        expect(after.tags).toEqual({ a: 'b' });
        const tagged = (await send('PATCH', pathOf(made.name), { tags: { c: 'd' } })).json<Shown>();
        expect(tagged.tags).toEqual({ c: 'd' });
        expect(tagged.properties.policies['exportPolicy']).toEqual({ status: 'disabled' });
      });

      test('takes the whole registry back with one policy changed, as az sends it', async () => {
        const made = await make();
        const { policies } = made.properties;
        const armTokens = { azureADAuthenticationAsArmPolicy: { status: 'disabled' } };
        const body = { ...made, properties: { ...made.properties, policies: { ...policies, ...armTokens } } };
        const answer = await send('PATCH', pathOf(made.name), body);
        expect(answer.status, answer.text).toBe(200);
        expect(answer.json<Shown>().properties.policies).toEqual({ ...policies, ...armTokens });
      });

      test('refuses a policy that is not there yet, and changes nothing', async () => {
        const made = await make();
        const retentionPolicy = { days: 10, status: 'enabled' };
        const body = { tags: { x: 'y' }, properties: { policies: { ...made.properties.policies, retentionPolicy } } };
        const answer = await send('PATCH', pathOf(made.name), body);
        expect(answer.status).toBe(400);
        expect(errorOf(answer)).toMatchObject({
          code: 'FeatureNotSupported',
          target: expect.stringContaining('retentionPolicy') as unknown,
        });
        expect((await send('GET', pathOf(made.name))).json()).toEqual(made);
      });

      test('gives and takes an identity, and does not move a registry', async () => {
        const made = await make();
        const given = (await send('PATCH', pathOf(made.name), { identity: { type: 'SystemAssigned' } })).json<Shown>();
        expect(given.identity).toMatchObject({ type: 'SystemAssigned', tenantId });
        const taken = await send('PATCH', pathOf(made.name), { identity: { type: 'None' } });
        expect(taken.json<Shown>().identity).toBeUndefined();
        const moved = await send('PATCH', pathOf(made.name), { location: 'westeurope' });
        expect([moved.status, errorOf(moved).code]).toEqual([409, 'InvalidResourceLocation']);
      });

      test('of a registry that is not there is 404', async () => {
        const answer = await send('PATCH', pathOf('notthere'), { tags: {} });
        expect([answer.status, errorOf(answer).code]).toEqual([404, 'ResourceNotFound']);
      });

      test.each(['PATCH', 'PUT', 'DELETE'])('%s of a state that has passed is 412', async (method) => {
        const made = await make();
        const { etag } = (await send('GET', pathOf(made.name))).headers;
        await send('PATCH', pathOf(made.name), { tags: { moved: 'yes' } });
        const body = { location: 'test', sku: { name: 'Premium' } };
        const late = await send(method, pathOf(made.name), method === 'DELETE' ? undefined : body, {
          'if-match': etag,
        });
        expect([late.status, errorOf(late).code]).toEqual([412, 'PreconditionFailed']);
        expect((await send('GET', pathOf(made.name))).json<Shown>().tags).toEqual({ moved: 'yes' });
      });

      test('PUT with If-None-Match makes and does not replace', async () => {
        const of = newName();
        const body = { location: 'test', sku: { name: 'Premium' } };
        const headers = { 'if-none-match': '*' };
        expect((await send('PUT', pathOf(of), body, headers)).status).toBe(201);
        expect((await send('PUT', pathOf(of), body, headers)).status).toBe(412);
        expect((await send('PUT', pathOf(newName()), body, { 'if-match': '*' })).status).toBe(412);
      });
    });

    describe('DELETE', () => {
      test('deletes, and says nothing of what is gone', async () => {
        const made = await make();
        expect((await send('DELETE', pathOf(made.name))).status).toBe(200);
        expect((await send('GET', pathOf(made.name))).status).toBe(404);
        expect((await send('DELETE', pathOf(made.name))).status).toBe(204);
        expect((await send('PUT', pathOf(made.name), { location: 'test', sku: { name: 'Basic' } })).status).toBe(201);
      });

      test('of the registry of the plain listener says what lets it, for the registry and for its group', async () => {
        const group = await makeGroup();
        const made = await make({}, newName(), group);
        const all = registryUseCases(engine.database);
        const before = await all.default();
        await all.change(by('owner'), made.name, { asDefault: true });
        const answer = await send('DELETE', pathOf(made.name, group));
        expect([answer.status, errorOf(answer).code]).toEqual([409, 'OperationNotAllowed']);
        expect(errorOf(answer).message).toContain('berth registry update NAME --default');
        const ofGroup = await owner.ask('DELETE', at(groupId(group)));
        expect(ofGroup.status).toBe(409);
        expect(errorOf(ofGroup).message).toContain('berth registry update NAME --default');
        await all.change(by('owner'), before?.name ?? '', { asDefault: true });
        expect((await owner.ask('DELETE', at(groupId(group)))).status).toBe(202);
        await world.deletion.settled();
        expect(await all.byName(made.name.toLowerCase())).toBeUndefined();
      });
    });

    describe('lists', () => {
      test('have the registries of a group or of all, page by page', async () => {
        const group = await makeGroup();
        const made = [await make({}, newName(), group), await make({}, newName(), group), await make()];
        const ofGroup = (await send('GET', pathOf('', group).slice(0, -1))).json<{ value: Shown[] }>();
        expect(ofGroup.value.map((one) => one.id).toSorted()).toEqual(
          made
            .slice(0, 2)
            .map((one) => one.id)
            .toSorted(),
        );
        const found: Shown[] = [];
        let next: string | undefined = `${subscription}/providers/${registries}${preview}&$top=2`;
        while (next !== undefined) {
          const answer = await owner.ask('GET', next);
          const page = answer.json<{ value: Shown[]; nextLink?: string }>();
          expect(page.value.length).toBeLessThanOrEqual(2);
          found.push(...page.value);
          next = page.nextLink === undefined ? undefined : page.nextLink.replace(/^https:\/\/[^/]+/, '');
        }
        expect(new Set(found.map((one) => one.id)).size).toBe(found.length);
        expect(found).toEqual(expect.arrayContaining(made));
      });

      test('show what the caller may read and nothing else', async () => {
        const group = await makeGroup();
        const [one, two, other] = [await make({}, newName(), group), await make({}, newName(), group), await make()];
        const ids = async (who: Person, path: string): Promise<string[]> =>
          (await send('GET', path, undefined, {}, who)).json<{ value: Shown[] }>().value.map((shown) => shown.id);
        const all = `${subscription}/providers/${registries}`;
        const ofOne = await world.person({ role: roles.reader, scope: one.id });
        expect(await ids(ofOne, all)).toEqual([one.id]);
        expect(await ids(ofOne, pathOf('', group).slice(0, -1))).toEqual([one.id]);
        const ofGroup = await world.person({ role: roles.reader, scope: groupId(group) });
        expect((await ids(ofGroup, all)).toSorted()).toEqual([one.id, two.id].toSorted());
        // To pull is not to read the registry.
        const puller = await world.person({ role: roles.acrPull, scope: other.id });
        expect(await ids(puller, all)).toEqual([]);
        expect(await ids(await world.person(), all)).toEqual([]);
        const nowhere = await send('GET', pathOf('', 'nowhere').slice(0, -1));
        expect([nowhere.status, errorOf(nowhere).code]).toEqual([404, 'ResourceGroupNotFound']);
        expect(await ids(ofOne, pathOf('', 'nowhere').slice(0, -1))).toEqual([]);
        expect((await send('GET', pathOf(other.name), undefined, {}, ofOne)).status).toBe(403);
      });
    });

    describe('names', () => {
      const check = (body: object, version = preview) =>
        owner.ask('POST', `${subscription}/providers/Microsoft.ContainerRegistry/checkNameAvailability${version}`, {
          body: JSON.stringify({ type: registries, ...body }),
        });

      test('that can be had, are taken, or cannot be', async () => {
        const made = await make();
        const free = newName();
        expect((await check({ name: free, autoGeneratedDomainNameLabelScope: 'Unsecure' })).json()).toEqual({
          nameAvailable: true,
          availableLoginServerName: `${free.toLowerCase()}.berth.localhost`,
        });
        expect((await check({ name: free }, '?api-version=2025-11-01')).json()).toEqual({ nameAvailable: true });
        expect((await check({ name: made.name.toUpperCase() })).json()).toEqual({
          nameAvailable: false,
          reason: 'AlreadyExists',
          message: `The registry ${made.name.toUpperCase()} is already in use.`,
        });
        for (const one of ['management', 'msGraph', 'four', 'with-dash', 'a'.repeat(51)]) {
          expect((await check({ name: one })).json()).toMatchObject({ nameAvailable: false, reason: 'Invalid' });
        }
        const labelled = await check({ name: free, autoGeneratedDomainNameLabelScope: 'NoReuse' });
        expect(errorOf(labelled).code).toBe('FeatureNotSupported');
        expect((await check({ name: free, type: 'Microsoft.Web/sites' })).status).toBe(400);
      });
    });

    describe('what belongs to a registry', () => {
      test('passwords of the admin user, while it is enabled, and new ones', async () => {
        const made = await make();
        const show = () => send('POST', pathOf(made.name, 'group', '/listCredentials'));
        const off = await show();
        expect([off.status, errorOf(off).code]).toEqual([400, 'UnAuthorizedForCredentialOperations']);
        await send('PATCH', pathOf(made.name), { properties: { adminUserEnabled: true } });
        interface Passwords {
          username: string;
          passwords: { name: string; value: string }[];
        }
        const before = (await show()).json<Passwords>();
        expect(before.username).toBe(made.name);
        expect(before.passwords.map((one) => one.name)).toEqual(['password', 'password2']);
        const renewed = await send('POST', pathOf(made.name, 'group', '/regenerateCredential'), { name: 'password2' });
        const after = renewed.json<Passwords>();
        expect(after.passwords[0]).toEqual(before.passwords[0]);
        expect(after.passwords[1]?.value).not.toBe(before.passwords[1]?.value);
        expect((await show()).json()).toEqual(after);
        const wrong = await send('POST', pathOf(made.name, 'group', '/regenerateCredential'), { name: 'password3' });
        expect(wrong.status).toBe(400);
        const reader = await world.person({ role: roles.reader, scope: made.id });
        expect((await send('POST', pathOf(made.name, 'group', '/listCredentials'), undefined, {}, reader)).status).toBe(
          403,
        );
      });

      test('usage against the limits of its tier', async () => {
        const made = await make({ sku: { name: 'Basic' } });
        const answer = await send('GET', pathOf(made.name, 'group', '/listUsages'));
        expect(answer.json()).toEqual({
          value: [
            { name: 'Size', limit: 10_737_418_240, currentValue: 0, unit: 'Bytes' },
            { name: 'Webhooks', limit: 2, currentValue: 0, unit: 'Count' },
            { name: 'Geo-replications', limit: 0, currentValue: 0, unit: 'Count' },
            { name: 'PrivateEndpointConnections', limit: 0, currentValue: 0, unit: 'Count' },
            { name: 'IPRules', limit: 0, currentValue: 0, unit: 'Count' },
            { name: 'VNetRules', limit: 0, currentValue: 0, unit: 'Count' },
            { name: 'ScopeMaps', limit: 100, currentValue: 0, unit: 'Count' },
            { name: 'Tokens', limit: 100, currentValue: 0, unit: 'Count' },
          ],
        });
      });

      test('no replicas and no private endpoints; what private endpoints could lead to is refused', async () => {
        const made = await make();
        for (const part of ['replications', 'privateEndpointConnections']) {
          expect((await send('GET', pathOf(made.name, 'group', `/${part}`))).json()).toEqual({ value: [] });
          expect((await send('GET', pathOf('notthere', 'group', `/${part}`))).status).toBe(404);
        }
        const answer = await send('GET', pathOf(made.name, 'group', '/privateLinkResources'));
        expect(errorOf(answer)).toMatchObject({ code: 'FeatureNotSupported' });
      });

      test('the operations of the provider', async () => {
        const answer = await send('GET', '/providers/Microsoft.ContainerRegistry/operations');
        expect(answer.json<{ value: { name: string }[] }>().value.map((one) => one.name)).toContain(
          `${registries}/read`,
        );
      });
    });

    describe.each(['before', 'after'] as const)('when a call fails %s it took effect', (when) => {
      test.each(['PUT', 'PATCH', 'DELETE', 'POST'])(
        '%s is refused or done, and done when asked again',
        async (method) => {
          let calls: number | undefined;
          for (let nth = 1; nth <= maxCalls && calls === undefined; nth++) {
            const of = newName();
            const whole = {
              location: 'test',
              sku: { name: 'Premium' },
              identity: { type: 'SystemAssigned' },
              properties: { adminUserEnabled: true },
            };
            if (method !== 'PUT') await make(whole, of);
            const path = pathOf(of, 'group', method === 'POST' ? '/regenerateCredential' : '');
            const sent = { PUT: whole, PATCH: { tags: { a: 'b' } }, POST: { name: 'password' } }[method];
            const plan = faultPlan({ nth, when });
            {
              await using failing = await worldOver(faultyDatabase(engine.database, plan));
              const body = sent === undefined ? {} : { body: JSON.stringify(sent) };
              const answer = await failing.as(`Bearer ${owner.token}`)(method, `${path}${preview}`, body);
              expect([200, 201, 204, 500, 503, 507], answer.text).toContain(answer.status);
            }
            if (!plan.fired()) calls = nth - 1;
            // Where there is a registry its admin user has passwords, also when the second of two steps failed.
            const half = await send('POST', pathOf(of, 'group', '/listCredentials'));
            const isWhole = half.status === 404 || half.json<{ passwords: unknown[] }>().passwords.length === 2;
            expect(isWhole, half.text).toBe(true);
            const again = await send(method, path, sent);
            expect([200, 201, 204], again.text).toContain(again.status);
            const there = await send('GET', pathOf(of));
            expect(there.status).toBe(method === 'DELETE' ? 404 : 200);
            if (method === 'DELETE') continue;
            const shown = await send('POST', pathOf(of, 'group', '/listCredentials'));
            expect(shown.json<{ passwords: unknown[] }>().passwords).toHaveLength(2);
          }
          expect(calls, `more than ${maxCalls} calls`).toBeGreaterThan(0);
        },
      );
    });
  });
}
