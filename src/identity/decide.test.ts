import { describe, expect, test } from 'vitest';
import { allActions } from './actions.ts';
import { decide, type Wanted } from './decide.ts';
import { grantAccess } from './grant-access.ts';
import { grantsEverywhere, noGrants, parseScopeMapActions } from './grants.ts';
import type { Principal } from './principal.ts';
import { restrictionOf } from './token-service.ts';

const principal = (change: Partial<Principal> = {}): Principal => ({
  kind: 'token',
  name: 'token:berth/ci',
  registryId: 1,
  credentialId: 'c',
  tokenId: 1,
  objectId: '',
  roles: [],
  grants: parseScopeMapActions(['repositories/team/*/content/read', 'repositories/team/app/content/write']),
  restriction: null,
  expiresAt: null,
  ...change,
});
const read = (repository: string): Wanted => ({ action: 'content/read', repository });
const catalog: Wanted = { action: 'catalog/read' };

describe('decide', () => {
  test('allows what is granted, all of it or nothing', () => {
    expect(decide(principal(), [read('team/app')], 1)).toMatchObject({ allowed: true, reason: 'granted' });
    expect(decide(principal(), [], 1).allowed).toBe(true);
    const both: Wanted[] = [read('team/app'), { action: 'content/delete', repository: 'team/app' }];
    expect(decide(principal(), both, 1)).toMatchObject({ allowed: false, reason: 'not-granted' });
    expect(decide(principal(), [read('team')], 1).allowed).toBe(false);
  });

  test('gives a principal of another registry nothing, not even an empty wish', () => {
    const admin = principal({ kind: 'admin', grants: grantsEverywhere(allActions) });
    expect(decide(admin, [], 2)).toMatchObject({ allowed: false, reason: 'other-registry' });
  });

  test('is narrowed by what the bearer asked for', () => {
    const restriction = restrictionOf([
      { type: 'repository', name: 'team/app', actions: ['pull', 'delete'] },
      { type: 'repository', name: 'team/app', actions: ['push'] },
      { type: 'repository', name: 'other', actions: ['*'] },
    ]);
    const bearer = principal({ restriction });
    expect(decide(bearer, [read('team/app')], 1).allowed).toBe(true);
    expect(decide(bearer, [{ action: 'content/write', repository: 'team/app' }], 1).allowed).toBe(true);
    for (const wanted of [read('team/other'), read('other'), { action: 'content/delete', repository: 'team/app' }]) {
      expect(decide(bearer, [wanted as Wanted], 1)).toMatchObject({ allowed: false, reason: 'not-in-token' });
    }
  });

  test('opens the catalog to who may see something, is known, and asked for it', () => {
    expect(decide(principal(), [catalog], 1).allowed).toBe(true);
    expect(decide(principal({ grants: noGrants }), [catalog], 1).reason).toBe('not-granted');
    const everything = grantsEverywhere(allActions);
    expect(decide(principal({ kind: 'anonymous', grants: everything }), [catalog], 1).reason).toBe('anonymous');
    expect(decide(principal({ restriction: restrictionOf([]) }), [catalog], 1).reason).toBe('not-in-token');
    const asked = restrictionOf([{ type: 'registry', name: 'catalog', actions: ['*'] }]);
    expect(decide(principal({ restriction: asked }), [catalog], 1).allowed).toBe(true);
    const pushOnly = parseScopeMapActions(['repositories/*/content/write']);
    expect(decide(principal({ grants: pushOnly }), [catalog], 1).allowed).toBe(false);
  });
});

describe('granting access', () => {
  const wish = [
    { type: 'repository', name: 'team/app', actions: ['push', 'pull', 'delete'] },
    { type: 'repository', name: 'elsewhere', actions: ['pull'] },
    { type: 'repository', name: 'team/x', actions: ['*'] },
    { type: 'registry', name: 'catalog', actions: ['*'] },
    { type: 'registry', name: 'catalog', actions: ['read'] },
    { type: 'aws', name: 'team/app', actions: ['pull'] },
  ];

  test('leaves out what is not granted and never refuses', () => {
    expect(grantAccess(principal(), wish)).toEqual([
      { type: 'repository', name: 'team/app', actions: ['pull', 'push'] },
      { type: 'repository', name: 'team/x', actions: ['pull'] },
      { type: 'registry', name: 'catalog', actions: ['*'] },
    ]);
    expect(grantAccess(principal({ kind: 'anonymous', grants: noGrants }), wish)).toEqual([]);
  });

  test('gives the bearer of a token no more than that token', () => {
    const restriction = restrictionOf([{ type: 'repository', name: 'team/app', actions: ['pull'] }]);
    expect(grantAccess(principal({ restriction }), wish)).toEqual([
      { type: 'repository', name: 'team/app', actions: ['pull'] },
    ]);
  });
});
