import { describe, expect, it } from 'vitest';
import { addressGroup } from './address-group.ts';
import { backOff } from './back-off.ts';

const account = 'owner@berth.localhost';
const home = '198.51.100.7';
const never = async () => false;

function world(knows: readonly string[] = []) {
  let now = 0;
  const counters = backOff({ monotonic: () => now, maxKeys: 1000 });
  const attempt = (address: string, name = account) =>
    counters.begin({ account: name, address }, async () => knows.includes(address));
  return {
    counters,
    attempt,
    wait: (ms: number) => (now += ms),
    /** Tries in a row until one is refused; how many went through. */
    tries: async (address: string, most: number, name = account): Promise<number> => {
      for (let count = 0; count < most; count++) if (!(await attempt(address, name)).allowed) return count;
      return most;
    },
  };
}

describe('guessing', () => {
  it('of one account from one address is slowed down, and told for how long', async () => {
    const { attempt, tries, wait } = world();
    expect(await tries(home, 100)).toBe(6);
    const refused = await attempt(home);
    expect(refused).toEqual({ allowed: false, retryAfterSeconds: 20 });
    wait(19_999);
    expect((await attempt(home)).allowed).toBe(false);
    wait(1);
    expect(await tries(home, 100)).toBe(1);
  });

  it('of many accounts from one address is slowed down, also when it moves within its network', async () => {
    const { attempt } = world();
    let through = 0;
    for (let n = 0; n < 200; n++) {
      if ((await attempt(`2001:db8:1:2:${n.toString(16)}::1`, `name-${n}`)).allowed) through++;
    }
    expect(through).toBe(30);
  });

  it('by many tries at once is as many tries', async () => {
    const { attempt } = world();
    const all = await Promise.all(Array.from({ length: 50 }, () => attempt(home)));
    expect(all.filter((one) => one.allowed)).toHaveLength(6);
  });

  it('from many addresses is slowed down for the account, and does not keep the owner out', async () => {
    const { attempt, tries, wait } = world([home]);
    let through = 0;
    for (let n = 0; n < 500; n++) through += await tries(`203.0.113.${n % 250}`, 1);
    expect(through).toBe(60);
    expect(await attempt('203.0.113.251')).toMatchObject({ allowed: false });
    // Where the account has signed in from lately, nothing has changed, hour after hour of attack.
    for (let hours = 0; hours < 24; hours++) {
      wait(3_600_000);
      for (let n = 0; n < 500; n++) await attempt(`203.0.113.${n % 250}`);
      const own = await attempt(home);
      expect(own.allowed).toBe(true);
      if (own.allowed) own.succeeded();
    }
  });

  it('leaves other accounts, and other addresses of few tries, alone', async () => {
    const { attempt, tries } = world();
    await tries(home, 100);
    expect((await attempt('198.51.100.8')).allowed).toBe(true);
    expect((await attempt(home, 'somebody else')).allowed).toBe(true);
    expect((await attempt(home, account.toUpperCase())).allowed).toBe(false);
  });

  it('is forgotten with the right password', async () => {
    const { attempt, tries } = world();
    expect(await tries(home, 5)).toBe(5);
    const right = await attempt(home);
    if (right.allowed) right.succeeded();
    expect(await tries(home, 100)).toBe(6);
  });

  it('asks whether an address is known only when it matters', async () => {
    let asked = 0;
    const counters = backOff({ monotonic: () => 0 });
    const attempt = (address: string) =>
      counters.begin({ account, address }, async () => {
        asked++;
        return false;
      });
    for (let n = 0; n < 60; n++) await attempt(`203.0.113.${n}`);
    expect(asked).toBe(0);
    await attempt('203.0.113.99');
    expect(asked).toBe(1);
  });

  it('holds a bounded number of addresses', async () => {
    const counters = backOff({ monotonic: () => 0, maxKeys: 10 });
    for (let n = 0; n < 5; n++) counters.count('code', '192.0.2.1');
    for (let n = 0; n < 100_000; n++) {
      await counters.begin({ account: `name ${n}`, address: `10.${n >> 16}.${(n >> 8) & 255}.${n & 255}` }, never);
    }
    // Memory is hard to measure in a test that runs beside others; what was pushed out is forgotten, which shows the bound.
    const again = await Promise.all(
      Array.from({ length: 7 }, () => counters.begin({ account: 'name 0', address: '10.0.0.0' }, never)),
    );
    expect(again.filter((one) => one.allowed)).toHaveLength(6);
  });

  it('of codes is counted by kind and address', () => {
    const { counters, wait } = world();
    const tries = (kind: string) =>
      Array.from({ length: 40 }, () => counters.count(kind, home)).filter((one) => one.allowed);
    expect(tries('code')).toHaveLength(30);
    expect(tries('device')).toHaveLength(30);
    wait(10_000);
    expect(tries('code')).toHaveLength(1);
  });
});

describe('the addresses of one subscriber', () => {
  it.each([
    ['192.0.2.1', '192.0.2.1'],
    ['::ffff:192.0.2.1', '192.0.2.1'],
    ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2'],
    ['2001:0DB8:0001:0002::', '2001:db8:1:2'],
    ['2001:db8::6', '2001:db8:0:0'],
    ['::1', '0:0:0:0'],
    ['fe80::1%eth0', 'fe80:0:0:0'],
    ['', ''],
    ['unknown', 'unknown'],
  ])('%s is one of %s', (address, group) => {
    expect(addressGroup(address)).toBe(group);
  });
});
