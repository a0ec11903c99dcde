import { describe, expect, it } from 'vitest';
import { lazyContracts } from './contracts.ts';
import { splitPath } from './resource-path.ts';
import { scopeOfPath } from './resource-scope.ts';

const contracts = await lazyContracts()();
const operations = [...contracts.operations.values()].flatMap((table) => [...table.values()]);

/** A path of an operation: each parameter has a value that tells which it is. */
function sampleOf(template: string): string {
  const scope = '/subscriptions/p0/resourceGroups/p1/providers/Microsoft.P2/things/p3';
  let count = 4;
  return template
    .replace('/{scope}', scope)
    .replaceAll(/\{\w+\}/g, (name) => (name === '{resourceProviderNamespace}' ? 'Microsoft.Some' : `p${count++}`));
}

const scopeText = (path: string) => scopeOfPath(splitPath(path) ?? [])?.text;

describe('the scope of a path', () => {
  it.each([
    ['/', '/'],
    ['/tenants', '/'],
    ['/subscriptions', '/'],
    ['/subscriptions/s', '/subscriptions/s'],
    ['/subscriptions/s/locations', '/subscriptions/s'],
    ['/subscriptions/s/providers/Microsoft.X/register', '/subscriptions/s'],
    ['/subscriptions/s/providers/Microsoft.X/checkName', '/subscriptions/s'],
    ['/subscriptions/s/resourcegroups', '/subscriptions/s'],
    ['/Subscriptions/s/RESOURCEGROUPS/g/resources', '/Subscriptions/s/RESOURCEGROUPS/g'],
    ['/subscriptions/s/resourcegroups/g/providers/X.Y/a', '/subscriptions/s/resourcegroups/g'],
    ['/subscriptions/s//resourcegroups/g//providers/X.Y/a/b/', '/subscriptions/s/resourcegroups/g/providers/X.Y/a/b'],
    [
      '/subscriptions/s/resourcegroups/g/providers/X.Y/a/b/c/d/act',
      '/subscriptions/s/resourcegroups/g/providers/X.Y/a/b/c/d',
    ],
    [
      '/subscriptions/s/resourcegroups/providers/providers/X.Y/a/providers',
      '/subscriptions/s/resourcegroups/providers/providers/X.Y/a/providers',
    ],
    ['/subscriptions/s/providers/X.Y/a/b/providers/P.Q/c/d', '/subscriptions/s/providers/X.Y/a/b/providers/P.Q/c/d'],
    ['/subscriptions/s/providers/X.Y/a/b/providers/P.Q/c', '/subscriptions/s/providers/X.Y/a/b'],
  ])('of %s is %s', (path, scope) => expect(scopeText(path)).toBe(scope));

  it.each([
    '/subscriptions/s/resourcegroups/a%20%20%27b',
    '/subscriptions/%C3%A9',
    `/subscriptions/${'s'.repeat(300)}`,
  ])('of %s is none', (path) => expect(scopeText(path)).toBeUndefined());

  // A right that is asked at less than the path names would be somebody else's.
  it.each(operations.filter((one) => one.sameAs === undefined).map((one) => [one.method, one.route ?? one.path]))(
    'of %s %s holds every name in it',
    (_, template) => {
      const path = sampleOf(template);
      const scope = scopeText(path) ?? '';
      expect(path.startsWith(scope)).toBe(true);
      const rest = scope === '/' ? path : path.slice(scope.length);
      // Only names of providers may stand behind: they are no resources.
      expect(rest).not.toMatch(/\/p\d/);
    },
  );
});
