import { describe, expect, it } from 'vitest';
import type { Role } from './built-in-roles.ts';
import { permits, roleAllows } from './permits.ts';

const roleOf = (actions: string[], notActions: string[] = [], dataActions: string[] = []): Role => ({
  id: 'x',
  name: 'x',
  permissions: [{ actions, notActions, dataActions, notDataActions: [] }],
});

describe('a role', () => {
  it.each([
    ['*', 'Microsoft.Any/thing/read', true],
    ['*/read', 'Microsoft.Any/thing/READ', true],
    ['*/read', 'Microsoft.Any/thing/read/action', false],
    ['*/read', 'read', false],
    ['Microsoft.A/*/Write', 'microsoft.a/b/c/write', true],
    ['Microsoft.A/*/Write', 'microsoft.a/write', false],
    ['Microsoft.A/*', 'Microsoft.A', false],
    ['Microsoft.A/b', 'Microsoft.A/b', true],
    ['Microsoft.A/b', 'Microsoft.A/bc', false],
    ['Microsoft.A/b', 'xMicrosoft.A/b', false],
    ['a*b*c', 'abc', true],
    ['a*b*c', 'axxbxxbxc', true],
    ['a*b*c', 'axxc', false],
    ['ab*ba', 'aba', false],
    ['*.*', 'no dot', false],
    ['Microsoft.A/b', 'MicrosoftxA/b', false],
  ])('with %s, asked for %s: %s', (pattern, action, expected) => {
    expect(roleAllows(roleOf([pattern]), action)).toBe(expected);
  });

  it('does not allow what it excepts, and keeps the two planes apart', () => {
    const role = roleOf(['*'], ['Microsoft.Authorization/*/Write'], ['Microsoft.A/content/read']);
    expect(roleAllows(role, 'Microsoft.Authorization/roleAssignments/write')).toBe(false);
    expect(roleAllows(role, 'Microsoft.Authorization/roleAssignments/read')).toBe(true);
    expect(roleAllows(role, 'Microsoft.A/content/read', 'data')).toBe(true);
    expect(roleAllows(role, 'Microsoft.A/content/write', 'data')).toBe(false);
    expect(roleAllows(roleOf(['*']), 'Microsoft.A/content/read', 'data')).toBe(false);
  });

  it('counts at its scope and below, and what one excepts another may allow', () => {
    const grants = [
      { scope: '/subscriptions/s', role: roleOf(['*'], ['a/delete']) },
      { scope: '/subscriptions/s/resourcegroups/g', role: roleOf(['a/delete']) },
    ];
    expect(permits(grants, 'a/delete', '/subscriptions/s')).toBe(false);
    expect(permits(grants, 'a/delete', '/subscriptions/s/resourcegroups/g')).toBe(true);
    expect(permits(grants, 'a/delete', '/subscriptions/s/resourcegroups/gg')).toBe(false);
    expect(permits(grants, 'a/read', '/subscriptions/ss')).toBe(false);
  });

  it('is asked in linear time, whatever its patterns', () => {
    const pattern = `${'*a'.repeat(200)}*b`;
    const started = process.cpuUsage();
    for (let round = 0; round < 200; round++) expect(roleAllows(roleOf([pattern]), 'a'.repeat(5000))).toBe(false);
    expect(process.cpuUsage(started).user / 1000).toBeLessThan(1500);
  });
});
