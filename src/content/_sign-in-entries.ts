import { createHash } from 'node:crypto';
import { localKeyWrapper } from '../adapters/key-local/index.ts';
import {
  type Accounts,
  accounts,
  loadSigningKeys,
  passwordHasher,
  type SignIn,
  type SignInSessions,
  type SignIns,
  signInSessions,
  signIns,
} from '../identity/index.ts';
import { isFault, randomIds } from '../kernel/index.ts';
import type { Database } from '../ports/index.ts';
import type { Context, Entry } from './_every-use-case.ts';
import { hour } from './_world.ts';

const key = new Uint8Array(32).fill(9);
const day = 24 * hour;
const password = 'a password of some length';
const clientId = 'client';
const redirectUri = 'http://localhost:1234';
const verifier = 'v'.repeat(43);
const challenge = createHash('sha256').update(verifier).digest('base64url');
const scope = 'openid offline_access';
/** As cheap as can be: what is tested is not how hard it is to guess. */
const hasher = passwordHasher({ cost: { log2N: 1, r: 1, p: 1 } });

export interface SignInServices {
  readonly accounts: Accounts;
  readonly sessions: SignInSessions;
  readonly signIns: SignIns;
}

export function signInServices(database: Database, clock: { now(): number }): SignInServices {
  return {
    accounts: accounts({ database, ids: randomIds, domain: 'berth.localhost', hasher }),
    sessions: signInSessions({
      database,
      ids: randomIds,
      key,
      lifetimes: { slidingMs: 90 * day, absoluteMs: 365 * day },
    }),
    signIns: signIns(database, clock, { trimEveryMs: 0 }),
  };
}

const nameOf = ({ world, nth }: Context) => `user-${world.registry.name.slice(-12)}-${nth}@berth.localhost`;
const newUser = async (context: Context) => {
  await unless(context.sound.accounts.create({ name: nameOf(context), password }), 'conflict');
};
const subjectOf = async (context: Context) => {
  const { subject } = await context.sound.accounts.byPassword(nameOf(context), password);
  if (!subject) throw new Error('the user cannot sign in');
  return subject;
};
const expectPassword = async (context: Context, works: boolean) => {
  const { subject } = await context.sound.accounts.byPassword(nameOf(context), password);
  if ((subject !== null) !== works) throw new Error(`the password ${works ? 'does not work' : 'works still'}`);
};

async function unless(work: Promise<unknown>, ...codes: Parameters<typeof isFault>[1][]): Promise<void> {
  await work.catch((error: unknown) => {
    if (!isFault(error, ...codes)) throw error;
  });
}

const tried = (context: Context, error: string): SignIn => ({
  at: context.world.clock.now(),
  requestId: `${error} ${randomIds.id()}`,
  flow: 'password',
  principalId: nameOf(context),
  principal: nameOf(context),
  clientId,
  resource: '',
  error,
  address: '127.0.0.1',
  userAgent: 'test',
});
const expectTried = async (context: Context, one: SignIn) => {
  const rows = await context.sound.signIns.latest(one.principalId, 100);
  if (!rows.some((row) => row.requestId === one.requestId)) throw new Error('the try is forgotten');
};

export const accountEntries: { readonly [M in keyof Accounts]: Entry } = {
  create: {
    async work(some, context) {
      await unless(some.accounts.create({ name: nameOf(context), password }), 'conflict');
      await expectPassword(context, true);
    },
  },
  // There are users of other entries by then: it looks, and makes none. The first one has a work of its own below.
  createFirst: { prepare: newUser, work: (some) => some.accounts.createFirst({ name: 'first', scope: '/' }) },
  list: { prepare: newUser, work: (some) => some.accounts.list({ last: '', limit: 10 }) },
  named: { work: (some, context) => some.accounts.named(nameOf(context)) },
  setEnabled: {
    prepare: newUser,
    async work(some, context) {
      await some.accounts.setEnabled(nameOf(context), false);
      await expectPassword(context, false);
    },
  },
  setPassword: {
    prepare: newUser,
    async work(some, context) {
      await some.accounts.setPassword(nameOf(context), 'another password of length');
      await expectPassword(context, false);
    },
  },
  revoke: { prepare: newUser, work: (some, context) => some.accounts.revoke(nameOf(context)) },
  remove: {
    prepare: newUser,
    async work(some, context) {
      await unless(some.accounts.remove(nameOf(context)), 'not-found');
      await expectPassword(context, false);
    },
  },
  byPassword: {
    prepare: newUser,
    async work(some, context) {
      if (!(await some.accounts.byPassword(nameOf(context), password)).subject) throw new Error('nobody signed in');
    },
  },
};

export const sessionEntries: { readonly [M in keyof SignInSessions]: Entry } = {
  issueCode: { prepare: newUser, work: async (some, context) => issue(some, await subjectOf(context)) },
  redeemCode: {
    prepare: newUser,
    // A code whose use failed is used up: then it is asked for anew.
    async work(some, context) {
      const code = await issue(context.sound, await subjectOf(context));
      const redeemed = await some.sessions.redeemCode(code, { clientId, redirectUri, verifier });
      if (redeemed.state !== 'alive') throw new Error(redeemed.state);
    },
  },
  startDevice: { work: (some) => some.sessions.startDevice({ clientId, scope }) },
  waitingDevice: { work: (some) => some.sessions.waitingDevice('BCDFGHJK') },
  decideDevice: {
    prepare: newUser,
    async work(some, context) {
      const { userCode } = await context.sound.sessions.startDevice({ clientId, scope });
      if (!(await some.sessions.decideDevice(userCode, await subjectOf(context)))) throw new Error('nothing waited');
    },
  },
  pollDevice: {
    prepare: newUser,
    async work(some, context) {
      const { userCode, deviceCode } = await context.sound.sessions.startDevice({ clientId, scope });
      await context.sound.sessions.decideDevice(userCode, await subjectOf(context));
      const polled = await some.sessions.pollDevice(deviceCode, { clientId });
      if (polled.state !== 'alive') throw new Error(polled.state);
    },
  },
  begin: { prepare: newUser, work: async (some, context) => some.sessions.begin(await subjectOf(context), clientId) },
  renew: {
    async prepare(context) {
      await newUser(context);
      context.given = { secret: await context.sound.sessions.begin(await subjectOf(context), clientId) };
    },
    // The same token a second time, after an answer that was lost, is answered with the same next one.
    async work(some, { given }) {
      const renewed = await some.sessions.renew(given.secret ?? '', [clientId]);
      if (renewed.state !== 'alive') throw new Error(renewed.state);
    },
  },
  forget: { work: (some) => some.sessions.forget() },
};

async function issue(some: SignInServices, subject: Parameters<SignInSessions['begin']>[0]): Promise<string> {
  return some.sessions.issueCode({ subject, clientId, redirectUri, scope, nonce: null, challenge });
}

export const signInEntries: { readonly [M in keyof SignIns]: Entry } = {
  succeeded: {
    async work(some, context) {
      const one = tried(context, '');
      await some.signIns.succeeded(one);
      await expectTried(context, one);
    },
  },
  refused: { portless: true, work: async (some, context) => some.signIns.refused(tried(context, 'wrong')) },
  latest: {
    async work(some, context) {
      await some.signIns.latest(null, 10);
      await some.signIns.latest(nameOf(context), 10);
    },
  },
  lately: { work: (some, context) => some.signIns.lately(nameOf(context), '127.0.0.1') },
  flush: {
    async work(some, context) {
      const one = tried(context, 'wrong');
      some.signIns.refused(one);
      await some.signIns.flush();
      await expectTried(context, one);
    },
  },
  dropped: { portless: true, work: async (some) => some.signIns.dropped() },
};

/** What is no method of a service, or another way through one. */
export const otherSignInWork: Readonly<Record<string, Entry>> = {
  'the first user of a deployment': {
    async prepare({ sound }) {
      for (const user of await sound.accounts.list({ last: '', limit: 1000 })) await sound.accounts.remove(user.name);
    },
    async work(some, { sound }) {
      const made = await some.accounts.createFirst({ name: 'first', scope: '/subscriptions/one' });
      // Whoever did not hear the password has another one made.
      const { username, password: secret = '' } = made ?? {
        username: 'first',
        password: (await sound.accounts.setPassword('first')).password,
      };
      if (!(await sound.accounts.byPassword(username, secret)).subject)
        throw new Error('the first user cannot sign in');
    },
  },
  'the rotation of signing keys': {
    prepare: async ({ world }) => world.clock.advance(3 * day),
    async work(some, { world }) {
      const options = { clock: world.clock, rotateAfterMs: 2 * day, tokensLiveMs: hour };
      const wrapper = localKeyWrapper(new Uint8Array(32).fill(7));
      const keys = await loadSigningKeys(some.database, wrapper, randomIds, { purpose: 'directory', ...options });
      if (!(await keys.verifying(keys.signing.kid))) throw new Error('the key that signs does not verify');
    },
  },
};
