import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { cpuTime } from '../../kernel/_cpu-time.ts';
import { ArmError } from '../arm/provider.ts';
import { type FilterField, filterFields, hasTag, parseResourceFilter } from './resource-filter.ts';

const spelled: Readonly<Record<FilterField, string>> = {
  resourcetype: 'resourceType',
  name: 'name',
  location: 'location',
  resourcegroup: 'resourceGroup',
  tagname: 'tagName',
  tagvalue: 'tagValue',
};

/** What a filter is refused with; undefined where it is none. Every other error passes. */
function refusalOf(text: string): string | undefined {
  try {
    parseResourceFilter(text);
    return undefined;
  } catch (error) {
    if (error instanceof ArmError) return error.message;
    throw error;
  }
}

describe('parseResourceFilter', () => {
  it('reads what az sends, in any case', () => {
    expect(parseResourceFilter("resourceType eq 'Microsoft.ContainerRegistry/registries'")).toEqual({
      resourcetype: 'microsoft.containerregistry/registries',
    });
    expect(parseResourceFilter(" RESOURCEGROUP  EQ 'A'\tAND Name eq 'B' ")).toEqual({ resourcegroup: 'a', name: 'b' });
    expect(parseResourceFilter("tagName eq 'A' and tagValue eq 'B'")).toEqual({ tagname: 'a', tagvalue: 'B' });
  });

  it.each([null, '', '  '])('of %j is none', (text) => expect(parseResourceFilter(text)).toEqual({}));

  it.each([
    'name',
    'name eq',
    "eq 'a'",
    'name eq a',
    'name eq "a"',
    "name eq 'a",
    "name eq 'a' and",
    "name eq 'a' and ",
    "name eq 'a'and name eq 'a'",
    "name eq 'a' or name eq 'a'",
    "name eq 'a' name eq 'a'",
    "name eq 'a' and name eq 'b'",
    "(name eq 'a')",
    "not name eq 'a'",
    "name ne 'a'",
    "plan eq 'a'",
    "constructor eq 'a'",
    "tagValue eq 'a'",
    "startswith(name, 'a')",
    "name eq 'a' # or",
    "name eq 'a\0'",
    "resourceType eq '\n'",
  ])('refuses %s', (text) => expect(() => parseResourceFilter(text)).toThrow(ArmError));

  it('takes the fields that a list has only', () => {
    expect(() => parseResourceFilter("name eq 'a'", ['tagname', 'tagvalue'])).toThrow(ArmError);
  });

  it('reads back every filter that can be written', () => {
    const value = fc.string({ unit: fc.constantFrom('a', 'B', "'", ' ', '/', 'and', 'é', ')') });
    const blank = fc.constantFrom(' ', '  ', '\t');
    const values = fc.record({
      resourcetype: value,
      name: value,
      location: value,
      resourcegroup: value,
      tagname: value,
      tagvalue: value,
    });
    fc.assert(
      fc.property(fc.shuffledSubarray([...filterFields], { minLength: 1 }), values, blank, (fields, all, gap) => {
        fc.pre(!fields.includes('tagvalue') || fields.includes('tagname'));
        const text = fields
          .map((field) => `${spelled[field]}${gap}eq${gap}'${all[field].replaceAll("'", "''")}'`)
          .join(`${gap}and${gap}`);
        const expected = fields.map((field) => [field, field === 'tagvalue' ? all[field] : all[field].toLowerCase()]);
        expect(parseResourceFilter(text)).toEqual(Object.fromEntries(expected));
      }),
    );
  });

  it('answers hostile text with a filter or a refusal', () => {
    const piece = fc.constantFrom(
      "'",
      "''",
      ' ',
      'eq',
      'and',
      'name',
      'tagName',
      '(',
      ')',
      '\0',
      '\u{1f600}',
      "eq 'a'",
    );
    fc.assert(
      fc.property(fc.array(piece), (pieces) => {
        expect(refusalOf(pieces.join(''))?.length ?? 0).toBeLessThan(300);
      }),
    );
  });

  it.each(["'", ' ', 'a', "name eq 'a' and ", "''", 'and '])(
    'takes linear time on 100,000 characters of %j',
    (text) => {
      const took = cpuTime(() => {
        for (const start of ['', 'name eq ', "name eq '"]) {
          expect(() => parseResourceFilter(`${start}${text.repeat(100_000 / text.length)}`)).toThrow(ArmError);
          // Just within what is read at all.
          refusalOf(`${start}${text.repeat(8_000 / text.length)}`);
        }
      });
      expect(took).toBeLessThan(100);
    },
  );
});

describe('hasTag', () => {
  it('compares names without and values with regard to case', () => {
    expect(hasTag('{"Team":"A"}', { tagname: 'team' })).toBe(true);
    expect(hasTag('{"Team":"A"}', { tagname: 'team', tagvalue: 'A' })).toBe(true);
    expect(hasTag('{"Team":"A"}', { tagname: 'team', tagvalue: 'a' })).toBe(false);
    expect(hasTag('{}', { tagname: 'team' })).toBe(false);
    expect(hasTag('{}', {})).toBe(true);
  });
});
