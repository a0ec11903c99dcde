import { Fault } from '../../kernel/index.ts';
import type { SqlTransaction, TransactionDefinition } from '../../ports/index.ts';
import type { SubjectClaims } from '../directory/directory.ts';
import {
  chainById,
  deleteDevice,
  deviceByCode,
  devicesBeyond,
  forgetChainsBefore,
  forgetChainsBeyond,
  forgetCodesBefore,
  forgetDevicesBefore,
  insertChain,
  insertCode,
  insertDevice,
  markPolled,
  revokeChain,
  revokeChainsOfOrigin,
  rotateChain,
  settleDevice,
  takeCode,
} from './session-store.ts';

/** How long the refresh tokens of a chain live: each from its making, all from the sign-in. Milliseconds. */
export interface ChainLifetimes {
  readonly slidingMs: number;
  readonly absoluteMs: number;
}

/** What a code or a chain says of its user. */
export type SessionClaims = SubjectClaims & { readonly kind: 'user' };

/** A code that was used: what it was made for, and the chain that began with it when refresh tokens were asked for. */
export interface Redeemed {
  readonly state: 'alive';
  readonly claims: SessionClaims;
  readonly clientId: string;
  readonly scope: string;
  readonly nonce: string | null;
  readonly chainId: string | null;
}

const chainsPerAccount = 500;
const maxDevices = 10_000;
/** So long codes are kept behind their end, so that who is late hears that they are late. */
const keptMs = 3_600_000;

/** An authorization code that is to be stored. */
export interface CodeInput {
  readonly hash: string;
  readonly clientId: string;
  readonly redirectUri: string;
  readonly scope: string;
  readonly nonce: string | null;
  readonly challenge: string;
  readonly accountId: string;
  readonly credentialId: string;
  readonly lifetimeMs: number;
}

/** Stores an authorization code. */
export const addCode: TransactionDefinition<CodeInput, void> = {
  name: 'identity/add-authorization-code',
  async run(tx, { lifetimeMs, ...code }) {
    await tx.run(insertCode, { ...code, expiresMs: tx.now + lifetimeMs });
  },
};

/** Uses a code up, whatever comes of it. A code that was used before ends what it was used for. */
export const redeemCode: TransactionDefinition<
  {
    readonly hash: string;
    readonly clientId: string;
    readonly redirectUri: string;
    readonly challenge: string;
    readonly chainId: string;
    readonly lifetimes: ChainLifetimes;
  },
  Redeemed | { readonly state: 'unknown' | 'reused' | 'expired' | 'mismatch' }
> = {
  name: 'identity/redeem-authorization-code',
  async run(tx, input) {
    const code = await tx.first(takeCode, { hash: input.hash });
    if (!code) {
      const ended = await tx.run(revokeChainsOfOrigin, { originHash: input.hash, now: tx.now });
      return { state: ended > 0 ? 'reused' : 'unknown' };
    }
    if (code.expires_ms <= tx.now) return { state: 'expired' };
    const isTheirs =
      code.client_id === input.clientId &&
      code.redirect_uri === input.redirectUri &&
      code.challenge === input.challenge;
    if (!isTheirs) return { state: 'mismatch' };
    const claims = claimsOf(code.account_id, code.credential_id);
    const chainId = await chainFor(tx, code.scope, claims, { ...input, originHash: input.hash });
    return { state: 'alive', claims, clientId: code.client_id, scope: code.scope, nonce: code.nonce, chainId };
  },
};

/** Stores a device that waits. Throws `too-many-requests` when too many do, `conflict` when the user's code is taken. */
export const addDevice: TransactionDefinition<
  { hash: string; userCodeHash: string; clientId: string; scope: string; lifetimeMs: number },
  void
> = {
  name: 'identity/add-device-code',
  async run(tx, { lifetimeMs, ...device }) {
    await tx.run(forgetDevicesBefore, { before: tx.now - keptMs });
    if (await tx.first(devicesBeyond, { count: maxDevices })) {
      throw new Fault('too-many-requests', 'too many devices wait for somebody to sign in; try again later');
    }
    const stored = await tx.run(insertDevice, {
      ...device,
      expiresMs: tx.now + lifetimeMs,
    });
    if (stored === 0) throw new Fault('conflict', 'another device waits under the same code');
  },
};

/** Approves a device for a user, or declines it; false when none waits under the code. */
export const decideDevice: TransactionDefinition<
  { userCodeHash: string; approvedBy: { accountId: string; credentialId: string } | null },
  boolean
> = {
  name: 'identity/decide-device-code',
  async run(tx, { userCodeHash, approvedBy }) {
    const settled = await tx.run(settleDevice, {
      userCodeHash,
      state: approvedBy ? 'approved' : 'declined',
      accountId: approvedBy?.accountId ?? null,
      credentialId: approvedBy?.credentialId ?? null,
      now: tx.now,
    });
    return settled > 0;
  },
};

/** Looks whether a device has been approved; the answer "approved" is given once. */
export const pollDevice: TransactionDefinition<
  {
    readonly hash: string;
    readonly clientId: string;
    readonly intervalMs: number;
    readonly chainId: string;
    readonly lifetimes: ChainLifetimes;
  },
  Redeemed | { readonly state: 'unknown' | 'reused' | 'expired' | 'mismatch' | 'pending' | 'slow' | 'declined' }
> = {
  name: 'identity/poll-device-code',
  async run(tx, input) {
    const { hash } = input;
    const device = await tx.first(deviceByCode, { hash });
    if (!device) {
      const ended = await tx.run(revokeChainsOfOrigin, { originHash: hash, now: tx.now });
      return { state: ended > 0 ? 'reused' : 'unknown' };
    }
    if (device.client_id !== input.clientId) return { state: 'mismatch' };
    if (device.expires_ms <= tx.now) return { state: 'expired' };
    if (device.polled_ms + input.intervalMs > tx.now) return { state: 'slow' };
    if (device.state === 'pending') {
      await tx.run(markPolled, { hash, now: tx.now });
      return { state: 'pending' };
    }
    await tx.run(deleteDevice, { hash });
    if (device.state === 'declined' || device.account_id === null || device.credential_id === null) {
      return { state: 'declined' };
    }
    const claims = claimsOf(device.account_id, device.credential_id);
    const chainId = await chainFor(tx, device.scope, claims, { ...input, originHash: hash });
    return { state: 'alive', claims, clientId: device.client_id, scope: device.scope, nonce: null, chainId };
  },
};

/** Begins a chain of refresh tokens. */
export const beginChain: TransactionDefinition<
  { chainId: string; claims: SessionClaims; clientId: string; lifetimes: ChainLifetimes },
  void
> = {
  name: 'identity/begin-refresh-chain',
  async run(tx, { claims, ...chain }) {
    await begin(tx, claims, { ...chain, originHash: null });
  },
};

/**
 * Makes the next token of a chain. The one before the newest is answered with the newest for a moment (`graceMs`), because
 * a client that runs twice at once has used the same token twice; any older one ends the chain.
 */
export const renewChain: TransactionDefinition<
  {
    readonly chainId: string;
    readonly generation: number;
    readonly clientIds: readonly string[];
    readonly graceMs: number;
    readonly lifetimes: ChainLifetimes;
  },
  | { readonly state: 'alive'; readonly claims: SessionClaims; readonly generation: number }
  | { readonly state: 'unknown' | 'reused' | 'expired' | 'mismatch' | 'ended' }
> = {
  name: 'identity/renew-refresh-chain',
  async run(tx, { chainId: id, generation, clientIds, graceMs, lifetimes }) {
    const chain = await tx.first(chainById, { id });
    if (!chain || generation > chain.generation) return { state: 'unknown' };
    if (chain.revoked_ms !== null) return { state: 'ended' };
    if (!clientIds.includes(chain.client_id)) return { state: 'mismatch' };
    if (chain.expires_ms <= tx.now) return { state: 'expired' };
    const claims = claimsOf(chain.account_id, chain.credential_id);
    if (generation === chain.generation) {
      const expiresMs = Math.min(tx.now + lifetimes.slidingMs, chain.created_ms + lifetimes.absoluteMs);
      await tx.run(rotateChain, { id, generation: generation + 1, now: tx.now, expiresMs });
      return { state: 'alive', claims, generation: generation + 1 };
    }
    if (generation === chain.generation - 1 && tx.now - chain.rotated_ms <= graceMs) {
      return { state: 'alive', claims, generation: chain.generation };
    }
    await tx.run(revokeChain, { id, now: tx.now });
    return { state: 'reused' };
  },
};

/** Forgets codes, devices and chains whose time is over. */
export const forgetSessions: TransactionDefinition<Record<string, never>, void> = {
  name: 'identity/forget-sessions',
  async run(tx) {
    await tx.run(forgetCodesBefore, { before: tx.now - keptMs });
    await tx.run(forgetDevicesBefore, { before: tx.now - keptMs });
    await tx.run(forgetChainsBefore, { before: tx.now - keptMs });
  },
};

interface ChainInput {
  readonly chainId: string;
  readonly clientId: string;
  readonly lifetimes: ChainLifetimes;
  readonly originHash: string | null;
}

async function chainFor(
  tx: SqlTransaction,
  scope: string,
  claims: SessionClaims,
  input: ChainInput,
): Promise<string | null> {
  if (!scope.split(' ').includes('offline_access')) return null;
  await begin(tx, claims, input);
  return input.chainId;
}

async function begin(tx: SqlTransaction, claims: SessionClaims, input: ChainInput): Promise<void> {
  const { slidingMs, absoluteMs } = input.lifetimes;
  await tx.run(insertChain, {
    id: input.chainId,
    accountId: claims.objectId,
    credentialId: claims.credentialId,
    clientId: input.clientId,
    originHash: input.originHash,
    generation: 0,
    now: tx.now,
    expiresMs: tx.now + Math.min(slidingMs, absoluteMs),
  });
  await tx.run(forgetChainsBeyond, {
    accountId: claims.objectId,
    count: chainsPerAccount,
  });
}

function claimsOf(objectId: string, credentialId: string): SessionClaims {
  return { kind: 'user', objectId, credentialId };
}

export const sessionTransactions: readonly TransactionDefinition<never, unknown>[] = [
  addCode,
  redeemCode,
  addDevice,
  decideDevice,
  pollDevice,
  beginChain,
  renewChain,
  forgetSessions,
];
