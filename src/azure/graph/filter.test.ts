import { describe, expect, it } from 'vitest';
import { GraphError } from './errors.ts';
import { parseFilter } from './filter.ts';

describe('a filter', () => {
  it.each([
    ["displayName eq 'ci'", [{ operator: 'equals', property: 'displayName', text: 'ci' }]],
    ["startswith(displayName,'c i')", [{ operator: 'begins', property: 'displayName', text: 'c i' }]],
    ["StartsWith( displayName , '' )", [{ operator: 'begins', property: 'displayName', text: '' }]],
    [
      "servicePrincipalNames/any(c:c eq 'a-b')",
      [{ operator: 'contains', property: 'servicePrincipalNames', text: 'a-b' }],
    ],
    ["(appId eq 'o''brien''s')", [{ operator: 'equals', property: 'appId', text: "o'brien's" }]],
    [
      "userPrincipalName eq 'a@b' or mail eq 'a@b'",
      [
        { operator: 'equals', property: 'userPrincipalName', text: 'a@b' },
        { operator: 'equals', property: 'mail', text: 'a@b' },
      ],
    ],
    ["startswith eq 'x'", [{ operator: 'equals', property: 'startswith', text: 'x' }]],
  ])('%s is read', (text, expected) => {
    expect(parseFilter(text)).toEqual(expected);
  });

  it.each([
    "displayName ne 'x'",
    "displayName eq 'x' and appId eq 'y'",
    "displayName eq 'x",
    'displayName eq x',
    "displayName eq 'x' or",
    "not (displayName eq 'x')",
    "names/any(c:d eq 'x')",
    "names/all(c:c eq 'x')",
    "endswith(displayName,'x')",
    "(displayName eq 'x'",
    "displayName eq 'x')",
    "displayName eq 'a\u0000'",
    'displayName',
    '',
    '"',
    "displayName eq 'x' 'y'",
    Array.from({ length: 21 }, () => "a eq 'b'").join(' or '),
    `displayName eq '${'x'.repeat(2048)}'`,
  ])('%j is refused, and says what there is', (text) => {
    expect(() => parseFilter(text)).toThrow(GraphError);
    expect(() => parseFilter(text)).toThrow(/startswith\(property,'text'\)/);
  });
});
