import { describe, expect, it } from 'vitest';
import { passwordHasher, TooManyWaiting } from './password-hash.ts';

const cost = { log2N: 4, r: 1, p: 1 };

describe('a password', () => {
  it('matches its own hash only, and has another one each time', async () => {
    const hasher = passwordHasher({ cost });
    const [one, two] = [await hasher.hash('a long password'), await hasher.hash('a long password')];
    expect(one).not.toBe(two);
    expect(one).not.toContain('password');
    expect(await hasher.matches('a long password', one)).toBe(true);
    expect(await hasher.matches('a long password ', one)).toBe(false);
    expect(await hasher.matches('a long password', null)).toBe(false);
    expect(await hasher.matches('a long password', 'damaged')).toBe(false);
    expect(await hasher.matches('', one)).toBe(false);
  });

  it('is the same however its letters are composed', async () => {
    const hasher = passwordHasher({ cost });
    expect(await hasher.matches('cafe\u0301 au lait, trois', await hasher.hash('café au lait, trois'))).toBe(true);
  });

  it('that was hashed at another cost still matches, because each hash says its own', async () => {
    const stored = await passwordHasher({ cost: { log2N: 5, r: 2, p: 1 } }).hash('a long password');
    expect(stored).toMatch(/^scrypt\$5\$2\$1\$/);
    expect(await passwordHasher({ cost }).matches('a long password', stored)).toBe(true);
  });

  it('costs what is recommended, and as much for a user that is not there', async () => {
    const hasher = passwordHasher();
    const stored = await hasher.hash('a long password');
    expect(stored).toMatch(/^scrypt\$15\$8\$3\$/);
    const taken = async (hash: string | null): Promise<number> => {
      const before = process.cpuUsage();
      await hasher.matches('wrong', hash);
      const { user, system } = process.cpuUsage(before);
      return user + system;
    };
    const [there, absent] = [await taken(stored), await taken(null)];
    expect(absent / there).toBeGreaterThan(0.5);
    expect(absent / there).toBeLessThan(2);
  });
});

describe('the line before the hasher', () => {
  it('lets who is known go first, and is bounded', async () => {
    const hasher = passwordHasher({ cost, maxWaiting: 3 });
    const order: string[] = [];
    const attempt = (name: string, favoured: boolean) =>
      hasher.matches('x', null, { favoured }).then(
        () => order.push(name),
        (error: unknown) => {
          if (!(error instanceof TooManyWaiting)) throw error;
          order.push(`${name} refused`);
        },
      );
    await Promise.all([
      attempt('first', false),
      attempt('stranger 1', false),
      attempt('stranger 2', false),
      attempt('stranger 3', false),
      attempt('stranger 4', false),
      attempt('owner', true),
    ]);
    expect(order).toEqual(['stranger 4 refused', 'first', 'owner', 'stranger 1', 'stranger 2', 'stranger 3']);
    expect(await hasher.matches('x', null)).toBe(false);
  });
});
