import { Readable } from 'node:stream';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { digestOf } from '../kernel/index.ts';
import { sqliteEngine, type TestEngine } from './_engines.ts';
import { app, bodyOf, bytesOf, hour, testWorld, useCases } from './_world.ts';

/** A body whose bytes come when they are given. */
function openBody() {
  const stream = new Readable({ read: () => undefined });
  return { stream, body: { stream: () => stream, length: null, range: null } };
}

describe('uploads among several threads', () => {
  let engine: TestEngine;
  beforeAll(async () => {
    engine = await sqliteEngine();
  });
  afterAll(() => engine[Symbol.asyncDispose]());

  test('that another thread has in its hands are left alone by the sweep of this one', async () => {
    await using world = await testWorld({ engine });
    const staged = () => world.objects.listStaged({ last: null, limit: 100 });
    const other = useCases(world.environment, world.registry);
    const sweeping = world.again({ inUseElsewhere: async () => other.uploads.inUse() });
    const session = await world.start();
    await other.uploads.append(session, bodyOf(bytesOf('held', 100_000)));
    const held = openBody();
    const appending = other.uploads.append(session, held.body);
    const bytes = bytesOf('whole', 64 * 2048);
    const whole = openBody();
    const where = { registry: world.registry, repository: app, identity: 'pusher' };
    const pushing = other.uploads.whole(where, whole.body, digestOf(bytes));
    for (let at = 0; at < bytes.length; at += 64) whole.stream.push(bytes.subarray(at, at + 64));
    await expect.poll(async () => (await staged()).length).toBe(2);
    await expect.poll(() => other.uploads.inUse().keys.length).toBe(1);
    for (let round = 0; round < 3; round++) {
      world.clock.advance(2 * hour);
      await sweeping.uploads.sweep(100);
    }
    expect(await staged()).toHaveLength(2);
    whole.stream.push(null);
    expect(await pushing).toEqual({ size: bytes.length });
    held.stream.push(null);
    await appending;
    expect(other.uploads.inUse().keys).toEqual([]);
    await expect.poll(() => other.uploads.inUse().sessions).toEqual([]);
    world.clock.advance(2 * hour);
    for (let round = 0; round < 3; round++) await sweeping.uploads.sweep(100);
    expect(await staged()).toEqual([]);
  });
});
