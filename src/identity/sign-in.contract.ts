import { SignJWT } from 'jose';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { localKeyWrapper } from '../adapters/key-local/index.ts';
import type { EngineFactory, TestEngine } from '../content/_engines.ts';
import { by, testWorld } from '../content/_world.ts';
import { type Clock, randomIds } from '../kernel/index.ts';
import { nobodysDirectory } from './_registry-access.ts';
import { type Authenticator, authenticator, tokenUserName } from './authenticate.ts';
import { credentialService } from './credentials.ts';
import { directory } from './directory/directory.ts';
import type { Principal, RegistryAccess } from './principal.ts';
import { hashSecret, secretMatches } from './secrets.ts';
import { loadSigningKeys, type SigningKeys } from './signing-keys.ts';
import { tokenService } from './token-service.ts';

const minute = 60_000;
const refused = { code: 'unauthenticated' };
const ids = randomIds;
const keyOptions = (clock: Clock) => ({
  purpose: 'registry' as const,
  clock,
  rotateAfterMs: Number.MAX_SAFE_INTEGER,
  tokensLiveMs: 0,
});

/** Passwords, tokens and who they prove, on one engine. */
export function signInContract(name: string, open: EngineFactory): void {
  describe(`signing in on ${name}`, () => {
    const wrapper = localKeyWrapper(new Uint8Array(32).fill(7));
    let engine: TestEngine;
    let keys: SigningKeys;
    beforeAll(async () => {
      engine = await open();
      keys = await loadSigningKeys(engine.database, wrapper, ids, keyOptions(engine.clock));
    });
    afterAll(() => engine[Symbol.asyncDispose]());

    async function newWorld() {
      const world = await testWorld({ engine });
      const { database, clock, registry } = world;
      const tokens = tokenService({ keys, clock, ids, accessLifetimeMs: 5 * minute, refreshLifetimeMs: 60 * minute });
      const access: RegistryAccess = { ...registry, audience: `${registry.name}.berth.localhost` };
      const credentials = credentialService({ database, wrapper, ids });
      await credentials.ensureAdmin(registry, by('owner'));
      const door: Authenticator = authenticator({
        database,
        tokens,
        clock,
        directory: { ...nobodysDirectory, directory: directory({ database, clock }) },
      });
      return {
        ...world,
        tokens,
        access,
        credentials,
        door,
        signIn: (username: string, password: string, changed: Partial<RegistryAccess> = {}) =>
          door.authenticate({ scheme: 'basic', username, password }, { ...access, ...changed }),
        bear: (token: string, changed: Partial<RegistryAccess> = {}) =>
          door.authenticate({ scheme: 'bearer', token }, { ...access, ...changed }),
        admin: async () => (await credentials.showAdmin(registry)).passwords.map((one) => one.value),
        createToken: async (tokenName: string, expiresMs: number | null = null) => {
          const actions = ['repositories/team/*/content/read'];
          const made = await credentials.createToken(registry, { name: tokenName, actions, expiresMs }, by('owner'));
          return made.passwords.map((one) => one.value);
        },
      };
    }

    test('as admin works with either password, in any case of the name, while admin is on', async () => {
      await using world = await newWorld();
      for (const password of await world.admin()) {
        const principal = await world.signIn(world.registry.name.toUpperCase(), password);
        expect(principal).toMatchObject({ kind: 'admin', registryId: world.registry.id, restriction: null });
      }
      const [password = ''] = await world.admin();
      await expect(world.signIn(world.registry.name, `${password}x`)).rejects.toMatchObject(refused);
      await expect(world.signIn(world.registry.name, '')).rejects.toMatchObject(refused);
      await expect(world.signIn(world.registry.name, password, { adminEnabled: false })).rejects.toMatchObject(refused);
      await expect(world.signIn('nobody', password)).rejects.toMatchObject(refused);
    });

    test('with a renewed admin password ends the old one and the tokens it made, and no others', async () => {
      await using world = await newWorld();
      const [first = '', second = ''] = await world.admin();
      const tokenOf = async (password: string) =>
        world.tokens.issueAccess(await world.signIn(world.registry.name, password), world.access, []);
      const [old, other] = [await tokenOf(first), await tokenOf(second)];
      const shown = await world.credentials.renewAdmin(world.registry, 'password', by('owner'));
      expect(shown.passwords.map((one) => one.name)).toEqual(['password', 'password2']);
      expect(shown.passwords[1]?.value).toBe(second);
      await expect(world.signIn(world.registry.name, first)).rejects.toMatchObject(refused);
      await expect(world.bear(old)).rejects.toMatchObject(refused);
      expect((await world.bear(other)).kind).toBe('admin');
      await expect(world.bear(other, { adminEnabled: false })).rejects.toMatchObject(refused);
      expect(await world.signIn(world.registry.name, shown.passwords[0]?.value ?? '')).toMatchObject({ kind: 'admin' });
    });

    test('finds admin passwords made once, whoever asks first', async () => {
      await using world = await newWorld();
      const before = await world.admin();
      expect(await world.credentials.ensureAdmin(world.registry, by('owner'))).toBe(false);
      expect(await world.admin()).toEqual(before);
      await using other = await testWorld({ engine });
      const second = credentialService({ database: await engine.second(), wrapper, ids });
      const made = await Promise.all([
        world.credentials.ensureAdmin(other.registry, by('owner')),
        second.ensureAdmin(other.registry, by('owner')),
      ]);
      expect(made.filter(Boolean)).toHaveLength(1);
      expect((await second.showAdmin(other.registry)).passwords).toHaveLength(2);
    });

    test('with a user name that holds what no name does is refused like any other', async () => {
      await using world = await newWorld();
      for (const name of ['\0', 'robot\0', '\u0085']) {
        await expect(world.signIn(name, 'password')).rejects.toMatchObject(refused);
      }
    });

    test('as a token works with either password until it is deleted', async () => {
      await using world = await newWorld();
      const passwords = await world.createToken('robot');
      let principal: Principal | undefined;
      for (const password of passwords) principal = await world.signIn('robot', password);
      expect(principal).toMatchObject({ kind: 'token', name: `token:${world.registry.name}/robot` });
      const bearer = await world.tokens.issueAccess(principal as Principal, world.access, []);
      const refresh = await world.tokens.issueRefresh(principal as Principal, world.access);
      expect((await world.bear(bearer)).restriction).toEqual({ catalog: false, repositories: new Map() });
      expect((await world.door.fromRefreshToken(refresh, world.access)).restriction).toBeNull();
      await world.credentials.deleteToken(world.registry, 'robot', by('owner'));
      await expect(world.signIn('robot', passwords[0] ?? '')).rejects.toMatchObject(refused);
      await expect(world.bear(bearer)).rejects.toMatchObject(refused);
      await expect(world.door.fromRefreshToken(refresh, world.access)).rejects.toMatchObject(refused);
      const fresh = await world.createToken('robot');
      await expect(world.bear(bearer)).rejects.toMatchObject(refused);
      expect(await world.signIn('robot', fresh[0] ?? '')).toMatchObject({ kind: 'token' });
    });

    test('with a token password that expires works until then, for what it made as well', async () => {
      await using world = await newWorld();
      const [password = ''] = await world.createToken('short', world.clock.now() + minute);
      const bearer = await world.tokens.issueAccess(await world.signIn('short', password), world.access, []);
      world.clock.advance(minute - 1);
      expect((await world.bear(bearer)).kind).toBe('token');
      world.clock.advance(1);
      await expect(world.signIn('short', password)).rejects.toMatchObject(refused);
      await expect(world.bear(bearer)).rejects.toMatchObject(refused);
    });

    test('lists tokens by name and refuses bad or taken names', async () => {
      await using world = await newWorld();
      for (const one of ['robot-b', 'robot-a', 'robot-c']) await world.createToken(one);
      const names = async (last: string, limit: number) =>
        (await world.credentials.listTokens(world.registry, { last, limit })).map((one) => one.name);
      expect(await names('', 2)).toEqual(['robot-a', 'robot-b']);
      expect(await names('robot-b', 2)).toEqual(['robot-c']);
      await expect(world.createToken('robot-a')).rejects.toMatchObject({ code: 'conflict' });
      for (const bad of ['four', 'has space', world.registry.name.toUpperCase()]) {
        await expect(world.createToken(bad)).rejects.toMatchObject({ code: 'request-invalid' });
      }
      await expect(world.credentials.deleteToken(world.registry, 'absent', by('owner'))).rejects.toMatchObject({
        code: 'not-found',
      });
      await world.check();
    });

    test('without a credential is anonymous, with rights only where anonymous pull is on', async () => {
      await using world = await newWorld();
      const nobody = await world.door.authenticate({ scheme: 'none' }, world.access);
      expect(nobody.grants.everywhere).toBe(0);
      const open = { ...world.access, anonymousPull: true };
      const reader = await world.door.authenticate({ scheme: 'none' }, open);
      expect(reader.grants.everywhere).not.toBe(0);
      const token = await world.tokens.issueAccess(reader, open, []);
      expect((await world.bear(token, { anonymousPull: true })).kind).toBe('anonymous');
      await expect(world.bear(token)).rejects.toMatchObject(refused);
      await expect(world.door.authenticate({ scheme: 'unusable' }, world.access)).rejects.toMatchObject(refused);
    });

    test('with tokens ends when they expire, also when they were just seen', async () => {
      await using world = await newWorld();
      const [password = ''] = await world.admin();
      const principal = await world.signIn(world.registry.name, password);
      const token = await world.tokens.issueAccess(principal, world.access, []);
      expect((await world.bear(token)).kind).toBe('admin');
      world.clock.advance(5 * minute - 1000);
      expect((await world.bear(token)).kind).toBe('admin');
      world.clock.advance(1000);
      await expect(world.bear(token)).rejects.toMatchObject(refused);
    });

    test('with tokens works at their own registry only, and each kind for its own use', async () => {
      await using world = await newWorld();
      const [password = ''] = await world.admin();
      const principal = await world.signIn(world.registry.name, password);
      const token = await world.tokens.issueAccess(principal, world.access, []);
      const refresh = await world.tokens.issueRefresh(principal, world.access);
      expect((await world.signIn(tokenUserName, token)).kind).toBe('admin');
      expect((await world.signIn(tokenUserName, refresh)).kind).toBe('admin');
      await expect(world.bear(token, { audience: 'other.berth.localhost' })).rejects.toMatchObject(refused);
      await expect(world.bear(refresh)).rejects.toMatchObject(refused);
      await expect(world.door.fromRefreshToken(token, world.access)).rejects.toMatchObject(refused);
    });

    test('with forged tokens is refused', async () => {
      await using world = await newWorld();
      const [password = ''] = await world.admin();
      const token = await world.tokens.issueAccess(await world.signIn(world.registry.name, password), world.access, []);
      const [header = '', payload = '', signature = ''] = token.split('.');
      const claims = JSON.parse(Buffer.from(payload, 'base64url').toString()) as Record<string, unknown>;
      const spell = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');
      const hmac = await new SignJWT(claims)
        .setProtectedHeader({ alg: 'HS256', kid: keys.signing.kid })
        .sign(new Uint8Array(32));
      const forged = [
        `${header}.${spell({ ...claims, exp: 9e9 })}.${signature}`,
        `${spell({ alg: 'none', kid: keys.signing.kid })}.${payload}.`,
        `${spell({ alg: 'RS256', kid: 'unknown' })}.${payload}.${signature}`,
        hmac,
        'x'.repeat(20_000),
        '',
      ];
      for (const one of forged) await expect(world.bear(one)).rejects.toMatchObject(refused);
      const shape = { grant_type: 'access_token', knd: 'admin', cid: claims['cid'] };
      for (const change of [{ knd: 'root' }, { grant_type: 'password' }]) {
        const signed = await new SignJWT({ ...shape, ...change })
          .setProtectedHeader({ alg: 'RS256', kid: keys.signing.kid })
          .setIssuer('Berth')
          .setAudience(world.access.audience)
          .setSubject('admin')
          .setJti('1')
          .setIssuedAt(Math.floor(world.clock.now() / 1000))
          .setNotBefore(0)
          .setExpirationTime(9e9)
          .sign(keys.signing.key);
        await expect(world.bear(signed)).rejects.toMatchObject(refused);
      }
    });

    test('keeps its keys over a restart', async () => {
      await using world = await newWorld();
      const again = await loadSigningKeys(engine.database, wrapper, ids, keyOptions(engine.clock));
      expect(again.signing.kid).toBe(keys.signing.kid);
      await expect(again.verifying('unknown')).resolves.toBeUndefined();
      const options = { clock: world.clock, ids, accessLifetimeMs: minute, refreshLifetimeMs: minute };
      const [password = ''] = await world.admin();
      const token = await world.tokens.issueAccess(await world.signIn(world.registry.name, password), world.access, []);
      const claims = await tokenService({ ...options, keys: again, cacheSize: 1 }).verify(token, world.access);
      expect(claims).toMatchObject({ use: 'access', kind: 'admin' });
    });

    test('starts with one key, also when two hosts start at once', async () => {
      await using fresh = await open();
      const hosts = [fresh.database, await fresh.second()];
      const [one, two] = await Promise.all(
        hosts.map((database) => loadSigningKeys(database, wrapper, ids, keyOptions(fresh.clock))),
      );
      expect(two?.signing.kid).toBe(one?.signing.kid);
    });

    test('compares secrets under the credential that they belong to', () => {
      const hash = hashSecret('secret', 'one');
      expect(secretMatches('secret', 'one', hash)).toBe(true);
      expect(secretMatches('secret', 'two', hash)).toBe(false);
      expect(secretMatches('secret', 'one', '')).toBe(false);
      expect(secretMatches('Secret', 'one', hash)).toBe(false);
    });
  });
}
