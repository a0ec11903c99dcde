import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { GraphError } from '../../src/azure/graph/errors.ts';
import { parseFilter } from '../../src/azure/graph/filter.ts';
import { fuzz, hostileText } from './_fuzz.ts';

const texts = fc.string({ unit: 'grapheme', maxLength: 40 }).filter((text) => !/\p{Cc}/u.test(text));
const conditions = fc.array(
  fc.record({
    operator: fc.constantFrom('equals' as const, 'begins' as const, 'contains' as const),
    property: fc.stringMatching(/^[A-Za-z]{1,12}$/),
    text: texts,
  }),
  { minLength: 1, maxLength: 5 },
);

describe('the filter of the directory', () => {
  it('of any text is read or refused, and nothing else happens', () =>
    fuzz(hostileText("displayName eq '", "startswith(a,'b')", "/any(c:c eq '", ' or ', '(', "''"), (text) => {
      try {
        for (const one of parseFilter(text)) expect(one.property).toMatch(/^[A-Za-z_][A-Za-z0-9_]*$/);
      } catch (error) {
        expect(error).toBeInstanceOf(GraphError);
      }
    }));

  it('is read as it was written', () =>
    fuzz(conditions, (wanted) => {
      const written = wanted.map(({ operator, property, text }) => {
        const quoted = `'${text.replaceAll("'", "''")}'`;
        if (operator === 'equals') return `${property} eq ${quoted}`;
        return operator === 'begins' ? `startswith(${property},${quoted})` : `${property}/any(x:x eq ${quoted})`;
      });
      expect(parseFilter(written.join(' or '))).toEqual(wanted);
    }));
});
