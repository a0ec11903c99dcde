import { describe, expect, it } from 'vitest';
import { ArmError } from '../arm/provider.ts';
import { parseScopeFilter } from './scope-filter.ts';

const forms = ['atScope()', 'principalId eq', "assignedTo('')"];

describe('a filter of roles', () => {
  it.each([
    ['', []],
    ['atScope()', [{ kind: 'call', name: 'atscope', text: null }]],
    [' ATSCOPE( ) ', [{ kind: 'call', name: 'atscope', text: null }]],
    ["principalId eq 'a''b'", [{ kind: 'equals', name: 'principalid', text: "a'b" }]],
    [
      "atScope() and assignedTo('x')",
      [
        { kind: 'call', name: 'atscope', text: null },
        { kind: 'call', name: 'assignedto', text: 'x' },
      ],
    ],
  ])('%j is read', (text, expected) => {
    expect(parseScopeFilter(text, forms)).toEqual(expected);
  });

  it.each([
    "principalIdeq 'x'",
    "principalId eq 'x' or atScope()",
    "roleName eq 'x'",
    "principalId ne 'x'",
    "principalId eq 'x",
    'atScope',
    'atScope() and',
    'assignedTo()',
    "atScope('x')",
    'atScope()atScope()',
    'atScope() android()',
    "principalId eq 'x\u0000'",
    `principalId eq '${'x'.repeat(2048)}'`,
    Array.from({ length: 11 }, () => 'atScope()').join(' and '),
    'not atScope()',
  ])('%j is refused: what is not understood must not show more', (text) => {
    expect(() => parseScopeFilter(text, forms)).toThrow(ArmError);
  });

  it('is read in linear time', () => {
    const started = process.cpuUsage();
    for (const text of ['a'.repeat(2000), ' '.repeat(2000), `a eq '${"''".repeat(1000)}`, `a(${' '.repeat(2000)}`])
      for (let round = 0; round < 50; round++) expect(() => parseScopeFilter(`x${text}`, forms)).toThrow(ArmError);
    expect(process.cpuUsage(started).user / 1000).toBeLessThan(1000);
  });
});
