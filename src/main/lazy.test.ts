import { expect, test } from 'vitest';
import type { Exchange } from '../http/index.ts';
import { lazy, lazyHandle } from './lazy.ts';

test('what is lazy is made once, also for two that ask at the same time', async () => {
  let made = 0;
  const get = lazy(async () => ++made);
  expect(await Promise.all([get(), get()])).toEqual([1, 1]);
  expect(await get()).toBe(1);
});

test('what could not be made is tried again', async () => {
  let tries = 0;
  const get = lazy(async () => {
    if (++tries === 1) throw new Error('away');
    return 'here';
  });
  await expect(get()).rejects.toThrow('away');
  expect(await get()).toBe('here');
});

test('a plane that cannot be opened answers 503, tells the operator, and is opened by a later request', async () => {
  const sent: number[] = [];
  const told: unknown[] = [];
  const exchange = {
    facts: { error: '' },
    requestId: 'one',
    send: (status: number) => sent.push(status),
  } as unknown as Exchange;
  let isAway = true;
  const handle = lazyHandle(
    async () => {
      if (isAway) throw new Error('away');
      return async (one) => one.send(200);
    },
    (_, error) => told.push(error),
  );
  await handle(exchange);
  isAway = false;
  await handle(exchange);
  expect(sent).toEqual([503, 200]);
  expect(told).toEqual([new Error('away')]);
});
