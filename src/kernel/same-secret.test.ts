import { expect, it } from 'vitest';
import { sameSecret } from './same-secret.ts';

it.each([
  ['abc', 'abc', true],
  ['abc', 'abd', false],
  ['abc', 'abcd', false],
  ['', '', true],
  ['', 'a', false],
  ['é', 'e\u0301', false],
])('%j and %j: %j', (one, other, same) => {
  expect(sameSecret(one, other)).toBe(same);
});
