import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { localKeyWrapper } from '../adapters/key-local/index.ts';
import type { EngineFactory, TestEngine } from '../content/_engines.ts';
import { testWorld } from '../content/_world.ts';
import { isFault, randomIds } from '../kernel/index.ts';
import { accounts } from './accounts/accounts.ts';
import { applications } from './applications/applications.ts';
import { type Authenticator, authenticator } from './authenticate.ts';
import { directory } from './directory/directory.ts';
import { type DirectoryResource, type DirectoryTokens, directoryTokens } from './directory/directory-tokens.ts';
import type { Principal, RegistryAccess } from './principal.ts';
import { rightsOn } from './principal.ts';
import { roleAssignments } from './roles/assignments.ts';
import { builtInRoles } from './roles/built-in-roles.ts';
import { loadSigningKeys, type SigningKeys } from './signing-keys.ts';
import { tokenService } from './token-service.ts';

const minute = 60_000;
const day = 24 * 60 * minute;
const refused = { code: 'unauthenticated' };
const ids = randomIds;
const tenantId = '00000000-0000-0000-0000-00000000000a';
const owner = '8e3af657-a8ff-443c-a75c-2fe8c4bcb635';

const roleId = (name: string): string => builtInRoles.find((role) => role.name === name)?.id ?? '';

/** Applications of the directory at the door of a registry, on one engine. */
export function directorySignInContract(name: string, open: EngineFactory): void {
  describe(`signing in from the directory on ${name}`, () => {
    const wrapper = localKeyWrapper(new Uint8Array(32).fill(7));
    let engine: TestEngine;
    let keys: SigningKeys;
    let directoryKeys: SigningKeys;
    const keyOptions = (purpose: 'registry' | 'directory') => ({
      purpose,
      clock: engine.clock,
      rotateAfterMs: Number.MAX_SAFE_INTEGER,
      tokensLiveMs: 0,
    });
    beforeAll(async () => {
      engine = await open();
      keys = await loadSigningKeys(engine.database, wrapper, ids, keyOptions('registry'));
      directoryKeys = await loadSigningKeys(engine.database, wrapper, ids, keyOptions('directory'));
    });
    afterAll(() => engine[Symbol.asyncDispose]());

    async function newWorld() {
      const world = await testWorld({ engine });
      const { database, clock, registry } = world;
      const tokens = tokenService({ keys, clock, ids, accessLifetimeMs: 5 * minute, refreshLifetimeMs: 180 * minute });
      const provider: DirectoryTokens = directoryTokens({
        keys: directoryKeys,
        clock,
        ids,
        tenantId,
        accessLifetimeMs: 60 * minute,
      });
      const access: RegistryAccess = { ...registry, audience: `${registry.name}.berth.localhost` };
      const people = directory({ database, clock });
      const apps = applications({ database, clock, ids });
      const assignments = roleAssignments(database);
      const door: Authenticator = authenticator({
        database,
        tokens,
        clock,
        directory: { directory: people, tokens: async () => provider, domain: 'berth.localhost' },
      });
      const { appId, objectId: applicationId } = await apps.create('robot');
      const { objectId } = await apps.createPrincipal(appId, true);
      const terms = { displayName: '', startMs: null, endMs: null };
      const secret = (endMs: number | null = null, startMs: number | null = null) =>
        apps.addSecret({ appId, owner: 'application' }, { ...terms, startMs, endMs });
      const assign = (role: string, scope = registry.resourceKey, principalId = objectId) => {
        const given = { roleId: roleId(role), principalId, principalType: null, description: null, by: 'somebody' };
        return assignments.assign({ name: ids.guid(), scope, ...given });
      };
      const issue = async (password: string, resource: DirectoryResource) => {
        const subject = await people.bySecret(appId, password);
        if (!subject) throw new Error('the secret does not open');
        const request = { subject, clientId: appId, resource, audience: resource, issuer: 'https://login', version: 2 };
        return (await provider.issueAccess({ ...request, version: 2 })).token;
      };
      return {
        ...world,
        appId,
        objectId,
        applicationId,
        access,
        people,
        apps,
        assignments,
        door,
        tokens,
        secret,
        assign,
        issue,
        signIn: (password: string, username = appId) =>
          door.authenticate({ scheme: 'basic', username, password }, access),
        bear: (token: string, changed: Partial<RegistryAccess> = {}) =>
          door.authenticate({ scheme: 'bearer', token }, { ...access, ...changed }),
        exchange: (token: string, tenant: string | null = null, changed: Partial<RegistryAccess> = {}) =>
          door.fromAccessToken(token, tenant, { ...access, ...changed }),
      };
    }

    const may = (principal: Principal): number => rightsOn(principal, 'team/app');

    test('by secret gives the rights of the roles that hold now, at the registry and above it', async () => {
      await using world = await newWorld();
      const { secret } = await world.secret();
      expect(await world.signIn(secret)).toMatchObject({
        kind: 'service-principal',
        name: `app:${world.appId}#${world.objectId}`,
        registryId: world.registry.id,
      });
      expect(may(await world.signIn(secret))).toBe(0);
      await world.assign('AcrPull');
      expect(may(await world.signIn(secret, world.appId.toUpperCase()))).toBe(1 | 8);
      const group = world.registry.resourceKey.split('/providers/')[0] ?? '';
      const given = await world.assign('AcrDelete', group);
      expect(may(await world.signIn(secret))).toBe(1 | 4 | 8);
      if (!('assignment' in given)) throw new Error(given.kind);
      await world.assignments.remove(given.assignment.name, group);
      expect(may(await world.signIn(secret))).toBe(1 | 8);
    });

    test('by secret says who is refused and why, to the operator alone', async () => {
      await using world = await newWorld();
      const { secret } = await world.secret();
      const ended = await world.secret(world.clock.now() + minute);
      const early = await world.secret(world.clock.now() + 3 * day, world.clock.now() + 2 * day);
      world.clock.advance(minute);
      const told = (password: string, username = world.appId) =>
        world.signIn(password, username).then(
          () => 'let in',
          (error: unknown) => (isFault(error, 'unauthenticated') ? error.operator?.forOperator() : error),
        );
      const actor = `app:${world.appId}#${world.objectId}`;
      expect(await told(`${secret}x`)).toMatchObject({ rule: 'password-wrong', actor });
      expect(await told('')).toMatchObject({ rule: 'password-wrong', actor });
      expect(await told(ended.secret)).toMatchObject({ rule: 'password-expired', actor });
      expect(await told(early.secret)).toMatchObject({ rule: 'password-expired', actor });
      expect(await told(secret, ids.guid())).toMatchObject({ rule: 'user-unknown' });
      expect(await told(secret)).toBe('let in');
      await world.apps.setEnabled(world.objectId, false);
      expect(await told(secret)).toMatchObject({ rule: 'account-disabled', actor });
      await world.apps.removePrincipal(world.objectId);
      expect(await told(secret)).toMatchObject({ rule: 'user-unknown' });
    });

    test('by an access token takes those for registries, and those for the resource manager where that is on', async () => {
      await using world = await newWorld();
      await world.assign('AcrPush');
      const { secret } = await world.secret();
      const registry = await world.issue(secret, 'registry');
      const management = await world.issue(secret, 'management');
      expect(may(await world.exchange(registry))).toBe(1 | 2 | 8 | 16);
      expect(may(await world.exchange(management))).toBe(1 | 2 | 8 | 16);
      expect(may(await world.exchange(registry, null, { armTokens: false }))).toBe(1 | 2 | 8 | 16);
      await expect(world.exchange(management, null, { armTokens: false })).rejects.toMatchObject(refused);
      await expect(world.exchange(await world.issue(secret, 'graph'))).rejects.toMatchObject(refused);
      const own = await world.tokens.issueRefresh(await world.signIn(secret), world.access);
      for (const token of ['', 'x', 'a.b.c', own, `${registry}x`])
        await expect(world.exchange(token), token).rejects.toMatchObject(refused);
      for (const tenant of [tenantId, tenantId.toUpperCase(), 'common', 'organizations', 'berth.localhost'])
        expect((await world.exchange(registry, tenant)).objectId, tenant).toBe(world.objectId);
      for (const tenant of [ids.guid(), 'elsewhere.example', 'xberth.localhost'])
        await expect(world.exchange(registry, tenant), tenant).rejects.toMatchObject(refused);
      world.clock.advance(60 * minute);
      await expect(world.exchange(registry)).rejects.toMatchObject(refused);
    });

    test('makes tokens of the registry whose rights change at once, and which die with what they were made from', async () => {
      await using world = await newWorld();
      const given = await world.assign('AcrPush');
      const first = await world.secret();
      const principal = await world.exchange(await world.issue(first.secret, 'registry'));
      const refresh = await world.tokens.issueRefresh(principal, world.access);
      const bearer = await world.tokens.issueAccess(principal, world.access, [
        { type: 'repository', name: 'team/app', actions: ['pull', 'push', 'delete'] },
      ]);
      const alive = async () => [
        may(await world.door.fromRefreshToken(refresh, world.access)),
        may(await world.bear(bearer)),
      ];
      expect(await alive()).toEqual([1 | 2 | 8 | 16, 1 | 2]);
      if (!('assignment' in given)) throw new Error(given.kind);
      await world.assignments.remove(given.assignment.name, world.registry.resourceKey);
      expect(await alive()).toEqual([0, 0]);
      await world.assign('Owner');
      expect(await alive()).toEqual([31, 1 | 2 | 4]);

      await world.apps.setEnabled(world.objectId, false);
      await expect(world.bear(bearer)).rejects.toMatchObject(refused);
      await world.apps.setEnabled(world.objectId, true);
      expect(await alive()).toEqual([31, 1 | 2 | 4]);
      await world.apps.removeSecret({ appId: world.appId, owner: 'application' }, first.keyId);
      await expect(world.bear(bearer)).rejects.toMatchObject(refused);
      await expect(world.door.fromRefreshToken(refresh, world.access)).rejects.toMatchObject(refused);
    });

    test('counts roles as the registry does when it is asked, whatever was asked before', async () => {
      await using world = await newWorld();
      await world.assign('AcrPush');
      const { secret } = await world.secret();
      const all = [{ type: 'repository', name: 'team/app', actions: ['pull', 'push'] }];
      const bearer = await world.tokens.issueAccess(await world.signIn(secret), world.access, all);
      expect(may(await world.bear(bearer))).toBe(1 | 2);
      expect(may(await world.bear(bearer, { roleMode: 'AbacRepositoryPermissions' }))).toBe(0);
      expect(may(await world.bear(bearer))).toBe(1 | 2);
    });

    test('makes tokens that end with the secret behind them', async () => {
      await using world = await newWorld();
      const { secret } = await world.secret(world.clock.now() + 2 * minute);
      const principal = await world.exchange(await world.issue(secret, 'registry'));
      expect(principal.expiresAt).toBe(world.clock.now() + 2 * minute);
      const refresh = await world.tokens.issueRefresh(principal, world.access);
      world.clock.advance(2 * minute);
      await expect(world.door.fromRefreshToken(refresh, world.access)).rejects.toMatchObject(refused);
    });

    test.each(['principal', 'application'] as const)(
      'ends for everything with the %s: secrets, tokens and roles',
      async (what) => {
        await using world = await newWorld();
        await world.assign('AcrPull');
        const { secret } = await world.secret();
        const bearer = await world.tokens.issueAccess(await world.signIn(secret), world.access, []);
        const token = await world.issue(secret, 'registry');
        if (what === 'principal') await world.apps.removePrincipal(world.objectId);
        else await world.apps.remove(world.applicationId);
        await expect(world.signIn(secret)).rejects.toMatchObject(refused);
        await expect(world.bear(bearer)).rejects.toMatchObject(refused);
        await expect(world.exchange(token)).rejects.toMatchObject(refused);
        expect(await world.people.rolesOf(world.objectId, world.registry.resourceKey)).toEqual([]);
      },
    );

    test('by a name that is no id finds nobody, and asks no database', async () => {
      await using world = await newWorld();
      for (const name of ['\0', `${world.appId}\0`, `{${world.appId}}`, '%', 'x'.repeat(60_000)]) {
        expect(await world.people.application(name)).toBeNull();
        expect(await world.people.bySecret(name, 'secret')).toBeUndefined();
      }
      expect(await world.people.application(world.appId.toUpperCase())).not.toBeNull();
    });

    test('gives a new principal no secret of the old one, also when that was made while the old one went', async () => {
      await using world = await newWorld();
      const second = applications({ database: await engine.second(), clock: world.clock, ids });
      let { objectId } = world;
      const { appId } = world;
      for (let round = 0; round < 12; round++) {
        const [made] = await Promise.allSettled([
          world.apps.addSecret({ appId, owner: 'servicePrincipal' }, { displayName: '', startMs: null, endMs: null }),
          second.removePrincipal(objectId),
        ]);
        ({ objectId } = await world.apps.createPrincipal(appId, true));
        if (made.status === 'rejected' && !isFault(made.reason, 'not-found')) throw made.reason;
        const secret = made.status === 'fulfilled' ? made.value.secret : '';
        expect(await world.people.bySecret(appId, secret)).toBeUndefined();
        expect((await world.apps.principalById(objectId))?.secrets).toEqual([]);
      }
    });

    test('gives no second person what a first one had: a new principal of the application has no roles', async () => {
      await using world = await newWorld();
      await world.assign('Owner');
      const { secret } = await world.secret();
      const bearer = await world.tokens.issueAccess(await world.signIn(secret), world.access, []);
      await world.apps.removePrincipal(world.objectId);
      await world.apps.createPrincipal(world.appId, true);
      expect(may(await world.signIn(secret))).toBe(0);
      await expect(world.bear(bearer)).rejects.toMatchObject(refused);
    });
  });

  describe(`roles on ${name}`, () => {
    let engine: TestEngine;
    beforeAll(async () => {
      engine = await open();
    });
    afterAll(() => engine[Symbol.asyncDispose]());
    const subscription = '/subscriptions/00000000-0000-0000-0000-00000000000b';

    async function newWorld() {
      const world = await testWorld({ engine });
      const { database, clock } = world;
      const apps = applications({ database, clock, ids });
      const assignments = roleAssignments(database);
      const robot = async (displayName = 'robot') => {
        const { appId, objectId: applicationId } = await apps.create(displayName);
        return { appId, applicationId, objectId: (await apps.createPrincipal(appId, true)).objectId };
      };
      const assign = (principalId: string, scope: string, more: { name?: string; role?: string; type?: string } = {}) =>
        assignments.assign({
          name: more.name ?? ids.guid(),
          scope,
          roleId: more.role ?? owner,
          principalId,
          principalType: more.type ?? null,
          description: null,
          by: 'somebody',
        });
      return { ...world, apps, assignments, robot, assign };
    }

    test('are given once: the same again, another under the name, and to nobody or nothing are told apart', async () => {
      await using world = await newWorld();
      const { objectId } = await world.robot();
      const scope = world.registry.resourceKey;
      const name = ids.guid();
      expect((await world.assign(objectId, scope, { name })).kind).toBe('created');
      expect((await world.assign(objectId.toUpperCase(), scope, { name: name.toUpperCase() })).kind).toBe('described');
      expect((await world.assign(objectId, scope)).kind).toBe('exists');
      expect((await world.assign(objectId, scope, { name, role: roleId('Reader') })).kind).toBe('name-taken');
      expect((await world.assign(objectId, subscription, { name })).kind).toBe('name-taken');
      expect((await world.assign(ids.guid(), scope)).kind).toBe('principal-unknown');
      expect(await world.assign(objectId, `${subscription}/x`)).toEqual({ kind: 'scope-unknown' });
      expect(await world.assign(objectId, `${scope}two`)).toEqual({ kind: 'scope-unknown' });
      expect(await world.assign(objectId, `/subscriptions/${ids.guid()}`)).toEqual({ kind: 'scope-unknown' });
      expect(await world.assign(objectId, '/')).toEqual({ kind: 'scope-unknown' });
      expect(await world.assign(objectId, scope, { type: 'User' })).toEqual({
        kind: 'other-type',
        type: 'ServicePrincipal',
      });
    });

    test('are listed at a scope, above it and below it, by page and by principal', async () => {
      await using world = await newWorld();
      const [one, two] = [await world.robot('one'), await world.robot('two')];
      const registry = world.registry.resourceKey;
      const group = registry.split('/providers/')[0] ?? '';
      const made: string[] = [];
      for (const [principal, scope] of [
        [one, subscription],
        [two, group],
        [one, registry],
        [two, registry],
      ] as const) {
        const outcome = await world.assign(principal.objectId, scope, { role: roleId('Reader') });
        if (!('assignment' in outcome)) throw new Error(outcome.kind);
        made.push(outcome.assignment.name);
      }
      const list = async (scope: string, more: { atScope?: boolean; principalId?: string } = {}) => {
        const found: string[] = [];
        let last: { scopeKey: string; name: string } | null = null;
        for (;;) {
          const page = await world.assignments.list({
            scope,
            atScope: more.atScope ?? false,
            principalId: more.principalId ?? null,
            last,
            limit: 2,
          });
          found.push(...page.map((assignment) => assignment.name));
          const final = page.at(-1);
          if (final === undefined || page.length < 2) break;
          last = { scopeKey: final.scope.toLowerCase(), name: final.name };
        }
        return found.filter((assignment) => made.includes(assignment)).toSorted();
      };
      expect(await list(subscription)).toEqual(made.toSorted());
      expect(await list(subscription, { atScope: true })).toEqual([made[0]]);
      expect(await list(group, { atScope: true })).toEqual([made[0] ?? '', made[1] ?? ''].toSorted());
      expect(await list(registry, { atScope: true })).toEqual(made.toSorted());
      expect(await list(registry, { principalId: two.objectId })).toEqual([made[1] ?? '', made[3] ?? ''].toSorted());
      expect(await list(subscription, { atScope: true, principalId: two.objectId })).toEqual([]);
      expect(await list(`${registry}x`, { atScope: true })).toEqual([made[0] ?? '', made[1] ?? ''].toSorted());
    });

    test('of the last Owner of the subscription cannot be taken away, and its holder cannot be deleted', async () => {
      await using fresh = await open();
      const world = await testWorld({ engine: fresh });
      const apps = applications({ database: world.database, clock: world.clock, ids });
      const assignments = roleAssignments(world.database);
      const make = async () => {
        const { appId, objectId: applicationId } = await apps.create('owner');
        const { objectId } = await apps.createPrincipal(appId, true);
        const given = { scope: subscription, roleId: owner, principalId: objectId, principalType: null };
        const name = ids.guid();
        await assignments.assign({ name, ...given, description: null, by: 'somebody' });
        return { applicationId, objectId, name };
      };
      const [first, second] = [await make(), await make()];
      expect(await assignments.remove(first.name, subscription)).toMatchObject({ principalId: first.objectId });
      expect(await assignments.remove(first.name, subscription)).toBeNull();
      const lasting = { code: 'not-permitted' };
      await expect(assignments.remove(second.name, subscription)).rejects.toMatchObject(lasting);
      await expect(apps.removePrincipal(second.objectId)).rejects.toMatchObject(lasting);
      await expect(apps.remove(second.applicationId)).rejects.toMatchObject(lasting);
      expect(await apps.principalById(second.objectId)).toBeDefined();
    });

    test('of the last Owner keep its user, too', async () => {
      await using fresh = await open();
      const world = await testWorld({ engine: fresh });
      const users = accounts({ database: world.database, ids, domain: 'berth.localhost' });
      await users.createFirst({ name: 'operator', scope: subscription });
      await expect(users.remove('operator')).rejects.toMatchObject({ code: 'not-permitted' });
      const { objectId } = await users.create({ name: 'second', password: 'a long enough password' });
      const given = { scope: subscription, roleId: owner, principalId: objectId, principalType: 'User' };
      const assignments = roleAssignments(world.database);
      await assignments.assign({ name: ids.guid(), ...given, description: null, by: 'somebody' });
      await users.remove('operator');
      expect((await users.list({ last: '', limit: 9 })).map((user) => user.objectId)).toEqual([objectId]);
    });

    test('are looked for where they were given: a name at another scope is none', async () => {
      await using world = await newWorld();
      const { objectId } = await world.robot();
      const name = ids.guid();
      await world.assign(objectId, world.registry.resourceKey, { name });
      expect(await world.assignments.remove(name, subscription)).toBeNull();
      expect(await world.assignments.byName(name)).toMatchObject({ scope: world.registry.resourceKey });
    });

    test('applications are found by name in any case, by its beginning, page by page', async () => {
      await using world = await newWorld();
      const prefix = `X${ids.id()}`;
      for (const rest of ['-b', '-A', '', '-a', 'ö']) await world.apps.create(`${prefix}${rest}`);
      const find = async (kind: 'equals' | 'begins', text: string): Promise<string[]> => {
        const found: string[] = [];
        let last: { name: string; id: string } | null = null;
        for (;;) {
          const page = await world.apps.list({ filter: { kind, text }, last, limit: 2 });
          found.push(...page.map((one) => one.displayName.slice(prefix.length)));
          const final = page.at(-1);
          if (final === undefined) return found;
          last = { name: final.displayName, id: final.objectId };
        }
      };
      expect((await find('equals', `${prefix.toLowerCase()}-a`)).toSorted()).toEqual(['-A', '-a']);
      expect(await find('equals', prefix)).toEqual(['']);
      expect((await find('begins', prefix)).toSorted()).toEqual(['', '-A', '-a', '-b', 'ö']);
      expect(await find('begins', `${prefix}Ö`)).toEqual([]);
    });

    test('an application has one principal, and forty secrets at most', async () => {
      await using world = await newWorld();
      const { appId, objectId } = await world.robot();
      await expect(world.apps.createPrincipal(appId, true)).rejects.toMatchObject({ code: 'conflict' });
      await expect(world.apps.createPrincipal(ids.guid(), true)).rejects.toMatchObject({ code: 'not-found' });
      const terms = { displayName: 'rbac', startMs: null, endMs: null };
      const made = await world.apps.addSecret({ appId, owner: 'servicePrincipal' }, terms);
      expect(made.endMs - made.startMs).toBe(365 * day);
      expect((await world.apps.principalById(objectId))?.secrets).toEqual([
        {
          keyId: made.keyId,
          displayName: 'rbac',
          hint: made.secret.slice(0, 3),
          startMs: made.startMs,
          endMs: made.endMs,
        },
      ]);
      expect((await world.apps.byAppId(appId))?.secrets).toEqual([]);
      const removal = world.apps.removeSecret({ appId, owner: 'application' }, made.keyId);
      await expect(removal).rejects.toMatchObject({ code: 'not-found' });
      for (let count = 1; count < 40; count++) await world.apps.addSecret({ appId, owner: 'application' }, terms);
      const more = world.apps.addSecret({ appId, owner: 'application' }, terms);
      await expect(more).rejects.toMatchObject({ code: 'conflict' });
      const { clock } = world;
      for (const [startMs, endMs] of [
        [null, clock.now()],
        [clock.now() + day, clock.now() + day],
        [null, Date.UTC(2300, 0, 1)],
      ] as const) {
        const bad = world.apps.addSecret({ appId, owner: 'application' }, { ...terms, startMs, endMs });
        await expect(bad).rejects.toMatchObject({ code: 'request-invalid' });
      }
      for (const displayName of ['', ' ', 'x'.repeat(257), 'a\u0000b'])
        await expect(world.apps.create(displayName)).rejects.toMatchObject({ code: 'request-invalid' });
    });
  });
}
