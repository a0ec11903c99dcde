import { describe, expect, it } from 'vitest';
import { manualClock } from '../../kernel/index.ts';
import type { Principal } from '../principal.ts';
import { keptPrincipals } from './kept-principals.ts';

const principal = (expiresAt: number | null = null) => ({ name: 'somebody', expiresAt }) as Principal;

describe('a kept principal', () => {
  it('is read once while nothing changes, and anew after that', async () => {
    let generation: number | undefined = 1;
    let reads = 0;
    const kept = keptPrincipals({ generation: () => generation }, manualClock());
    const ask = (key = 'a') =>
      kept.of(key, async () => {
        reads++;
        return principal();
      });
    await ask();
    await ask();
    expect(reads).toBe(1);
    await ask('b');
    expect(reads).toBe(2);
    generation = 2;
    await ask();
    expect(reads).toBe(3);
    generation = undefined;
    await ask();
    await ask();
    expect(reads).toBe(5);
  });

  it('is not kept when something changed while it was read, nor when it was refused', async () => {
    let generation = 1;
    const kept = keptPrincipals({ generation: () => generation }, manualClock());
    const first = principal();
    await kept.of('a', async () => {
      generation = 2;
      return first;
    });
    generation = 1;
    const second = principal();
    expect(await kept.of('a', async () => second)).toBe(second);
    await expect(kept.of('b', () => Promise.reject(new Error('refused')))).rejects.toThrow('refused');
    expect(await kept.of('b', async () => first)).toBe(first);
  });

  it('whose credential has ended is read again', async () => {
    const clock = manualClock();
    const kept = keptPrincipals({ generation: () => 1 }, clock);
    const ending = principal(clock.now() + 1000);
    await kept.of('a', async () => ending);
    expect(await kept.of('a', () => Promise.reject(new Error('gone')))).toBe(ending);
    clock.advance(1000);
    await expect(kept.of('a', () => Promise.reject(new Error('gone')))).rejects.toThrow('gone');
  });
});
