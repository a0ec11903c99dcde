import { createHash } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { EngineFactory, TestEngine } from '../../content/_engines.ts';
import { randomIds } from '../../kernel/index.ts';
import { accounts } from '../accounts/accounts.ts';
import { passwordHasher } from '../accounts/password-hash.ts';
import { directory } from '../directory/directory.ts';
import { signInSessions } from './sessions.ts';
import type { SignIn } from './sign-in-transactions.ts';
import { signIns } from './sign-ins.ts';

const minute = 60_000;
const day = 1440 * minute;
const clientId = 'client';
const redirectUri = 'http://localhost:1';
const verifier = 'v'.repeat(43);
const challenge = createHash('sha256').update(verifier).digest('base64url');
const by = { clientId, redirectUri, verifier };
const scope = 'openid offline_access';
const password = 'a password of some length';

/** Users, what their sign-ins leave, and the record of them, on one engine. */
export function signInSessionsContract(name: string, open: EngineFactory): void {
  describe(`sessions on ${name}`, () => {
    let engine: TestEngine;
    beforeAll(async () => {
      engine = await open();
    });
    afterAll(() => engine[Symbol.asyncDispose]());

    const hasher = passwordHasher({ cost: { log2N: 1, r: 1, p: 1 } });
    const users = () => accounts({ database: engine.database, ids: randomIds, domain: 'berth.localhost', hasher });
    const lifetimes = { slidingMs: 90 * day, absoluteMs: 365 * day };
    const sessionsOn = (database = engine.database, key = 1) =>
      signInSessions({ database, ids: randomIds, key: new Uint8Array(32).fill(key), lifetimes });
    let made = 0;
    const newUser = async () => {
      const { name: userName } = await users().create({ name: `user-${++made}`, password });
      const { subject } = await users().byPassword(userName, password);
      if (!subject) throw new Error('the user cannot sign in');
      return subject;
    };
    const issue = async (change: { scope?: string } = {}) =>
      sessionsOn().issueCode({
        subject: await newUser(),
        clientId,
        redirectUri,
        scope,
        nonce: 'n',
        challenge,
        ...change,
      });

    describe('a user', () => {
      test('has a name once, in any case, and completed by the domain', async () => {
        const all = users();
        const one = await all.create({ name: 'Alice', password, displayName: 'Alice A.' });
        expect(one).toMatchObject({ name: 'Alice@berth.localhost', displayName: 'Alice A.', enabled: true });
        expect(one.password).toBeUndefined();
        await expect(all.create({ name: 'alice@BERTH.localhost' })).rejects.toMatchObject({ code: 'conflict' });
        expect((await all.byPassword('ALICE', password)).subject?.objectId).toBe(one.objectId);
        expect((await all.list({ last: '', limit: 1000 })).map((user) => user.name)).toContain(one.name);
      });

      test.each(['', 'a b', '-a', 'a@', '@b.c', 'a@b', 'a'.repeat(114), 'a\n', '<a>', 'a@b..c'])(
        'is not called %j',
        async (bad) => {
          await expect(users().create({ name: bad, password })).rejects.toMatchObject({ code: 'request-invalid' });
          expect(await users().named(bad)).toBeNull();
        },
      );

      test.each([['x'.repeat(11)], ['x'.repeat(257)], ['']])('has no password like %j', async (bad) => {
        await expect(users().create({ name: 'short', password: bad })).rejects.toMatchObject({
          code: 'request-invalid',
        });
      });

      test('with a made password is told it once, and no hash of it is the same', async () => {
        const one = await users().create({ name: 'made' });
        expect(one.password).toMatch(/^[A-Za-z0-9]{24}$/);
        expect((await users().byPassword('made', one.password ?? '')).subject).not.toBeNull();
        const again = await users().setPassword('made', one.password);
        expect(again.password).toBeUndefined();
        expect((await users().byPassword('made', `${one.password} `)).subject).toBeNull();
      });

      test('that is disabled is told so only with the right password', async () => {
        const subject = await newUser();
        await users().setEnabled(subject.name, false);
        expect(await users().byPassword(subject.name, password)).toMatchObject({ subject: null, disabled: true });
        expect(await users().byPassword(subject.name, 'wrong')).toMatchObject({ subject: null, disabled: false });
        const claims = { kind: 'user', objectId: subject.objectId, credentialId: subject.credentialId } as const;
        const who = directory({ database: engine.database, clock: engine.clock });
        await expect(who.subjectOf(claims)).rejects.toMatchObject({ code: 'unauthenticated' });
        await users().setEnabled(subject.name, true);
        await expect(who.subjectOf(claims)).resolves.toMatchObject({ objectId: subject.objectId });
        await users().revoke(subject.name);
        await expect(who.subjectOf(claims)).rejects.toMatchObject({ code: 'unauthenticated' });
      });

      test('that is deleted leaves no role and no session behind', async () => {
        await using fresh = await open();
        const all = accounts({ database: fresh.database, ids: randomIds, domain: 'berth.localhost', hasher });
        const scopeOf = '/subscriptions/S';
        const first = await all.createFirst({ name: 'operator', scope: scopeOf });
        expect(first?.username).toBe('operator@berth.localhost');
        expect(await all.createFirst({ name: 'operator', scope: scopeOf })).toBeNull();
        const { subject } = await all.byPassword('operator', first?.password ?? '');
        const who = directory({ database: fresh.database, clock: fresh.clock });
        expect(await who.rolesOf(subject?.objectId ?? '', '/subscriptions/s')).toMatchObject([
          { role: { name: 'Owner' } },
        ]);
        const some = sessionsOn(fresh.database);
        if (!subject) throw new Error('the first user cannot sign in');
        const token = await some.begin(subject, clientId);
        await all.remove('operator');
        expect(await who.rolesOf(subject.objectId, '/subscriptions/s')).toEqual([]);
        expect(await some.renew(token, [clientId])).toEqual({ state: 'unknown' });
        await expect(all.remove('operator')).rejects.toMatchObject({ code: 'not-found' });
      });

      test('is first once, also when two hosts start at once', async () => {
        await using fresh = await open();
        const hosts = [fresh.database, await fresh.second()].map((database) =>
          accounts({ database, ids: randomIds, domain: 'berth.localhost', hasher }),
        );
        const both = await Promise.all(hosts.map((host) => host.createFirst({ name: 'operator', scope: '/' })));
        expect(both.filter((one) => one !== null)).toHaveLength(1);
      });
    });

    describe('a code', () => {
      test('is good once, for ten minutes, and a second use ends what the first one gave', async () => {
        const code = await issue();
        const first = await sessionsOn().redeemCode(code, by);
        expect(first).toMatchObject({ state: 'alive', scope, nonce: 'n', clientId });
        const token = first.state === 'alive' ? (first.refreshToken ?? '') : '';
        expect(await sessionsOn().redeemCode(code, by)).toEqual({ state: 'reused' });
        expect(await sessionsOn().renew(token, [clientId])).toEqual({ state: 'ended' });
        const late = await issue();
        engine.clock.advance(10 * minute);
        expect(await sessionsOn().redeemCode(late, by)).toEqual({ state: 'expired' });
        expect(await sessionsOn().redeemCode('made up', by)).toEqual({ state: 'unknown' });
      });

      test('that is used by two at once is used by one', async () => {
        const code = await issue();
        const hosts = [sessionsOn(), sessionsOn(await engine.second())];
        const both = await Promise.all(hosts.map((host) => host.redeemCode(code, by)));
        expect(both.map((one) => one.state).filter((state) => state === 'alive')).toHaveLength(1);
      });

      test.each([
        ['another client', { clientId: 'other' }],
        ['another address', { redirectUri: 'http://localhost:2' }],
        ['another verifier', { verifier: 'w'.repeat(43) }],
      ])('is used up by %s, and gives nothing', async (_, change) => {
        const code = await issue();
        expect(await sessionsOn().redeemCode(code, { ...by, ...change })).toEqual({ state: 'mismatch' });
        expect(await sessionsOn().redeemCode(code, by)).toEqual({ state: 'unknown' });
      });

      test('begins no chain where none was asked for', async () => {
        const redeemed = await sessionsOn().redeemCode(await issue({ scope: 'openid' }), by);
        expect(redeemed).toMatchObject({ state: 'alive', refreshToken: null });
      });
    });

    describe('a device', () => {
      test('waits for its user, and hears it once', async () => {
        const some = sessionsOn();
        const device = await some.startDevice({ clientId, scope });
        const poll = () => some.pollDevice(device.deviceCode, { clientId });
        expect(await some.waitingDevice(device.userCode)).toEqual({ clientId, scope });
        expect(await poll()).toEqual({ state: 'pending' });
        expect(await poll()).toEqual({ state: 'slow' });
        engine.clock.advance(device.intervalSeconds * 1000);
        expect(await poll()).toEqual({ state: 'pending' });
        expect(await some.pollDevice(device.deviceCode, { clientId: 'other' })).toEqual({ state: 'mismatch' });
        const subject = await newUser();
        expect(await some.decideDevice(device.userCode, subject)).toBe(true);
        expect(await some.decideDevice(device.userCode, null)).toBe(false);
        expect(await some.waitingDevice(device.userCode)).toBeNull();
        engine.clock.advance(device.intervalSeconds * 1000);
        expect(await poll()).toMatchObject({ state: 'alive', claims: { objectId: subject.objectId } });
        expect(await poll()).toEqual({ state: 'reused' });
      });

      test('gives up after a quarter of an hour', async () => {
        const some = sessionsOn();
        const device = await some.startDevice({ clientId, scope });
        engine.clock.advance(15 * minute);
        expect(await some.decideDevice(device.userCode, await newUser())).toBe(false);
        expect(await some.pollDevice(device.deviceCode, { clientId })).toEqual({ state: 'expired' });
        await some.forget();
        expect(await some.pollDevice(device.deviceCode, { clientId })).toEqual({ state: 'expired' });
        engine.clock.advance(61 * minute);
        await some.forget();
        expect(await some.pollDevice(device.deviceCode, { clientId })).toEqual({ state: 'unknown' });
      });
    });

    describe('a chain of refresh tokens', () => {
      const renewed = async (token: string, some = sessionsOn()) => {
        const outcome = await some.renew(token, [clientId]);
        if (outcome.state !== 'alive') throw new Error(outcome.state);
        return outcome.refreshToken;
      };

      test('answers the one before the newest with the newest for half a minute, and ends with an older one', async () => {
        const zero = await sessionsOn().begin(await newUser(), clientId);
        const one = await renewed(zero);
        engine.clock.advance(30_000);
        expect(await renewed(zero)).toBe(one);
        engine.clock.advance(1);
        expect(await sessionsOn().renew(zero, [clientId])).toEqual({ state: 'reused' });
        expect(await sessionsOn().renew(one, [clientId])).toEqual({ state: 'ended' });
      });

      test('ends at once with one that is two older, also within the half minute', async () => {
        const zero = await sessionsOn().begin(await newUser(), clientId);
        const two = await renewed(await renewed(zero));
        expect(await sessionsOn().renew(zero, [clientId])).toEqual({ state: 'reused' });
        expect(await sessionsOn().renew(two, [clientId])).toEqual({ state: 'ended' });
      });

      test('goes on by one for two hosts that are asked at once', async () => {
        const zero = await sessionsOn().begin(await newUser(), clientId);
        const hosts = [sessionsOn(), sessionsOn(await engine.second())];
        const [left, right] = await Promise.all(hosts.map((host) => renewed(zero, host)));
        expect(left).toBe(right);
      });

      test('lives while it is used, and a year at most', async () => {
        const unused = await sessionsOn().begin(await newUser(), clientId);
        let token = await sessionsOn().begin(await newUser(), clientId);
        for (let months = 0; months < 12; months++) {
          engine.clock.advance(30 * day);
          token = await renewed(token);
        }
        expect(await sessionsOn().renew(unused, [clientId])).toEqual({ state: 'expired' });
        engine.clock.advance(5 * day);
        expect(await sessionsOn().renew(token, [clientId])).toEqual({ state: 'expired' });
      });

      test('begins and goes on when times no longer fit into 31 or 32 bits of seconds (S26)', async () => {
        await using fresh = await open();
        fresh.clock.advance(85 * 365 * day);
        const all = accounts({ database: fresh.database, ids: randomIds, domain: 'berth.localhost', hasher });
        await all.create({ name: 'later', password });
        const { subject } = await all.byPassword('later', password);
        const some = sessionsOn(fresh.database);
        const zero = subject ? await some.begin(subject, clientId) : '';
        fresh.clock.advance(89 * day);
        const one = await renewed(zero, some);
        fresh.clock.advance(91 * day);
        expect(await some.renew(one, [clientId])).toEqual({ state: 'expired' });
      });

      test('belongs to its client, and is not known to another key', async () => {
        const zero = await sessionsOn().begin(await newUser(), clientId);
        expect(await sessionsOn().renew(zero, ['other'])).toEqual({ state: 'mismatch' });
        expect(await sessionsOn(engine.database, 2).renew(zero, [clientId])).toEqual({ state: 'unknown' });
        expect(await sessionsOn().renew(zero.replace('.0.', '.1.'), [clientId])).toEqual({ state: 'unknown' });
        // None of these has ended it.
        expect(await sessionsOn().renew(zero, ['other', clientId])).toMatchObject({ state: 'alive' });
      });
    });

    describe('the record of sign-ins', () => {
      const tried = (change: Partial<SignIn>): SignIn => ({
        at: engine.clock.now(),
        requestId: randomIds.id(),
        flow: 'password',
        principalId: '',
        principal: '',
        clientId,
        resource: '',
        error: '50126 password-wrong',
        address: '192.0.2.1',
        userAgent: 'test',
        ...change,
      });

      test('keeps every success, and of a flood of refusals some of each source', async () => {
        await using fresh = await open();
        const record = signIns(fresh.database, fresh.clock, { perFlush: 20, perSource: 5 });
        for (let n = 0; n < 1000; n++) record.refused(tried({}));
        for (let n = 0; n < 3; n++) record.refused(tried({ address: '192.0.2.2' }));
        for (let n = 0; n < 30; n++) await record.succeeded(tried({ error: '', principalId: 'owner' }));
        await record.flush();
        const rows = await record.latest(null, 1000);
        expect(rows.filter((row) => row.error === '')).toHaveLength(30);
        expect(rows.filter((row) => row.address === '192.0.2.1' && row.error !== '')).toHaveLength(5);
        expect(rows.filter((row) => row.address === '192.0.2.2')).toHaveLength(3);
        expect(record.dropped()).toBe(995);
        expect(await record.latest('owner', 10)).toHaveLength(10);
      });

      test('forgets refusals by count, which push out no success, and all by age', async () => {
        await using fresh = await open();
        const record = signIns(fresh.database, fresh.clock, { maxRefused: 10, maxRows: 1000, trimEveryMs: 0 });
        await record.succeeded(tried({ error: '', principalId: 'owner', at: fresh.clock.now() }));
        for (let n = 0; n < 30; n++) {
          record.refused(tried({ address: `192.0.2.${n}`, at: fresh.clock.now() }));
          await record.flush();
        }
        const rows = await record.latest(null, 1000);
        expect(rows).toHaveLength(11);
        expect(rows.at(-1)).toMatchObject({ error: '', principalId: 'owner' });
        expect(await record.lately('owner', '192.0.2.1')).toBe(true);
        expect(await record.lately('owner', '192.0.2.2')).toBe(false);
        fresh.clock.advance(31 * day);
        expect(await record.lately('owner', '192.0.2.1')).toBe(false);
        fresh.clock.advance(60 * day);
        await record.flush();
        expect(await record.latest(null, 1000)).toEqual([]);
      });

      test('is told in the order in which it happened, though refusals are written later', async () => {
        await using fresh = await open();
        const record = signIns(fresh.database, fresh.clock);
        const { clock } = fresh;
        record.refused(tried({ requestId: 'refused', at: clock.now(), principalId: 'owner' }));
        clock.advance(1);
        await record.succeeded(
          tried({ requestId: 'then signed in', error: '', at: clock.now(), principalId: 'owner' }),
        );
        await record.flush();
        for (const of of [null, 'owner']) {
          expect((await record.latest(of, 10)).map((row) => row.requestId)).toEqual(['then signed in', 'refused']);
        }
      });

      test('keeps no more rows than it may', async () => {
        await using fresh = await open();
        const record = signIns(fresh.database, fresh.clock, { maxRows: 5, trimEveryMs: 0 });
        for (let n = 0; n < 9; n++)
          await record.succeeded(tried({ error: '', requestId: `${n}`, at: fresh.clock.now() }));
        await record.flush();
        expect((await record.latest(null, 100)).map((row) => row.requestId)).toEqual(['8', '7', '6', '5', '4']);
      });
    });
  });
}
