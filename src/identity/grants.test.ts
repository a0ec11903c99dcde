import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { allActions, maskOfScopeWords, type RepositoryAction, repositoryActions, scopeWordsOf } from './actions.ts';
import { maskFor, noGrants, parseScopeMapActions, visibleRanges } from './grants.ts';

const component = fc.constantFrom('a', 'b', 'a-b', 'a.b', 'a__b', 'ab', 'a0', '0');
const name = fc.array(component, { minLength: 1, maxLength: 3 }).map((parts) => parts.join('/'));
const pattern = fc.oneof(
  name,
  name.map((prefix) => `${prefix}/*`),
  { weight: 1, arbitrary: fc.constant('*') },
);
const action = fc.constantFrom(...(Object.keys(repositoryActions) as RepositoryAction[]));
const rule = fc.record({ pattern, action });
const linesOf = (rules: readonly { pattern: string; action: string }[]) =>
  rules.map((one) => `repositories/${one.pattern}/${one.action}`);

describe('grants', () => {
  test('give a repository what the rules that match it say together', () => {
    fc.assert(
      fc.property(fc.array(rule, { minLength: 1, maxLength: 8 }), name, (rules, repository) => {
        const matching = rules.filter(
          (one) =>
            one.pattern === '*' ||
            one.pattern === repository ||
            (one.pattern.endsWith('/*') && repository.startsWith(one.pattern.slice(0, -1))),
        );
        const expected = matching.reduce((mask, one) => mask | repositoryActions[one.action].bit, 0);
        expect(maskFor(parseScopeMapActions(linesOf(rules)), repository)).toBe(expected);
      }),
    );
  });

  test('show a name in their ranges exactly when they grant something on it', () => {
    fc.assert(
      fc.property(
        fc.array(rule, { minLength: 1, maxLength: 8 }),
        name,
        fc.integer({ min: 1, max: allActions }),
        (rules, repository, wanted) => {
          const grants = parseScopeMapActions(linesOf(rules));
          const ranges = visibleRanges(grants, wanted);
          const shown = ranges.some(
            (range) => range.from <= repository && (range.to === null || repository < range.to),
          );
          expect(shown).toBe((maskFor(grants, repository) & wanted) !== 0);
        },
      ),
    );
  });

  test('have ascending ranges that do not touch', () => {
    fc.assert(
      fc.property(fc.array(rule, { minLength: 1, maxLength: 12 }), (rules) => {
        const ranges = visibleRanges(parseScopeMapActions(linesOf(rules)), allActions);
        const borders = ranges.flatMap((range) => [range.from, range.to ?? '~']);
        expect(borders).toEqual([...new Set(borders)].sort());
      }),
    );
    expect(visibleRanges(noGrants, allActions)).toEqual([]);
  });

  test.each([
    'repositories/a',
    'repositories/a/content/all',
    'repositories/a/content/read/more',
    'repositories/A/content/read',
    'repositories/a*/content/read',
    'repositories/*/a/content/read',
    'repositories//*/content/read',
    'registry/catalog/read',
    '',
  ])('are not made of %j', (line) => {
    expect(() => parseScopeMapActions([line])).toThrow(expect.objectContaining({ code: 'request-invalid' }));
  });

  test('are made of 1 to 500 lines', () => {
    const lines = (count: number) => Array.from({ length: count }, (_, index) => `repositories/r${index}/content/read`);
    expect(parseScopeMapActions(lines(500)).exact.size).toBe(500);
    for (const count of [0, 501]) expect(() => parseScopeMapActions(lines(count))).toThrow('1 to 500');
  });

  test('are spelled in the words of scopes and read back', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: allActions }), (mask) => {
        expect(maskOfScopeWords(scopeWordsOf(mask))).toBe(mask);
      }),
    );
    expect(maskOfScopeWords(['*'])).toBe(allActions);
    expect(maskOfScopeWords(['pull', 'dance', '__proto__'])).toBe(1);
  });
});
