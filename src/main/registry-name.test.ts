import { randomInt } from 'node:crypto';
import { expect, test } from 'vitest';
import { reservedNames } from '../content/index.ts';
import { checkRegistryName, chooseRegistryName } from './registry-name.ts';

test('a chosen name is a valid one and follows the given randomness', () => {
  expect(chooseRegistryName(() => 0)).toBe('berthaaaaaa');
  expect(chooseRegistryName((below) => below - 1)).toBe('berth999999');
  for (let count = 0; count < 50; count++) {
    const name = chooseRegistryName((below) => randomInt(below));
    expect(checkRegistryName(name)).toMatch(/^berth[a-z0-9]{6}$/);
  }
});

test.each([...reservedNames])('"%s" is reserved in any case', (name) => {
  expect(() => checkRegistryName(name.toUpperCase())).toThrow(/own hosts/);
});
