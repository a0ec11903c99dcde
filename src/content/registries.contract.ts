import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { localKeyWrapper } from '../adapters/key-local/index.ts';
import { readFeed } from '../data/index.ts';
import { countTokens, credentialService, directory, roleAssignments } from '../identity/index.ts';
import { isFault, randomIds } from '../kernel/index.ts';
import type { EngineFactory, TestEngine } from './_engines.ts';
import { giveRole, identityOfRegistry, makeGroup } from './_registry-fixture.ts';
import { app, by, bytesOf, repo, testWorld } from './_world.ts';
import { checkExport, type NewRegistryOptions, registries, registryRule, usage } from './index.ts';

const acrPull = '7f951dda-4ed3-4680-a7ca-43fe172d538d';
const newName = () => `Reg${randomIds.id().slice(0, 16)}`;
const newIdentity = () => ({ objectId: randomIds.guid(), appId: randomIds.guid() });
const refusedBy = (rule: string) => ({ name: 'Fault', detail: { rule } });

/** Registries as resources: what they may be told, and what goes with them. */
export function registriesContract(name: string, open: EngineFactory): void {
  describe(`registries on ${name}`, () => {
    let engine: TestEngine;
    let service: ReturnType<typeof registries>;
    beforeAll(async () => {
      engine = await open();
      service = registries(engine.database);
      await make({ name: 'thefirstone' });
    });
    afterAll(() => engine[Symbol.asyncDispose]());

    const make = (options: Partial<NewRegistryOptions> = {}) =>
      service.create(by('owner'), { name: newName(), adminEnabled: false, anonymousPull: false, ...options });
    const shown = async (registry: { resourceKey: string }) => {
      const found = await service.resource(registry.resourceKey);
      if (!found) throw new Error('there is no such registry');
      return found;
    };
    const credentials = () =>
      credentialService({
        database: engine.database,
        wrapper: localKeyWrapper(new Uint8Array(32).fill(7)),
        ids: randomIds,
      });

    test('a registry keeps the spelling of its name and of its group, and answers under lower case', async () => {
      await engine.database.transact(makeGroup, { name: 'Team-Group' });
      const spelled = newName();
      const made = await make({ name: spelled, resourceGroup: 'TEAM-group', tags: { a: 'b' }, sku: 'Premium' });
      expect(made.name).toBe(spelled.toLowerCase());
      const found = await shown(made);
      expect(found.resourceName).toBe(spelled);
      expect(found.resourceId).toBe(
        `/subscriptions/00000000-0000-0000-0000-00000000000b/resourceGroups/Team-Group/providers/Microsoft.ContainerRegistry/registries/${spelled}`,
      );
      expect(found).toMatchObject({ location: 'test', sku: 'Premium', tags: { a: 'b' }, identityId: null });
      expect(found.createdBy).toEqual({ name: 'owner', type: 'Key' });
    });

    test.each([
      ['a group that is not there', { resourceGroup: 'nowhere' }, 'group-unknown'],
      ['another region', { location: 'West Europe' }, 'location-unknown'],
      ["a name of Berth's own", { name: 'Management' }, 'name-invalid'],
      ['a name with a dash', { name: 'with-dash' }, 'name-invalid'],
      ['a name that is too short', { name: 'four' }, 'name-invalid'],
      ['a name that is taken, in other spelling', { name: 'TheFirstOne' }, 'name-taken'],
      ['anonymous pull on Basic', { sku: 'Basic', anonymousPull: true }, 'tier-lacks'],
      ['forbidden export below Premium', { exportAllowed: false }, 'tier-lacks'],
    ] as const)('%s is refused, and nothing is made', async (_, options, rule) => {
      const before = await service.list({ last: '', limit: 1000 });
      await expect(make(options)).rejects.toMatchObject(refusedBy(rule));
      expect(await service.list({ last: '', limit: 1000 })).toEqual(before);
    });

    test('its region may be spelled as people do', async () => {
      expect((await shown(await make({ location: ' T E st' }))).location).toBe('test');
    });

    test('of many that make one name at once, one wins', async () => {
      const second = registries(await engine.second());
      for (let round = 0; round < 5; round++) {
        const wanted = newName();
        const options = { adminEnabled: false, anonymousPull: false };
        const outcomes = await Promise.allSettled(
          [service, second, service, second].map((one, index) =>
            one.create(by('owner'), { ...options, name: index % 2 === 0 ? wanted : wanted.toUpperCase() }),
          ),
        );
        const losers = outcomes.flatMap((one) => (one.status === 'rejected' ? [registryRule(one.reason)?.rule] : []));
        expect(losers).toEqual(['name-taken', 'name-taken', 'name-taken']);
        expect(await shown(await make())).toBeDefined();
        const found = await service.byName(wanted.toLowerCase());
        expect(found && (await service.resource(found.resourceKey))?.resourceName.toLowerCase()).toBe(
          wanted.toLowerCase(),
        );
      }
    });

    test('a change says what changes only; the rest stays, and the etag is another', async () => {
      const made = await make({ sku: 'Premium', tags: { kept: 'yes' }, adminEnabled: true });
      const before = await shown(made);
      await service.change(by('somebody'), made.name, { exportAllowed: false, armTokens: false });
      const after = await shown(made);
      expect(after).toMatchObject({
        exportAllowed: false,
        armTokens: false,
        adminEnabled: true,
        tags: { kept: 'yes' },
      });
      expect(after.modifiedBy.name).toBe('somebody');
      expect(after.createdBy).toEqual(before.createdBy);
      expect(after.etag).not.toBe(before.etag);
      await service.change(by('somebody'), made.name, { tags: {} });
      expect((await shown(made)).tags).toEqual({});
    });

    test('two changes of different things at once are both there', async () => {
      const second = registries(await engine.second());
      const made = await make();
      await Promise.all([
        service.change(by('one'), made.name, { anonymousPull: true }),
        second.change(by('two'), made.name, { adminEnabled: true }),
        service.change(by('three'), made.name, { tags: { a: '1' } }),
      ]);
      expect(await shown(made)).toMatchObject({ anonymousPull: true, adminEnabled: true, tags: { a: '1' } });
    });

    test('a change or deletion of a state that is not there any more is refused', async () => {
      const made = await make();
      const { etag } = await shown(made);
      await service.change(by('other'), made.name, { anonymousPull: true });
      const conditions = { ifMatch: etag, ifNoneMatch: null };
      const late = service.change(by('late'), made.name, { anonymousPull: false, conditions });
      await expect(late).rejects.toMatchObject({ code: 'precondition-failed' });
      await expect(service.remove(by('late'), made.name, { conditions })).rejects.toMatchObject({
        code: 'precondition-failed',
      });
      await expect(make({ conditions })).rejects.toMatchObject({ code: 'precondition-failed' });
      expect((await shown(made)).anonymousPull).toBe(true);
      await service.remove(by('right'), made.name, {
        conditions: { ifMatch: (await shown(made)).etag, ifNoneMatch: null },
      });
      expect(await service.byName(made.name)).toBeUndefined();
    });

    test('a tier that lacks what is on, or allows fewer tokens than there are, is not to be had', async () => {
      const made = await make({ sku: 'Premium', anonymousPull: true, exportAllowed: false });
      const to = (sku: 'Basic' | 'Standard', more = {}) => service.change(by('owner'), made.name, { sku, ...more });
      await expect(to('Standard')).rejects.toMatchObject(refusedBy('tier-lacks'));
      await expect(to('Basic', { exportAllowed: true })).rejects.toMatchObject(refusedBy('tier-lacks'));
      const token = (index: number) =>
        credentials().createToken(
          made,
          { name: `token-${index}`, actions: ['repositories/*/content/read'], expiresMs: null },
          by('owner'),
        );
      for (let index = 0; index < 101; index++) await token(index);
      const plain = { exportAllowed: true, anonymousPull: false };
      await expect(to('Basic', plain)).rejects.toMatchObject(refusedBy('tier-exceeded'));
      expect((await shown(made)).sku).toBe('Premium');
      await credentials().deleteToken(made, 'token-100', by('owner'));
      expect((await to('Basic', plain)).sku).toBe('Basic');
    });

    test('no more tokens than the tier allows, however many are made at once', async () => {
      const made = await make({ sku: 'Basic' });
      const second = credentialService({
        database: await engine.second(),
        wrapper: localKeyWrapper(new Uint8Array(32).fill(7)),
        ids: randomIds,
      });
      const outcomes = await Promise.allSettled(
        Array.from({ length: 104 }, (_, index) =>
          (index % 2 === 0 ? credentials() : second).createToken(
            made,
            { name: `token-${index}`, actions: ['repositories/*/content/read'], expiresMs: null },
            by('owner'),
          ),
        ),
      );
      const refused = outcomes.flatMap((one) => (one.status === 'rejected' ? [one.reason as unknown] : []));
      expect(refused).toHaveLength(4);
      expect(refused.every((reason) => isFault(reason, 'conflict'))).toBe(true);
      expect(await countTokens(engine.database, made.id)).toEqual({ tokens: 100, scopeMaps: 100 });
    });

    test('an identity is made with the registry or later, and ends with it and all its roles', async () => {
      const who = directory({ database: engine.database, clock: engine.clock });
      const first = newIdentity();
      const made = await make({ identity: first });
      expect((await shown(made)).identityId).toBe(first.objectId);
      expect(await identityOfRegistry(engine.database, made)).toBe(first.objectId);
      const role = { name: randomIds.guid(), scope: made.resourceKey, roleId: acrPull, principalId: first.objectId };
      await engine.database.transact(giveRole, { ...role, scope: '/subscriptions/one' });
      // Asking again for what there is changes nothing.
      await service.change(by('owner'), made.name, { identity: newIdentity() });
      expect((await shown(made)).identityId).toBe(first.objectId);
      await service.change(by('owner'), made.name, { identity: null });
      expect((await shown(made)).identityId).toBeNull();
      expect(await identityOfRegistry(engine.database, made)).toBeNull();
      expect(await who.rolesOf(first.objectId, '/subscriptions/one')).toEqual([]);
      const next = newIdentity();
      await service.change(by('owner'), made.name, { identity: next });
      expect((await shown(made)).identityId).toBe(next.objectId);
      await service.remove(by('owner'), made.name);
      expect(await identityOfRegistry(engine.database, made)).toBeNull();
    });

    test('an identity that ends while it is given a role leaves none behind', async () => {
      const who = directory({ database: engine.database, clock: engine.clock });
      const assignments = roleAssignments(await engine.second());
      const made = await make();
      const scope = (await make()).resourceKey;
      for (let round = 0; round < 12; round++) {
        const identity = newIdentity();
        const { objectId: principalId } = identity;
        await service.change(by('owner'), made.name, { identity });
        const given = { name: randomIds.guid(), scope, roleId: acrPull, principalId, principalType: null };
        await Promise.all([
          service.change(by('owner'), made.name, { identity: null }),
          assignments.assign({ ...given, description: null, by: 'owner' }),
        ]);
        expect(await who.rolesOf(principalId, scope)).toEqual([]);
      }
    });

    test('who had a role at a deleted registry has none at one that is made again', async () => {
      const who = directory({ database: engine.database, clock: engine.clock });
      const principalId = randomIds.guid();
      const made = await make();
      const neighbour = await make({ name: `${made.name}x` });
      for (const scope of [made.resourceKey, `${made.resourceKey}/webhooks/one`, neighbour.resourceKey]) {
        await engine.database.transact(giveRole, { name: randomIds.guid(), scope, roleId: acrPull, principalId });
      }
      expect(await who.rolesOf(principalId, `${made.resourceKey}/webhooks/one`)).toHaveLength(2);
      await service.remove(by('owner'), made.name);
      const again = await make({ name: made.name });
      expect(again.resourceKey).toBe(made.resourceKey);
      expect(again.id).not.toBe(made.id);
      expect(await who.rolesOf(principalId, `${made.resourceKey}/webhooks/one`)).toEqual([]);
      expect(await who.rolesOf(principalId, neighbour.resourceKey)).toHaveLength(1);
    });

    test('the registry of the plain listener is deleted only after another one became it', async () => {
      const old = await service.default();
      if (!old) throw new Error('there is no default registry');
      await expect(service.remove(by('owner'), old.name)).rejects.toMatchObject(refusedBy('default-registry'));
      const next = await service.change(by('owner'), (await make()).name, { asDefault: true });
      expect(next.isDefault).toBe(true);
      expect((await service.default())?.id).toBe(next.id);
      expect((await service.byName(old.name))?.isDefault).toBe(false);
      await service.remove(by('owner'), old.name);
      expect((await service.default())?.id).toBe(next.id);
    });

    test('resources are listed by key, all or of one group, page by page', async () => {
      const group = newName();
      await engine.database.transact(makeGroup, { name: group });
      const made = [await make({ resourceGroup: group }), await make({ resourceGroup: group }), await make()];
      const page = (last: string, of: string | null, limit = 2) =>
        service.resources({ group: of?.toLowerCase() ?? null, last, limit });
      const keys = made
        .slice(0, 2)
        .map((one) => one.resourceKey)
        .toSorted();
      const ofGroup = await page('', group, 10);
      expect(ofGroup.map((one) => one.resourceKey)).toEqual(keys);
      expect((await page(keys[0] ?? '', group)).map((one) => one.resourceKey)).toEqual(keys.slice(1));
      const all: string[] = [];
      for (let part = await page('', null); part.length > 0; part = await page(all.at(-1) ?? '', null)) {
        all.push(...part.map((one) => one.resourceKey));
      }
      expect(all).toEqual(all.toSorted());
      for (const one of made) expect(all).toContain(one.resourceKey);
    });

    test('usage counts each blob and manifest of a registry once, and lags by a minute', async () => {
      await using world = await testWorld({ engine });
      const counted = usage({ database: engine.database, clock: engine.clock, rowsAtOnce: 2 });
      expect(await counted.bytes(world.registry)).toBe(0);
      const layers = [1, 2, 3, 4, 5].map((seed) => bytesOf(`usage ${seed}`, 10_000 * seed));
      const digest = await world.pushImage(app, { layers });
      await world.pushImage(repo('other/app'), { layers });
      const { size } = await world.find(app, digest);
      const config = Buffer.byteLength('{"architecture":"arm64","os":"linux"}');
      expect(await counted.bytes(world.registry)).toBe(0);
      engine.clock.advance(60_000);
      expect(await counted.bytes(world.registry)).toBe(150_000 + config + size);
    });

    test('content may leave unless export is forbidden', async () => {
      const open_ = await make({ sku: 'Premium' });
      expect(() => checkExport(open_)).not.toThrow();
      const closed = await service.change(by('owner'), open_.name, { exportAllowed: false });
      expect(() => checkExport(closed)).toThrow('may not leave');
    });

    test('each step is in the feed, with who did it', async () => {
      const made = await make({ identity: newIdentity() });
      await service.change(by('changer'), made.name, { tags: { a: 'b' }, identity: null });
      await service.remove(by('remover'), made.name);
      await using world = await testWorld({ engine });
      await world.settle();
      const feed = await engine.database.all(readFeed, { registryId: made.id, after: 0, limit: 10 });
      expect(feed.map(({ kind, actor }) => [kind, actor])).toEqual([
        ['registry.created', 'owner'],
        ['registry.updated', 'changer'],
        ['registry.deleted', 'remover'],
      ]);
      expect(JSON.parse(feed[1]?.details ?? '')).toEqual({ tags: { a: 'b' }, identity: false });
    });
  });
}
