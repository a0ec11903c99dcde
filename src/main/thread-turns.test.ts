import { expect, test } from 'vitest';
import { keptTurns, turnKeeper } from './thread-turns.ts';

const wait = { waitMs: 20_000, busy: () => new Error('busy') };

/** Threads that reach one keeper by messages, each of which arrives later, in order. */
function newThreads(count: number) {
  const keeper = turnKeeper();
  return Array.from({ length: count }, (_, thread) => {
    const turns = keptTurns({
      take: (ticket, name) =>
        setImmediate(() => keeper.take(thread, ticket, name, () => setImmediate(() => turns.granted(ticket)))),
      give: (ticket) => setImmediate(() => keeper.give(thread, ticket)),
    });
    return turns;
  });
}

test('one name is held by one at a time, on whichever thread, and everybody has a turn', async () => {
  const threads = newThreads(4);
  let inside = 0;
  let most = 0;
  let done = 0;
  const work = async (): Promise<void> => {
    most = Math.max(most, ++inside);
    await new Promise((resolve) => setImmediate(resolve));
    inside--;
    done++;
  };
  const rounds = Array.from({ length: 100 }, () => threads.map((thread) => thread.alone('one', wait, work)));
  await Promise.all(rounds.flat());
  expect([most, done]).toEqual([1, 400]);
});

test('different names do not wait for each other', async () => {
  const [first, second] = newThreads(2);
  const never = Promise.withResolvers<void>();
  const held = first?.alone('one', wait, () => never.promise);
  expect(await second?.alone('two', wait, async () => 'done')).toBe('done');
  never.resolve();
  await held;
});

test('who gives up waiting leaves the line, and nobody passes the one that still runs', async () => {
  const [first, second, third] = newThreads(3);
  const running = Promise.withResolvers<void>();
  const steps: string[] = [];
  const held = first?.alone('one', wait, () => running.promise.then(() => void steps.push('first')));
  await expect(second?.alone('one', { ...wait, waitMs: 1 }, async () => void steps.push('second'))).rejects.toThrow(
    'busy',
  );
  const last = third?.alone('one', wait, async () => void steps.push('third'));
  running.resolve();
  await Promise.all([held, last]);
  expect(steps).toEqual(['first', 'third']);
});

test('work that fails gives its turn back', async () => {
  const [first, second] = newThreads(2);
  const failing = first?.alone('one', wait, () => Promise.reject(new Error('failed')));
  await expect(failing).rejects.toThrow('failed');
  expect(await second?.alone('one', wait, async () => 'done')).toBe('done');
});
