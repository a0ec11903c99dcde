import { decodeJwt, generateKeyPair } from 'jose';
import { describe, expect, it } from 'vitest';
import { manualClock, randomIds } from '../kernel/index.ts';
import { registryAccess } from './_registry-access.ts';
import { allActions } from './actions.ts';
import { grantsEverywhere } from './grants.ts';
import type { Principal } from './principal.ts';
import { tokenService } from './token-service.ts';

const registry = registryAccess();
const minute = 60_000;

async function service() {
  const clock = manualClock();
  const pair = await generateKeyPair('RS256', { modulusLength: 2048 });
  const keys = { signing: { kid: 'k', key: pair.privateKey }, verifying: () => pair.publicKey, all: () => [] };
  const tokens = tokenService({
    keys,
    clock,
    ids: randomIds,
    accessLifetimeMs: 75 * minute,
    refreshLifetimeMs: 180 * minute,
  });
  const admin = (expiresAt: number | null): Principal => ({
    kind: 'admin',
    name: 'admin:berth',
    registryId: 1,
    credentialId: 'c',
    tokenId: 0,
    objectId: '',
    roles: [],
    grants: grantsEverywhere(allActions),
    restriction: null,
    expiresAt,
  });
  return { clock, tokens, admin };
}

describe('the end of a token', () => {
  it('is the configured lifetime for a password', async () => {
    const { clock, tokens, admin } = await service();
    const { exp } = decodeJwt(await tokens.issueAccess(admin(null), registry, []));
    expect(exp).toBe((clock.now() + 75 * minute) / 1000);
    expect(tokens.accessSeconds(admin(null))).toBe(75 * 60);
  });

  it('never lies beyond that of the token it was made from: none renews itself', async () => {
    const { clock, tokens, admin } = await service();
    const first = await tokens.verify(await tokens.issueAccess(admin(null), registry, []), registry);
    clock.advance(70 * minute);
    const again = admin(first.expiresAt);
    expect(decodeJwt(await tokens.issueAccess(again, registry, [])).exp).toBe(first.expiresAt / 1000);
    expect(decodeJwt(await tokens.issueRefresh(again, registry)).exp).toBe(first.expiresAt / 1000);
    expect(tokens.accessSeconds(again)).toBe(5 * 60);
  });
});
