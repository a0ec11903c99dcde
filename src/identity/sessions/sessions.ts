import { createHash, createHmac, randomInt } from 'node:crypto';
import { type Ids, isFault, sameSecret } from '../../kernel/index.ts';
import type { Database } from '../../ports/index.ts';
import type { Subject } from '../directory/directory.ts';
import { deviceByUserCode } from './session-store.ts';
import {
  addCode,
  addDevice,
  beginChain,
  type ChainLifetimes,
  decideDevice,
  forgetSessions,
  pollDevice,
  type Redeemed,
  redeemCode,
  renewChain,
  type SessionClaims,
} from './session-transactions.ts';

/** A code or token that is not good any more, and why. */
export interface NotAlive {
  readonly state:
    | 'unknown' // never given out, or long forgotten
    | 'reused' // used before; everything made by it has ended
    | 'ended'
    | 'expired'
    | 'mismatch'; // given to another client, for another address, or under another challenge
}

/** What a device is told. */
export interface DeviceStart {
  readonly deviceCode: string;
  readonly userCode: string;
  readonly expiresInSeconds: number;
  readonly intervalSeconds: number;
}

/** A code that was redeemed, with the first token of its chain when the scope asks for one. */
export type Session = Omit<Redeemed, 'chainId'> & { readonly refreshToken: string | null };

/** What outlives a sign-in: authorization codes, devices that wait, chains of refresh tokens. All for users. */
export interface SignInSessions {
  /** An authorization code for somebody who has just signed in. `challenge` is that of PKCE by S256. */
  issueCode(request: {
    subject: Subject;
    clientId: string;
    redirectUri: string;
    scope: string;
    nonce: string | null;
    challenge: string;
  }): Promise<string>;
  redeemCode(
    code: string,
    by: { clientId: string; redirectUri: string; verifier: string },
  ): Promise<Session | NotAlive>;
  /** Throws `too-many-requests` when too many devices wait. */
  startDevice(request: { clientId: string; scope: string }): Promise<DeviceStart>;
  /** What waits under the code that a user typed; null when nothing does. */
  waitingDevice(userCode: string): Promise<{ clientId: string; scope: string } | null>;
  /** Approves for `subject`, declines for null. False when nothing waits any more. */
  decideDevice(userCode: string, subject: Subject | null): Promise<boolean>;
  pollDevice(
    deviceCode: string,
    by: { clientId: string },
  ): Promise<Session | NotAlive | { readonly state: 'pending' | 'slow' | 'declined' }>;
  /** Begins a chain and answers its first token. */
  begin(subject: Subject, clientId: string): Promise<string>;
  /** The next token of a chain; `clientIds` are the clients that may ask for it. */
  renew(
    token: string,
    clientIds: readonly string[],
  ): Promise<{ readonly state: 'alive'; readonly claims: SessionClaims; readonly refreshToken: string } | NotAlive>;
  /** Forgets what has ended. For a timer. */
  forget(): Promise<void>;
}

const codeLifetimeMs = 10 * 60_000;
const deviceLifetimeMs = 15 * 60_000;
const intervalSeconds = 5;
/** Timers of clients are not exact. */
const intervalSlackMs = 500;
const graceMs = 30_000;
/** Consonants only: no words, no digits that look like letters (RFC 8628 §6.1). 20^8 codes for a quarter of an hour. */
const userCodeLetters = 'BCDFGHJKLMNPQRSTVWXZ';
const userCodeLength = 8;
const refreshTokenForm = /^([0-9a-f]{32})\.([0-9]{1,9})\.([\w-]{43})$/;

/** Makes the sessions' service. `key` is secret: it makes the refresh tokens. */
export function signInSessions(options: {
  database: Database;
  ids: Ids;
  key: Uint8Array;
  lifetimes: ChainLifetimes;
}): SignInSessions {
  const { database, ids, key, lifetimes } = options;

  const tokenOf = (chainId: string, generation: number): string => {
    const body = `${chainId}.${generation}`;
    return `${body}.${createHmac('sha256', key).update(`refresh-token:${body}`).digest('base64url')}`;
  };
  const withToken = (redeemed: Redeemed): Session => {
    const { chainId, ...session } = redeemed;
    return { ...session, refreshToken: chainId === null ? null : tokenOf(chainId, 0) };
  };

  return {
    async issueCode({ subject, ...request }) {
      const code = ids.secret();
      const { objectId: accountId, credentialId } = subject;
      await database.transact(addCode, {
        hash: hashOf(code),
        accountId,
        credentialId,
        lifetimeMs: codeLifetimeMs,
        ...request,
      });
      return code;
    },
    async redeemCode(code, { clientId, redirectUri, verifier }) {
      const challenge = createHash('sha256').update(verifier).digest('base64url');
      const input = { hash: hashOf(code), clientId, redirectUri, challenge, chainId: ids.id(), lifetimes };
      const outcome = await database.transact(redeemCode, input);
      return outcome.state === 'alive' ? withToken(outcome) : outcome;
    },
    async startDevice(request) {
      for (let tries = 1; ; tries++) {
        const deviceCode = ids.secret();
        const userCode = randomUserCode();
        const hashes = { hash: hashOf(deviceCode), userCodeHash: hashOf(userCode) };
        try {
          await database.transact(addDevice, { ...hashes, lifetimeMs: deviceLifetimeMs, ...request });
        } catch (error) {
          if (isFault(error, 'conflict') && tries < 5) continue;
          throw error;
        }
        return { deviceCode, userCode, expiresInSeconds: deviceLifetimeMs / 1000, intervalSeconds };
      }
    },
    async waitingDevice(userCode) {
      const userCodeHash = hashOf(readUserCode(userCode));
      const device = await database.first(deviceByUserCode, { userCodeHash });
      return device?.state === 'pending' ? { clientId: device.client_id, scope: device.scope } : null;
    },
    decideDevice(userCode, subject) {
      const approvedBy = subject && { accountId: subject.objectId, credentialId: subject.credentialId };
      return database.transact(decideDevice, { userCodeHash: hashOf(readUserCode(userCode)), approvedBy });
    },
    async pollDevice(deviceCode, { clientId }) {
      const intervalMs = intervalSeconds * 1000 - intervalSlackMs;
      const input = { hash: hashOf(deviceCode), clientId, intervalMs, chainId: ids.id(), lifetimes };
      const outcome = await database.transact(pollDevice, input);
      return outcome.state === 'alive' ? withToken(outcome) : outcome;
    },
    async begin({ objectId, credentialId }, clientId) {
      const chainId = ids.id();
      const claims: SessionClaims = { kind: 'user', objectId, credentialId };
      await database.transact(beginChain, { chainId, claims, clientId, lifetimes });
      return tokenOf(chainId, 0);
    },
    async renew(token, clientIds) {
      const [, chainId = '', digits = ''] = refreshTokenForm.exec(token) ?? [];
      const generation = Number(digits);
      // One that we did not make tells nothing of a chain, and must not end it.
      if (chainId === '' || !sameSecret(token, tokenOf(chainId, generation))) return { state: 'unknown' };
      const outcome = await database.transact(renewChain, { chainId, generation, clientIds, graceMs, lifetimes });
      if (outcome.state !== 'alive') return outcome;
      return { state: 'alive', claims: outcome.claims, refreshToken: tokenOf(chainId, outcome.generation) };
    },
    forget: () => database.transact(forgetSessions, {}),
  };
}

/** Of a secret that we made: nothing can be guessed but the user's code, which lives for minutes only. */
function hashOf(secret: string): string {
  return createHash('sha256').update(secret).digest('hex');
}

function randomUserCode(): string {
  return Array.from({ length: userCodeLength }, () => userCodeLetters[randomInt(userCodeLetters.length)]).join('');
}

/** As people type it: in any case, with blanks and dashes. */
function readUserCode(text: string): string {
  return text.slice(0, 100).toUpperCase().replaceAll(/[\s-]/g, '');
}
