import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { EngineFactory, TestEngine } from '../content/_engines.ts';
import { app, by, testWorld } from '../content/_world.ts';
import { lastStamp, numberFeed, readFeed } from './feed.ts';

/** The change feed on one engine. */
export function feedContract(name: string, open: EngineFactory): void {
  describe(`the feed on ${name}`, () => {
    let engine: TestEngine;
    beforeAll(async () => {
      engine = await open();
    });
    afterAll(() => engine[Symbol.asyncDispose]());

    const numbersOf = async (registryId: number, after = 0, limit = 1000) =>
      (await engine.database.all(readFeed, { registryId, after, limit })).map((row) => row.n);

    test('numbers the changes of each registry from 1, in pages', async () => {
      await using one = await testWorld({ engine });
      await using two = await testWorld({ engine });
      for (const world of [one, two, one]) await world.pushImage(app, { tag: 'v1' });
      await one.settle();
      expect(await numbersOf(one.registry.id)).toEqual([1, 2, 3]);
      expect(await numbersOf(two.registry.id)).toEqual([1, 2]);
      expect(await numbersOf(one.registry.id, 1, 1)).toEqual([2]);
      expect(await numbersOf(one.registry.id, 3)).toEqual([]);
    });

    test('numbers every change once while many are made and several sequencers run', async () => {
      await using world = await testWorld({ engine });
      const second = await engine.second();
      const manifest = await world.imageOf(app);
      const state = { pushing: true };
      const sequence = async (database: typeof second): Promise<void> => {
        while (state.pushing) await database.transact(numberFeed, { limit: 3 });
      };
      const sequencers = [sequence(world.database), sequence(second), sequence(second)];
      const push = async (writer: number): Promise<void> => {
        for (let index = 0; index < 10; index++) await world.putManifest(app, manifest, { tag: `t${writer}-${index}` });
      };
      await Promise.all([0, 1, 2, 3].map(push)).finally(() => {
        state.pushing = false;
      });
      await Promise.all(sequencers);
      await world.settle();
      expect(await numbersOf(world.registry.id)).toEqual(Array.from({ length: 41 }, (_, index) => index + 1));
      await world.check();
    });

    test('says who did what from where, cut to what a row may hold', async () => {
      await using world = await testWorld({ engine });
      const context = { ...by('admin:x'), host: 'h'.repeat(300), userAgent: 'u'.repeat(300) };
      await world.registries.change(context, world.registry.name, { anonymousPull: true });
      await world.settle();
      const [entry] = await engine.database.all(readFeed, { registryId: world.registry.id, after: 1, limit: 1 });
      expect(entry).toMatchObject({
        kind: 'registry.updated',
        actor: 'admin:x',
        at_ms: world.clock.now(),
        details: '{"anonymousPull":true}',
        request_id: context.requestId,
      });
      expect((await engine.database.first(lastStamp, {}))?.stamp).toBe(entry?.stamp);
    });

    test('keeps nothing of a transaction that was refused', async () => {
      await using world = await testWorld({ engine });
      await expect(world.untag(app, 'absent')).rejects.toMatchObject({ code: 'tag-unknown' });
      await expect(world.putManifest(app, await world.imageOf(app), { tag: 'v1' })).resolves.toBeDefined();
      await world.lock(app, { kind: 'repository' }, { writeEnabled: false });
      await expect(world.untag(app, 'v1')).rejects.toMatchObject({ code: 'locked' });
      await world.settle();
      expect(await numbersOf(world.registry.id)).toEqual([1, 2, 3]);
    });
  });
}
