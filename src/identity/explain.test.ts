import { inspect } from 'node:util';
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { isFault, manualClock } from '../kernel/index.ts';
import type { Database } from '../ports/index.ts';
import { nobodysDirectory, registryAccess } from './_registry-access.ts';
import { allActions, type RepositoryAction, repositoryActions } from './actions.ts';
import { authenticator } from './authenticate.ts';
import { type DataWanted, decide } from './decide.ts';
import { explainDenial, unproven } from './explain.ts';
import { grantsEverywhere, noGrants, parseScopeMapActions } from './grants.ts';
import type { Principal } from './principal.ts';
import { roleById } from './roles/built-in-roles.ts';
import { hashSecret } from './secrets.ts';
import { restrictionOf, type TokenService } from './token-service.ts';

const registry = registryAccess();
const principal = (change: Partial<Principal> = {}): Principal => ({
  kind: 'token',
  name: 'token:berth/ci',
  registryId: 1,
  credentialId: 'c',
  tokenId: 1,
  objectId: '',
  roles: [],
  grants: noGrants,
  scopeMap: 'ci',
  restriction: null,
  expiresAt: null,
  ...change,
});
const why = (who: Principal, wanted: readonly DataWanted[], where = registry) =>
  explainDenial(who, wanted, where).forOperator();

describe('an explanation', () => {
  test('is there exactly where decide says no', () => {
    const action = fc.constantFrom(...(Object.keys(repositoryActions) as RepositoryAction[]));
    const repository = fc.constantFrom('team/app', 'team/web', 'other');
    const wanted: fc.Arbitrary<DataWanted> = fc.oneof(
      fc.record({ action, repository }),
      fc.constant<DataWanted>({ action: 'catalog/read' }),
    );
    const line = fc
      .tuple(fc.constantFrom('*', 'team/*', 'team/app', 'other'), action)
      .map((parts) => `repositories/${parts.join('/')}`);
    const access = fc.array(
      fc.oneof(
        fc.record({
          type: fc.constant('repository'),
          name: fc.constantFrom('*', 'team/app', 'other'),
          actions: fc.array(fc.constantFrom('pull', 'push', 'delete', 'metadata_read', '*')),
        }),
        fc.constant({ type: 'registry', name: 'catalog', actions: ['*'] }),
      ),
    );
    fc.assert(
      fc.property(
        fc.array(line, { minLength: 1, maxLength: 4 }),
        fc.option(access),
        fc.array(wanted, { minLength: 1, maxLength: 3 }),
        fc.constantFrom(1, 2),
        (lines, entries, asked, registryId) => {
          const who = principal({
            registryId,
            grants: parseScopeMapActions(lines),
            restriction: entries === null ? null : restrictionOf(entries),
          });
          const { allowed } = decide(who, asked, registry.id);
          let explained = true;
          try {
            why(who, asked);
          } catch (error) {
            explained = (error as Error).message !== 'nothing was denied';
          }
          expect(explained).toBe(!allowed);
        },
      ),
    );
  });

  test('tells a right that is missing from one that was not asked for', () => {
    const push: DataWanted = { action: 'content/write', repository: 'team/app' };
    const reader = principal({ grants: parseScopeMapActions(['repositories/team/*/content/read']) });
    expect(why(reader, [push])).toEqual({
      rule: 'not-in-scope-map',
      because: 'scope map ci of token:berth/ci lacks content/write on team/app',
      cure: "berth token create --registry berth --name team-app-push --repository 'team/app' --actions content/read,content/write",
    });
    const admin = principal({ kind: 'admin', grants: grantsEverywhere(allActions), restriction: restrictionOf([]) });
    expect(why(admin, [push])).toMatchObject({
      rule: 'not-in-bearer',
      cure: expect.stringContaining('scope=repository:team/app:push'),
    });
    expect(why(principal({ registryId: 2 }), [push]).rule).toBe('other-registry');
  });

  test('of nobody depends on whether everybody may pull', () => {
    const nobody = principal({ kind: 'anonymous', name: 'anonymous' });
    const pull: DataWanted = { action: 'content/read', repository: 'team/app' };
    const push: DataWanted = { action: 'content/write', repository: 'team/app' };
    expect(why(nobody, [pull]).rule).toBe('credential-missing');
    expect(why(nobody, []).rule).toBe('credential-missing');
    const open = { ...registry, anonymousPull: true };
    expect(why(nobody, [push], open).rule).toBe('anonymous-may-only-pull');
    expect(why(nobody, [{ action: 'catalog/read' }], open).rule).toBe('anonymous-may-only-pull');
  });

  test('proposes names that tokens may have', () => {
    for (const repository of ['a', 'a/b', `${'long/'.repeat(40)}name`, 'x__y.z-1']) {
      const { cure } = why(principal(), [{ action: 'metadata/write', repository }]);
      expect(/--name (\S+) /.exec(cure)?.[1]).toMatch(/^[a-zA-Z0-9][a-zA-Z0-9-]{4,49}$/);
    }
  });

  test('of a token that is switched off names it', async () => {
    const row = {
      token_id: 1,
      token_name: 'ci',
      status: 'disabled',
      credential_id: 'c',
      hash: hashSecret('right', 'c'),
      expires_ms: null,
    };
    const database = { all: () => Promise.resolve([row]) } as unknown as Database;
    const door = authenticator({
      database,
      tokens: {} as TokenService,
      clock: manualClock(),
      directory: nobodysDirectory,
    });
    const signIn = (password: string) =>
      door.authenticate({ scheme: 'basic', username: 'ci', password }, registry).then(
        () => 'let in',
        (error: unknown) => (isFault(error) ? error.operator?.forOperator() : error),
      );
    expect(await signIn('right')).toMatchObject({ rule: 'token-disabled', actor: 'token:berth/ci' });
    expect(await signIn('wrong')).toMatchObject({ rule: 'password-wrong', actor: 'token:berth/ci' });
  });

  test.each([
    ['LegacyRegistryPermissions', 'content/write', 'AcrPush'],
    ['AbacRepositoryPermissions', 'content/delete', 'Container Registry Repository Contributor'],
    ['AbacRepositoryPermissions', 'catalog/read', 'Container Registry Repository Catalog Lister'],
  ] as const)('names the role that is missing under %s for %s', (roleMode, action, role) => {
    const reader = roleById('acdd72a7-3385-48ef-bd42-f606fba81ae7');
    const robot = principal({
      kind: 'service-principal',
      name: 'app:a#o',
      objectId: 'o',
      roles: reader === undefined ? [] : [{ scope: '/', role: reader }],
      ...(roleMode === 'AbacRepositoryPermissions' ? { byRepository: { lists: false } } : {}),
    });
    const wanted = action === 'catalog/read' ? [{ action }] : [{ action, repository: 'team/app' }];
    expect(decide(robot, wanted, 1).allowed).toBe(false);
    const told = explainDenial(robot, wanted, registryAccess({ roleMode })).forOperator();
    expect(told.rule).toBe('role-missing');
    expect(told.because).toContain('only Reader');
    expect(told.cure).toBe(
      `az role assignment create --assignee-object-id o --assignee-principal-type ServicePrincipal --role '${role}' --scope ${registry.resourceKey}`,
    );
  });

  test('turns to nothing wherever text is made of the fault that carries it', () => {
    const fault = unproven('no', 'user-unknown', 'the reason', { cure: 'the cure' });
    expect(isFault(fault, 'unauthenticated')).toBe(true);
    const texts = [JSON.stringify(fault), inspect(fault, { depth: 9 }), String(fault), String(fault.operator)];
    for (const text of texts) expect(text).not.toMatch(/the reason|the cure/);
    expect(fault.operator?.forOperator().because).toBe('the reason');
  });
});
