import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { EngineFactory, TestEngine } from '../../content/_engines.ts';
import { roleAssignments } from '../../identity/index.ts';
import { randomIds } from '../../kernel/index.ts';
import { countRoles } from '../_people-fixture.ts';
import { type Toy, toyProvider } from '../_toy-provider.ts';
import {
  at,
  groupId,
  type ManagementWorld,
  managementWorld,
  type Person,
  registries,
  roles,
  subscription,
  subscriptionId,
  tenantId,
} from '../_world.ts';
import { hasGroupDeletions } from '../index.ts';
import { endGroupDeletion } from './group-transactions.ts';

interface Item {
  readonly id: string;
  readonly name: string;
}

/** Microsoft.Resources on one engine: what each caller sees, and groups with what is in them. */
export function resourcesContract(name: string, open: EngineFactory): void {
  describe(`Microsoft.Resources on ${name}`, () => {
    let engine: TestEngine;
    let world: ManagementWorld;
    let toy: Toy;
    let owner: Person;
    beforeAll(async () => {
      engine = await open();
      toy = toyProvider(engine.database);
      world = await managementWorld({ engine, others: [toy.provider] });
      owner = await world.person({ role: roles.owner, scope: subscription });
    });
    afterAll(async () => {
      await world[Symbol.asyncDispose]();
      await engine[Symbol.asyncDispose]();
    });

    let made = 0;
    /** A group of its own for a test, with resources in it. */
    async function group(names: readonly string[] = [], more: { tags?: Record<string, string> } = {}): Promise<string> {
      const group = `G.${world.unique}-${++made}`;
      const body = JSON.stringify({ location: 'test', tags: { of: group, ...more.tags } });
      expect((await owner.ask('PUT', at(groupId(group)), { body })).status).toBe(201);
      await world.put(group, names);
      return group;
    }
    const registry = (of: string, called: string): string => `${groupId(of)}/providers/${registries}/${called}`;
    const errorOf = (answer: { json<T>(): T }) => answer.json<{ error: { code: string; message: string } }>().error;
    const valueOf = (answer: { json<T>(): T }) => answer.json<{ value: Item[] }>().value;
    const namesOf = (answer: { json<T>(): T }) => valueOf(answer).map((one) => one.name);
    const typed = encodeURIComponent(`resourceType eq '${registries}'`);

    /** All items of a list, page by page. */
    async function allOf(person: Person, path: string): Promise<{ items: Item[]; pages: number }> {
      const items: Item[] = [];
      let next: string | undefined = path;
      let pages = 0;
      while (next !== undefined) {
        const answer: Awaited<ReturnType<Person['ask']>> = await person.ask('GET', next);
        expect(answer.status, answer.text).toBe(200);
        const page = answer.json<{ value: Item[]; nextLink?: string }>();
        items.push(...page.value);
        pages += 1;
        expect(page.nextLink ?? 'https://management.berth.localhost/').toMatch(
          /^https:\/\/management\.berth\.localhost\//,
        );
        next = page.nextLink?.replace('https://management.berth.localhost', '');
      }
      return { items, pages };
    }

    describe('tenant, subscription, region', () => {
      test('everybody who has signed in sees the tenant', async () => {
        const nobody = await world.person();
        const answer = await nobody.ask('GET', at('/tenants'));
        expect(answer.json()).toMatchObject({ value: [{ tenantId, defaultDomain: 'berth.localhost' }] });
      });

      test('whoever has any role in it sees the subscription, and nobody else', async () => {
        const one = await group(['a']);
        const seen = { id: subscription, subscriptionId, tenantId, state: 'Enabled', managedByTenants: [] };
        for (const scope of ['/', subscription, groupId(one), registry(one, 'a')]) {
          const person = await world.person({ role: roles.acrPull, scope });
          expect((await person.ask('GET', at('/subscriptions'))).json(), scope).toMatchObject({ value: [seen] });
          expect((await person.ask('GET', at(subscription))).json(), scope).toMatchObject(seen);
          expect((await person.ask('GET', at(`${subscription}/locations`))).json()).toMatchObject({
            value: [{ name: 'test', displayName: 'Test', metadata: { regionType: 'Physical' } }],
          });
        }
        const nobody = await world.person();
        expect(valueOf(await nobody.ask('GET', at('/subscriptions')))).toEqual([]);
        for (const path of ['', '/locations', '/resourcegroups', '/resources']) {
          const own = await nobody.ask('GET', at(`${subscription}${path}`));
          const other = await nobody.ask('GET', at(`/subscriptions/11111111-1111-1111-1111-111111111111${path}`));
          expect([own.status, errorOf(own).code], path).toEqual([404, 'SubscriptionNotFound']);
          expect(errorOf(own).message).toBe(
            errorOf(other).message.replace('11111111-1111-1111-1111-111111111111', subscriptionId),
          );
        }
      });
    });

    describe('providers', () => {
      test('are listed with their types and versions, and registered from the start', async () => {
        const listed = (await owner.ask('GET', at(`${subscription}/providers`))).json<{
          value: { namespace: string }[];
        }>();
        expect(listed.value.map((one) => one.namespace)).toEqual([
          'Microsoft.ContainerRegistry',
          'Microsoft.Resources',
        ]);
        const path = `${subscription}/providers/microsoft.containerregistry`;
        const shown = await owner.ask('GET', at(path));
        expect(shown.json()).toMatchObject({
          namespace: 'Microsoft.ContainerRegistry',
          registrationState: 'Registered',
          resourceTypes: [
            { resourceType: 'registries', apiVersions: ['2026-09-01-preview', '2025-11-01'], locations: ['Test'] },
            { resourceType: 'registries/webhooks' },
          ],
        });
        expect((await owner.ask('POST', at(`${path}/register`))).json()).toEqual(shown.json());
        expect((await owner.ask('POST', at(`${path}/unregister`))).status).toBe(409);
        const unknown = await owner.ask('GET', at(`${subscription}/providers/Microsoft.Nothing`));
        expect([unknown.status, errorOf(unknown).code]).toEqual([404, 'InvalidResourceNamespace']);
      });
    });

    describe('a group', () => {
      test('is made, shown, found in any case, and keeps the spelling of its first name', async () => {
        const spelled = `Made.${world.unique}`;
        const body = JSON.stringify({ location: 'Te St', tags: { A: 'b' } });
        const put = await owner.ask('PUT', at(groupId(spelled).replace('resourceGroups', 'resourcegroups')), { body });
        expect(put.status).toBe(201);
        const shown = {
          id: groupId(spelled),
          name: spelled,
          type: 'Microsoft.Resources/resourceGroups',
          location: 'test',
          tags: { A: 'b' },
          properties: { provisioningState: 'Succeeded' },
        };
        expect(put.json()).toEqual(shown);
        const got = await owner.ask('GET', at(groupId(spelled.toUpperCase())));
        expect([got.json(), got.headers.etag]).toEqual([shown, put.headers.etag]);
        const head = await owner.ask('HEAD', at(groupId(spelled)));
        expect([head.status, head.headers['content-length'] ?? '0', head.text]).toEqual([204, '0', '']);
      });

      test('that is not there is 404, to HEAD without a body', async () => {
        const path = at(groupId('nothere'));
        const got = await owner.ask('GET', path);
        expect([got.status, errorOf(got).code]).toEqual([404, 'ResourceGroupNotFound']);
        const head = await owner.ask('HEAD', path);
        expect([head.status, head.headers['content-length'], head.text]).toEqual([404, '0', '']);
        expect(errorOf(await owner.ask('DELETE', path)).code).toBe('ResourceGroupNotFound');
        expect(errorOf(await owner.ask('PATCH', path, { body: '{}' })).code).toBe('ResourceGroupNotFound');
      });

      test('is changed by a PUT without what it holds, and keeps that', async () => {
        const one = await group(['a', 'b']);
        const body = JSON.stringify({ location: 'test', properties: {}, tags: { new: 'tag' } });
        const again = await owner.ask('PUT', at(groupId(one.toLowerCase())), { body });
        expect([again.status, again.json()]).toMatchObject([200, { name: one, tags: { new: 'tag' } }]);
        expect(namesOf(await owner.ask('GET', at(`${groupId(one)}/resources`)))).toEqual(['a', 'b']);
      });

      test('does not move', async () => {
        const one = await group();
        const moved = await owner.ask('PUT', at(groupId(one)), { body: JSON.stringify({ location: 'elsewhere' }) });
        expect([moved.status, errorOf(moved).code]).toEqual([409, 'InvalidResourceGroupLocation']);
        expect(errorOf(moved).message).toContain("'test'");
      });

      test('is not made in a region that is not here, where nothing could be made in it', async () => {
        const path = at(groupId(`Elsewhere.${world.unique}`));
        const put = await owner.ask('PUT', path, { body: JSON.stringify({ location: 'East US' }) });
        expect([put.status, errorOf(put).code]).toEqual([400, 'LocationNotAvailableForResourceGroup']);
        expect(errorOf(put).message).toMatch(/'eastus'.*'test'.*region\.name/);
        expect((await owner.ask('GET', path)).status).toBe(404);
      });

      test('takes tags by PATCH as a whole, and none where none come', async () => {
        const one = await group();
        const patch = (body: object) => owner.ask('PATCH', at(groupId(one)), { body: JSON.stringify(body) });
        expect((await patch({ tags: { x: 'y' } })).json<{ tags?: object }>().tags).toEqual({ x: 'y' });
        expect((await patch({})).json<{ tags?: object }>().tags).toEqual({ x: 'y' });
        expect((await patch({ tags: {} })).json<{ tags?: object }>().tags).toBeUndefined();
        expect((await patch({ name: one.toUpperCase() })).status).toBe(200);
        expect((await patch({ name: 'other' })).status).toBe(400);
        expect((await patch({ location: 'elsewhere' })).status).toBe(400);
      });

      test('changes only while it is as the caller has read it', async () => {
        const one = await group();
        const path = at(groupId(one));
        const { etag = '' } = (await owner.ask('GET', path)).headers;
        const patch = (headers: Record<string, string>) =>
          owner.ask('PATCH', path, { body: JSON.stringify({ tags: { x: etag } }), headers });
        expect((await patch({ 'if-match': '"another"' })).status).toBe(412);
        expect((await patch({ 'if-match': etag })).status).toBe(200);
        const stale = await patch({ 'if-match': etag });
        expect([stale.status, errorOf(stale).code]).toEqual([412, 'PreconditionFailed']);
        expect((await owner.ask('DELETE', path, { headers: { 'if-match': etag } })).status).toBe(412);
        const body = JSON.stringify({ location: 'test' });
        expect((await owner.ask('PUT', path, { body, headers: { 'if-none-match': '*' } })).status).toBe(412);
      });

      test('is made once when two make it at the same time', async () => {
        const path = at(groupId(`Both.${world.unique}`));
        const body = JSON.stringify({ location: 'test' });
        const both = await Promise.all([1, 2].map(() => owner.ask('PUT', path, { body })));
        expect(both.map((one) => one.status).toSorted((left, right) => left - right)).toEqual([200, 201]);
      });

      test.each([
        ['ends in a dot', 'name.'],
        ['is too long', 'x'.repeat(91)],
        ['has an @', 'a@b'],
        ['has a blank', 'a%20b'],
      ])('whose name %s is refused', async (_, called) => {
        const put = await owner.ask('PUT', at(groupId(called)), { body: JSON.stringify({ location: 'test' }) });
        expect([put.status, errorOf(put).code]).toEqual([400, 'InvalidResourceGroup']);
      });

      test.each([
        ['a location that is none', { location: '../x' }],
        ['no location', {}],
        [
          'too many tags',
          { location: 'test', tags: Object.fromEntries(Array.from({ length: 51 }, (_, n) => [`t${n}`, ''])) },
        ],
        ['a tag twice in another case', { location: 'test', tags: { a: '1', A: '2' } }],
        ['a tag with a slash', { location: 'test', tags: { 'a/b': '1' } }],
        ['a tag value that is too long', { location: 'test', tags: { a: 'x'.repeat(257) } }],
        ['somebody who manages it', { location: 'test', managedBy: '/subscriptions/x' }],
      ])('with %s is refused', async (_, body) => {
        const path = at(groupId(`Refused.${world.unique}`));
        expect((await owner.ask('PUT', path, { body: JSON.stringify(body) })).status).toBe(400);
        expect((await owner.ask('GET', path)).status).toBe(404);
      });
    });

    describe('lists', () => {
      test('of groups show each caller theirs, and the groups in which something is theirs', async () => {
        const [one, two] = [await group(['a']), await group(['a'])];
        const see = async (role: string, scope: string) => {
          const person = await world.person({ role, scope });
          const { items } = await allOf(person, at(`${subscription}/resourcegroups`));
          return items.map((item) => item.name).filter((called) => [one, two].includes(called));
        };
        expect(await see(roles.reader, subscription)).toEqual([one, two]);
        expect(await see(roles.reader, groupId(one))).toEqual([one]);
        expect(await see(roles.acrPull, registry(two, 'a').toLowerCase())).toEqual([two]);
      });

      test('of groups are filtered by tags, and paged', async () => {
        const [one, two] = [
          await group([], { tags: { Team: world.unique } }),
          await group([], { tags: { team: world.unique } }),
        ];
        await group([], { tags: { team: 'another' } });
        const filter = encodeURIComponent(`tagName eq 'TEAM' and tagValue eq '${world.unique}'`);
        const { items, pages } = await allOf(owner, at(`${subscription}/resourcegroups`, `$filter=${filter}&$top=1`));
        expect(items.map((item) => item.name)).toEqual([one, two]);
        expect(pages).toBeGreaterThanOrEqual(2);
      });

      test('of resources hold all of a type in the subscription, as the type is spelled', async () => {
        const [one, two] = [await group(['b', 'a']), await group(['c'])];
        const lower = encodeURIComponent(`RESOURCETYPE EQ '${registries.toUpperCase()}'`);
        for (const filter of [typed, lower]) {
          const { items } = await allOf(owner, at(`${subscription}/resources`, `$filter=${filter}`));
          const ours = items.filter((item) => [one, two].some((of) => item.id.includes(`/${of}/`)));
          expect(ours).toMatchObject([
            {
              id: registry(one, 'a'),
              name: 'a',
              type: registries,
              location: 'test',
              sku: { name: 'Premium', tier: 'Premium' },
            },
            { id: registry(one, 'b') },
            { id: registry(two, 'c') },
          ]);
        }
      });

      test('of resources come in pages that lose and repeat nothing', async () => {
        const one = await group(Array.from({ length: 7 }, (_, n) => `r${n}`));
        const { items, pages } = await allOf(owner, at(`${groupId(one)}/resources`, '$top=3'));
        expect([items.map((item) => item.name), pages]).toEqual([['r0', 'r1', 'r2', 'r3', 'r4', 'r5', 'r6'], 3]);
      });

      test('of resources are filtered by everything that az sends', async () => {
        const one = await group(['first', 'second'], {});
        await world.put(one, ['tagged'], { tags: { Env: "it's" } });
        const list = async (filter: string) =>
          namesOf(await owner.ask('GET', at(`${subscription}/resources`, `$filter=${encodeURIComponent(filter)}`)));
        const of = `resourceGroup eq '${one.toUpperCase()}'`;
        expect(await list(of)).toEqual(['first', 'second', 'tagged']);
        expect(await list(`${of} and name eq 'SECOND'`)).toEqual(['second']);
        expect(await list(`${of} and location eq 'Test'`)).toEqual(['first', 'second', 'tagged']);
        expect(await list(`${of} and location eq 'elsewhere'`)).toEqual([]);
        expect(await list(`tagName eq 'env' and tagValue eq 'it''s' and ${of}`)).toEqual(['tagged']);
        expect(await list(`${of} and resourceType eq 'Microsoft.Nothing/x'`)).toEqual([]);
      });

      test('of resources tell times and states where they are asked to', async () => {
        const one = await group(['a']);
        const list = (query: string) => owner.ask('GET', at(`${groupId(one)}/resources`, query));
        expect(valueOf(await list(''))[0]).not.toHaveProperty('createdTime');
        expect(valueOf(await list('$expand=createdTime,changedTime,provisioningState'))[0]).toMatchObject({
          createdTime: expect.stringMatching(/^\d{4}-\d\d-\d\dT.*Z$/) as unknown,
          changedTime: expect.any(String) as unknown,
          provisioningState: 'Succeeded',
        });
        expect((await list('$expand=everything')).status).toBe(400);
      });

      test('of resources show each caller what they may read', async () => {
        const [one, two] = [await group(['a', 'a-b', 'b']), await group(['a', 'c'])];
        // A group whose name begins with that of another.
        const body = JSON.stringify({ location: 'test' });
        expect((await owner.ask('PUT', at(groupId(`${one}-x`)), { body })).status).toBe(201);
        await world.put(`${one}-x`, ['z']);
        const see = async (...given: { role: string; scope: string }[]) => {
          const person = await world.person(...given);
          const path = at(`${subscription}/resources`, `$filter=${typed}&$top=1`);
          return (await allOf(person, path)).items.map((item) => item.id).filter((id) => id.includes(world.unique));
        };
        const reader = (scope: string) => ({ role: roles.reader, scope });
        expect(await see(reader(groupId(one)))).toEqual([registry(one, 'a'), registry(one, 'a-b'), registry(one, 'b')]);
        expect(await see(reader(registry(one, 'a')), reader(groupId(two)))).toEqual([
          registry(one, 'a'),
          registry(two, 'a'),
          registry(two, 'c'),
        ]);
        expect(await see(reader(groupId(one)), reader(registry(one, 'a')), reader(groupId(`${one}-x`)))).toHaveLength(
          4,
        );
        // Pulling is not reading.
        expect(await see({ role: roles.acrPull, scope: registry(one, 'a') })).toEqual([]);
        expect(await see({ role: roles.acrPull, scope: subscription }, reader(registry(one, 'b')))).toEqual([
          registry(one, 'b'),
        ]);
      });

      test('of resources know every role of somebody who has more than one statement brings', async () => {
        const one = await group(['zzz']);
        const scopes = Array.from({ length: 999 }, (_, n) => registry(one, `r${String(n).padStart(3, '0')}`));
        // The two roles on the last one stand on both sides of the thousandth row.
        const narrow = await world.person(
          ...scopes.map((scope) => ({ role: roles.acrPull, scope })),
          { role: roles.acrPull, scope: registry(one, 'zzz') },
          { role: roles.reader, scope: registry(one, 'zzz') },
        );
        const { items } = await allOf(narrow, at(`${subscription}/resources`, `$filter=${typed}`));
        expect(items.map((item) => item.name)).toEqual(['zzz']);
      });

      test('of a group that is not there are 404 to who may read it, and empty to who may not', async () => {
        const path = at(`${groupId('nothere')}/resources`);
        expect((await owner.ask('GET', path)).status).toBe(404);
        const one = await group(['a']);
        const narrow = await world.person({ role: roles.reader, scope: registry(one, 'a') });
        expect(valueOf(await narrow.ask('GET', path))).toEqual([]);
      });

      test.each([
        ['$filter', "name ne 'a'"],
        ['$filter', "name eq 'a' or name eq 'b'"],
        ['$filter', "substringof('a', name)"],
        ['$filter', "tagValue eq 'a'"],
        ['$filter', "name eq 'a"],
        ['$filter', `name eq '${'a'.repeat(100_000 / 4)}'`],
        ['$top', '0'],
        ['$top', '-1'],
        ['$top', 'x'],
        ['$skipToken', '%%%'],
        ['$skipToken', Buffer.from('a\u0000b').toString('base64url')],
      ])('are refused where %s is %s', async (parameter, value) => {
        const answer = await owner.ask(
          'GET',
          at(`${subscription}/resources`, `${parameter}=${encodeURIComponent(value)}`),
        );
        expect([answer.status, answer.text.length < 2_000]).toEqual([400, true]);
      });
    });

    describe('the deletion of a group', () => {
      const remove = async (of: string, person = owner) => {
        const answer = await person.ask('DELETE', at(groupId(of)));
        expect(answer.status, answer.text).toBe(202);
        expect(Number(answer.headers['retry-after'])).toBeGreaterThanOrEqual(1);
        const location = answer.headers.location ?? '';
        expect(location).toMatch(/^https:\/\/management\.berth\.localhost\//);
        return location.replace('https://management.berth.localhost', '');
      };

      test('takes everything in it along, and the roles on it', async () => {
        const one = await group(['a', 'b', 'c']);
        await world.put(one, ['a/hook'], { type: registries });
        const scope = groupId(one);
        const person = await world.person(
          { role: roles.reader, scope },
          { role: roles.reader, scope: registry(one, 'a') },
        );
        const location = await remove(one);
        await world.deletion.settled();
        expect((await owner.ask('GET', location)).status).toBe(200);
        expect((await owner.ask('GET', at(groupId(one)))).status).toBe(404);
        const removed = toy.removed.filter((key) => key.startsWith(`${scope.toLowerCase()}/`));
        // What stands below another goes before it.
        expect(removed.map((key) => key.split('/registries/')[1])).toEqual(['c', 'b', 'a/hook', 'a']);
        expect(await engine.database.transact(countRoles, { scopeKey: scope.toLowerCase() })).toBe(0);
        expect((await person.ask('GET', at(scope))).status).toBe(403);
        const body = JSON.stringify({ location: 'test' });
        expect((await owner.ask('PUT', at(groupId(one)), { body })).status).toBe(201);
        expect(valueOf(await owner.ask('GET', at(`${groupId(one)}/resources`)))).toEqual([]);
      });

      test('leaves nothing that a role could be given on, which who makes the group again would find there', async () => {
        const one = await group([]);
        const { subject } = await world.person();
        const assign = () =>
          roleAssignments(engine.database).assign({
            name: randomIds.guid(),
            scope: groupId(one),
            roleId: roles.owner,
            principalId: subject.objectId,
            principalType: null,
            description: null,
            by: subject.objectId,
          });
        await remove(one);
        await world.deletion.settled();
        expect(await assign()).toEqual({ kind: 'scope-unknown' });
        await owner.ask('PUT', at(groupId(one)), { body: '{"location":"test"}' });
        expect((await assign()).kind).toBe('created');
      });

      test('is seen by who asked for it, and by nobody else', async () => {
        const one = await group(['a']);
        const location = await remove(one);
        const other = await world.person({ role: roles.owner, scope: subscription });
        expect((await other.ask('GET', location)).status).toBe(404);
        await world.deletion.settled();
        const status = location.replace('operationresults', 'operationStatuses');
        expect((await owner.ask('GET', status)).json()).toMatchObject({
          status: 'Succeeded',
          endTime: expect.any(String) as unknown,
        });
        expect((await other.ask('GET', status)).status).toBe(404);
      });

      test('is refused as a whole where something stands against it', async () => {
        const one = await group(['a', 'keep', 'z']);
        toy.obstacles.set('keep', '"keep" is needed');
        const answer = await owner.ask('DELETE', at(groupId(one)));
        toy.obstacles.delete('keep');
        expect([answer.status, errorOf(answer).code]).toEqual([409, 'ResourceGroupDeletionBlocked']);
        expect(errorOf(answer).message).toContain('"keep" is needed');
        expect(namesOf(await owner.ask('GET', at(`${groupId(one)}/resources`)))).toEqual(['a', 'keep', 'z']);
      });

      test('that something refuses on the way leaves the group and tells why', async () => {
        const one = await group(['a', 'b']);
        const { ArmError } = await import('../arm/provider.ts');
        toy.refusals.set('a', new ArmError(409, 'ScopeLocked', '"a" is locked'));
        const location = await remove(one);
        await world.deletion.settled();
        toy.refusals.delete('a');
        const result = await owner.ask('GET', location);
        expect([result.status, errorOf(result)]).toEqual([409, { code: 'ScopeLocked', message: '"a" is locked' }]);
        expect((await owner.ask('GET', at(groupId(one)))).json()).toMatchObject({
          properties: { provisioningState: 'Succeeded' },
        });
        expect(namesOf(await owner.ask('GET', at(`${groupId(one)}/resources`)))).toEqual(['a']);
        await remove(one);
        await world.deletion.settled();
        expect((await owner.ask('GET', at(groupId(one)))).status).toBe(404);
      });

      test('goes on after a stop, takes no changes meanwhile, and ends for everybody who asked', async () => {
        const one = await group(['a', 'b', 'c']);
        toy.refusals.set('b', new Error('the process died here'));
        const first = await remove(one);
        await world.deletion.settled();
        const second = await remove(one);
        await world.deletion.settled();
        const [here, results] = [await owner.ask('GET', at(groupId(one))), await owner.ask('GET', first)];
        expect([results.status, here.json()]).toMatchObject([202, { properties: { provisioningState: 'Deleting' } }]);
        expect(Number(results.headers['retry-after'])).toBeGreaterThanOrEqual(1);
        const body = JSON.stringify({ location: 'test' });
        const put = await owner.ask('PUT', at(groupId(one)), { body });
        expect([put.status, errorOf(put).code]).toEqual([409, 'ResourceGroupBeingDeleted']);
        expect(await hasGroupDeletions(engine.database)).toBe(true);
        toy.refusals.delete('b');
        await using later = await managementWorld({ engine, others: [toy.provider] });
        await later.deletion.resume();
        expect((await owner.ask('GET', at(groupId(one)))).status).toBe(404);
        for (const location of [first, second]) expect((await owner.ask('GET', location)).status).toBe(200);
        expect(await hasGroupDeletions(engine.database)).toBe(false);
      });

      test('stops between two resources when the process drains', async () => {
        const one = await group(['a', 'b']);
        toy.refusals.set('a', new Error('died'));
        await remove(one);
        await world.deletion.settled();
        toy.refusals.delete('a');
        await using draining = await managementWorld({ engine, others: [toy.provider], isDraining: () => true });
        await draining.deletion.resume();
        expect(namesOf(await owner.ask('GET', at(`${groupId(one)}/resources`)))).toEqual(['a']);
        await world.deletion.resume();
        expect((await owner.ask('GET', at(groupId(one)))).status).toBe(404);
      });

      test('does not end while something is in the group', async () => {
        const one = await group(['a']);
        toy.refusals.set('a', new Error('died'));
        await remove(one);
        await world.deletion.settled();
        toy.refusals.delete('a');
        const input = { key: one.toLowerCase(), scopeKey: groupId(one).toLowerCase() };
        expect(await engine.database.transact(endGroupDeletion, input)).toBe(false);
        expect((await owner.ask('GET', at(groupId(one)))).json()).toMatchObject({
          properties: { provisioningState: 'Deleting' },
        });
        await world.deletion.resume();
        expect(await engine.database.transact(endGroupDeletion, input)).toBe(true);
      });

      test('of kinds by force is refused: there are none', async () => {
        const one = await group();
        const answer = await owner.ask('DELETE', at(groupId(one), 'forceDeletionTypes=x'));
        expect([answer.status, errorOf(answer).code]).toEqual([400, 'FeatureNotSupported']);
      });

      test('needs the right to it', async () => {
        const one = await group();
        const reader = await world.person({ role: roles.reader, scope: subscription });
        expect((await reader.ask('DELETE', at(groupId(one)))).status).toBe(403);
      });
    });

    test('operations that ended a day ago are forgotten, and running ones are not', async () => {
      const one = await group(['a']);
      const answer = await owner.ask('DELETE', at(groupId(one)));
      await world.deletion.settled();
      const location = (answer.headers.location ?? '').replace('https://management.berth.localhost', '');
      const { forgetOperations } = await import('../index.ts');
      await engine.database.transact(forgetOperations, {});
      expect((await owner.ask('GET', location)).status).toBe(200);
      const stuck = await group(['b']);
      toy.refusals.set('b', new Error('died'));
      const running = await owner.ask('DELETE', at(groupId(stuck)));
      await world.deletion.settled();
      engine.clock.advance(86_400_001);
      await engine.database.transact(forgetOperations, {});
      toy.refusals.delete('b');
      await world.deletion.resume();
      // The token of the owner has ended meanwhile.
      engine.clock.advance(-86_400_001);
      expect((await owner.ask('GET', location)).status).toBe(404);
      const still = (running.headers.location ?? '').replace('https://management.berth.localhost', '');
      expect((await owner.ask('GET', still)).status).toBe(200);
    });
  });
}
