import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { lazyContracts } from '../../src/azure/arm/contracts.ts';
import { expectLinear, fuzz, hostileText } from './_fuzz.ts';

const { find, operations } = await lazyContracts()();
const all = [...operations.values()].flatMap((table) => [...table.values()]);
const words = ['subscriptions', 'resourceGroups', 'providers', 'Microsoft.ContainerRegistry', 'registries', 'tags'];
/** Pieces that paths are made of, so that many random ones mean something. */
const chunks = [
  'subscriptions/s1',
  'subscriptions/s1/resourceGroups/g1',
  'resourceGroups/providers',
  'providers/Microsoft.ContainerRegistry/registries',
  'providers/Microsoft.ContainerRegistry/registries/reg12',
  'tokens/providers',
  'providers/Microsoft.Authorization/roleAssignments',
  'providers/Microsoft.Authorization/roleAssignments/a1',
  'providers/Microsoft.Resources/tags/default',
];
const methods = fc.constantFrom('GET', 'PUT', 'PATCH', 'POST', 'DELETE', 'HEAD', 'get', '__proto__', 'constructor');

/** Names of all kinds, also those of the words of a path; none that Azure does not know. */
const names = fc
  .oneof(
    fc.constantFrom(...words, '__proto__', 'v2', '_catalog', 'manifests'),
    fc.string({ minLength: 1, maxLength: 20 }),
  )
  // oxlint-disable-next-line no-control-regex
  .filter((name) => name.trim() !== '' && !/^\.{1,2}$|[\u0000-\u001f\u007f/\\?#%]/.test(name));

const resource = '/providers/[^/]+(?:/(?!providers(?:/|$))[^/]+/[^/]+)+';
const scope = `(?:/subscriptions/[^/]+(?:/resourceGroups/[^/]+)?)?(?:${resource})*`;

/** The templates, each as a regular expression of its own: slow, and hard to get wrong. */
const models = all
  .filter(({ sameAs }) => sameAs === undefined)
  .map((operation) => {
    const template = operation.route ?? operation.path;
    const pattern = template
      .split('/')
      .filter((part) => part !== '' && part !== '{scope}')
      .map((part) => (part.startsWith('{') ? '[^/]+' : part.replaceAll('.', '\\.')));
    const start = template.startsWith('/{scope}') ? scope : '';
    return { operation, regex: new RegExp(`^${start}/${pattern.join('/')}$`, 'i') };
  });

function randomCase(text: string, bits: number): string {
  return text.replaceAll(/[a-z]/gi, (letter, index: number) =>
    (bits >> (index % 30)) & 1 ? letter.toUpperCase() : letter.toLowerCase(),
  );
}

describe('a path of Resource Manager', () => {
  it('leads to its operation with whatever names in it, in any case, with any number of slashes', () => {
    const asked = all.filter(
      ({ sameAs, route, path }) => sameAs === undefined && !(route ?? path).startsWith('/{scope}'),
    );
    fuzz(fc.tuple(fc.constantFrom(...asked), fc.array(names, { minLength: 8, maxLength: 8 }), fc.nat()), (input) => {
      const [operation, values, bits] = input;
      const expected: Record<string, string> = {};
      const path = operation.path
        .split('/')
        .map((part) => {
          const name = /^\{(\w+)\}$/.exec(part)?.[1];
          if (name === undefined) return randomCase(part, bits);
          const value = values[Object.keys(expected).length] ?? 'x';
          expected[name] = value;
          return encodeURIComponent(value);
        })
        .join(bits % 3 === 0 ? '//' : '/');
      const found = find(operation.method, path);
      expect(found.kind).toBe('found');
      if (found.kind !== 'found') return;
      // Only `{namespace}/operations` of one namespace can be meant by a name that stands for another.
      if (found.operation === operation) expect(found.parameters).toEqual(expected);
      else expect(found.operation.path.match(/\{/g)?.length ?? 0).toBeLessThan(Object.keys(expected).length);
    });
  });

  it('never leads to an operation whose template it does not have, nor past one that it has', () => {
    const part = fc.oneof(fc.constantFrom(...chunks), fc.constantFrom(...words), names.map(encodeURIComponent));
    const paths = fc.array(part, { maxLength: 9 }).map((parts) => `/${parts.join('/')}`);
    let hits = 0;
    fuzz(
      fc.tuple(methods, paths),
      ([method, path]) => {
        const found = find(method, path);
        const meant = models.filter(({ operation, regex }) => operation.method === method && regex.test(path));
        if (found.kind !== 'found') expect(meant).toEqual([]);
        else {
          hits += 1;
          expect(meant.map(({ operation }) => operation)).toContain(found.operation);
        }
      },
      3_000,
    );
    // Or the paths were too random to say anything.
    expect(hits).toBeGreaterThan(20);
  });

  it('may be any text', () => {
    fuzz(
      fc.tuple(methods, hostileText('/', '/subscriptions/', '/providers/', ...words)),
      ([method, path]) => {
        const found = find(method, path);
        if (found.kind !== 'found') return;
        for (const value of Object.values(found.parameters)) {
          // oxlint-disable-next-line no-control-regex
          expect(value).not.toMatch(/[\u0000-\u001f\\?#%]|^$/);
        }
      },
      1_000,
    );
  });

  it('takes time by its length only', () => {
    expectLinear(
      (length) => '/providers/a'.repeat(length / 12),
      (path) => find('GET', path),
    );
    expectLinear(
      (length) => '/subscriptions/s/resourceGroups/g'.padEnd(length, '/providers'),
      (path) => find('GET', path),
    );
    expectLinear(
      (length) => '/'.repeat(length),
      (path) => find('GET', path),
    );
  });
});
