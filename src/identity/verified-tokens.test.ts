import { describe, expect, it } from 'vitest';
import { verifiedTokens } from './verified-tokens.ts';

function world(mostTokens = 1000) {
  let now = 0;
  const tokens = verifiedTokens<{ expiresAt: number }>({ clock: { now: () => now }, mostTokens });
  return { tokens, moveTo: (time: number) => (now = time) };
}

describe('verified tokens', () => {
  it('are remembered', () => {
    const { tokens } = world();
    const known = { expiresAt: 10 };
    tokens.add('a', known);
    expect(tokens.get('a')).toBe(known);
    expect(tokens.get('b')).toBeUndefined();
  });

  it('are forgotten from the oldest on when there are too many', () => {
    const { tokens } = world(2);
    for (const token of ['a', 'b', 'c']) tokens.add(token, { expiresAt: 10 });
    expect(['a', 'b', 'c'].map((token) => tokens.get(token) !== undefined)).toEqual([false, true, true]);
  });

  it('that have ended are dropped by new ones', () => {
    const { tokens, moveTo } = world();
    for (let at = 0; at < 100; at++) tokens.add(`old${at}`, { expiresAt: 10 });
    moveTo(10);
    for (let at = 0; at < 100; at++) tokens.add(`new${at}`, { expiresAt: 20 });
    expect(tokens.size()).toBe(100);
    expect(tokens.get('old0')).toBeUndefined();
    expect(tokens.get('new0')).toBeDefined();
  });

  it('that have ended are dropped though one that lives longer stands before them', () => {
    const { tokens, moveTo } = world();
    tokens.add('long', { expiresAt: 1_000_000 });
    for (let at = 0; at < 10_000; at++) {
      moveTo(at);
      tokens.add(`short${at}`, { expiresAt: at + 10 });
      expect(tokens.size()).toBeLessThan(30);
    }
    expect(tokens.get('long')).toBeDefined();
  });
});
