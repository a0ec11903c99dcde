import * as fc from 'fast-check';
import { expect, it } from 'vitest';
import { isWithin } from '../../kernel/index.ts';
import { withinScope } from './resource-list.ts';
import { rangesOf } from './visibility.ts';

const word = fc.constantFrom('a', 'a-b', 'a.b', 'ab', 'b', 'a b');
const scope = fc.array(word, { minLength: 1, maxLength: 4 }).map((words) => `/${words.join('/')}`);

it('a key is in the ranges of scopes where it is at one of them or below, and in one range only', () => {
  fc.assert(
    fc.property(fc.array(scope, { maxLength: 6 }), scope, (scopes, key) => {
      const within = rangesOf(scopes).filter(({ from, to }) => key >= from && key < to);
      expect(within).toHaveLength(scopes.some((one) => isWithin(key, one)) ? 1 : 0);
    }),
  );
});

it('ranges are in order and do not overlap', () => {
  fc.assert(
    fc.property(fc.array(scope, { maxLength: 6 }), (scopes) => {
      const ranges = rangesOf(scopes);
      for (const [index, { from, to }] of ranges.entries()) {
        expect(from < to).toBe(true);
        expect(to <= (ranges[index + 1]?.from ?? '\uffff')).toBe(true);
      }
    }),
  );
});

it('ranges are cut to what stands below a scope', () => {
  fc.assert(
    fc.property(fc.array(scope, { maxLength: 6 }), scope, scope, (scopes, list, key) => {
      const found = withinScope(rangesOf(scopes), list).some(({ from, to }) => key >= from && key < to);
      expect(found).toBe(key.startsWith(`${list}/`) && scopes.some((one) => isWithin(key, one)));
    }),
  );
});
