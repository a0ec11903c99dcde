import { describe, expect, test } from 'vitest';
import { startDigest } from '../kernel/index.ts';
import { sessionMemory } from './upload-session.ts';

describe('the memory of sessions', () => {
  test('lets nobody pass a request that still runs, whoever gives up waiting for it', async () => {
    const memory = sessionMemory({ waitMs: 1, busy: () => new Error('busy') });
    const running = Promise.withResolvers<void>();
    const steps: string[] = [];
    const first = memory.alone('one', () => running.promise.then(() => void steps.push('first')));
    await expect(memory.alone('one', async () => void steps.push('second'))).rejects.toThrow('busy');
    await expect(memory.alone('one', async () => void steps.push('third'))).rejects.toThrow('busy');
    expect(steps).toEqual([]);
    expect(memory.held()).toEqual(['one']);
    running.resolve();
    await first;
    await memory.alone('one', async () => void steps.push('fourth'));
    expect(steps).toEqual(['first', 'fourth']);
    await expect.poll(() => memory.held()).toEqual([]);
  });

  test('forgets a hash when a write begins, and takes none from a write that another one followed', () => {
    const memory = sessionMemory({ waitMs: 1, busy: () => new Error('busy') });
    const hash = startDigest('sha256');
    memory.write('one', 0).keep(hash, 10);
    const early = memory.write('one', 10);
    expect(early.hash).toBe(hash);
    const late = memory.write('one', 10);
    expect(late.hash).toBeUndefined();
    expect([early.isAlone(), late.isAlone()]).toEqual([false, true]);
    early.keep(hash, 20);
    expect(memory.write('one', 20).hash).toBeUndefined();
  });

  test('takes the turn among threads within its own, and gives it back', async () => {
    const steps: string[] = [];
    const memory = sessionMemory({
      waitMs: 7,
      busy: () => new Error('busy'),
      shared: {
        async alone(name, { waitMs, busy }, work) {
          steps.push(`${name} taken for ${waitMs}`);
          if (name === 'elsewhere') throw busy();
          const done = await work();
          steps.push(`${name} given`);
          return done;
        },
      },
    });
    await Promise.all(['a', 'b'].map((step) => memory.alone('one', async () => void steps.push(step))));
    expect(steps).toEqual(['one taken for 7', 'a', 'one given', 'one taken for 7', 'b', 'one given']);
    await expect(memory.alone('elsewhere', async () => 'never')).rejects.toThrow('busy');
    await expect.poll(() => memory.held()).toEqual([]);
  });
});
