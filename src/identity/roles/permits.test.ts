import { expect, test } from 'vitest';
import { roleAllows } from './permits.ts';

const allows = (pattern: string, action: string): boolean =>
  roleAllows(
    {
      id: '',
      name: '',
      permissions: [{ actions: [pattern], notActions: [], dataActions: [], notDataActions: [] }],
    },
    action,
  );

test.each([
  ['*', 'Microsoft.X/y/read', true],
  ['*/read', 'Microsoft.X/y/read', true],
  ['*/read', 'Microsoft.X/y/read/action', false],
  ['Microsoft.X/*', 'microsoft.x/Y/write', true],
  ['Microsoft.X/*', 'Microsoft.XY/z', false],
  ['Microsoft.X/*/read', 'Microsoft.X/read', false],
  ['Microsoft.X/*/read', 'Microsoft.X/a/b/read', true],
  ['Microsoft.X/*a*/read', 'Microsoft.X/bab/read', true],
  ['Microsoft.X/*a*/read', 'Microsoft.X/bbb/read', false],
  ['Microsoft.X/aa*aa', 'Microsoft.X/aaa', false],
  ['Microsoft.X/y.read', 'Microsoft.X/yzread', false],
  ['Microsoft.X/y/read', 'Microsoft.X/y/READ', true],
])('%s on %s: %s', (pattern, action, expected) => {
  expect(allows(pattern, action)).toBe(expected);
});
