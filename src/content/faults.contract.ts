import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { faultPlan, faultyBlobStore, faultyDatabase } from '../adapters/faulty/index.ts';
import { type Digest, digestOf } from '../kernel/index.ts';
import { type BlobStore, DatabaseError } from '../ports/index.ts';
import type { EngineFactory, TestEngine } from './_engines.ts';
import { app, bodyOf, bytesOf, hour, repo, type TestWorld, testWorld, type useCases } from './_world.ts';
import { locationInUse } from './store/blob-rows-store.ts';

type UseCases = ReturnType<typeof useCases>;

const maxCalls = 60;

/** The store, with a count of the removals that failed: nobody asks for those again but the reconciler. */
function countingRemovals(inner: BlobStore, failed: { count: number }): BlobStore {
  return {
    ...inner,
    remove: (location) =>
      inner.remove(location).catch((error: unknown) => {
        failed.count += 1;
        throw error;
      }),
  };
}

/** Once its sessions are over, the store of a world has nothing staged and at most `maxObjects` that no row names. */
async function assertLittleLeft(world: TestWorld, maxObjects: number): Promise<void> {
  const page = { last: null, limit: 1000 };
  for (let pass = 0; pass < 2; pass++) {
    world.clock.advance(hour + 1);
    while ((await world.uploads.sweep(1000)) > 0);
  }
  await world.uploads.sweep(1000);
  const objects: string[] = [];
  for (const location of await world.objects.list(page)) {
    const owner = await world.database.first(locationInUse, { store: world.objects.name, location });
    if (!owner) objects.push(location);
  }
  expect(objects.length).toBeLessThanOrEqual(maxObjects);
  expect(await world.objects.listStaged(page)).toEqual([]);
}

/** Every call to a port fails once, before and after it took effect. */
export function faultsContract(name: string, open: EngineFactory): void {
  describe(`faults on ${name}`, () => {
    let engine: TestEngine;
    beforeAll(async () => {
      engine = await open();
    });
    afterAll(() => engine[Symbol.asyncDispose]());

    /**
     * Makes call 1, 2, 3… of `work` fail until it passes. After each failure all promises hold and what was acknowledged
     * before is there; then `work` succeeds when it is asked for again. Answers how many calls were made to fail.
     */
    async function sweep(
      world: TestWorld,
      when: 'before' | 'after',
      steps: {
        prepare?: (nth: number) => Promise<unknown>;
        work: (some: UseCases, nth: number) => Promise<unknown>;
        /** Work without a session: when the database does not say whether it took it, its object has to stay. */
        sessionless?: boolean;
      },
    ): Promise<number> {
      const kept = await world.pushImage(repo('kept/app'), { layers: [bytesOf('kept', 70_000)], tag: 'v1' });
      const removals = { count: 0 };
      let unknown = 0;
      for (let nth = 1; nth <= maxCalls; nth++) {
        await steps.prepare?.(nth);
        const plan = faultPlan({ nth, when });
        const faulty = world.again({
          database: faultyDatabase(world.database, plan),
          blobs: countingRemovals(faultyBlobStore(world.objects, plan), removals),
        });
        const failure = await steps.work(faulty, nth).then(
          () => undefined,
          (error: unknown) => error,
        );
        if (!plan.fired()) {
          if (failure !== undefined) throw failure;
          await assertLittleLeft(world, removals.count + unknown);
          return nth - 1;
        }
        if (steps.sessionless && failure instanceof DatabaseError) unknown += 1;
        await world.check();
        await steps.work(world, nth);
        await world.check();
        expect((await world.find(repo('kept/app'), 'v1')).digest).toBe(kept);
        expect((await world.readBlob(repo('kept/app'), digestOf(bytesOf('kept', 70_000)))).length).toBe(70_000);
      }
      throw new Error(`${maxCalls} calls were not enough`);
    }

    describe.each(['before', 'after'] as const)('%s a call took effect', (when) => {
      test.each([100, 100_000])('break no push of a blob of %d bytes', async (size) => {
        await using world = await testWorld({ engine });
        const bytes = (nth: number) => bytesOf(`${nth}`, size);
        await sweep(world, when, { work: (some, nth) => some.pushBlob(app, bytes(nth)) });
        for (let nth = 1; nth < 3; nth++) {
          expect((await world.readBlob(app, digestOf(bytes(nth)))).equals(bytes(nth))).toBe(true);
        }
      });

      test('break no push of a blob that is there already', async () => {
        await using world = await testWorld({ engine });
        const calls = await sweep(world, when, { work: (some) => some.pushBlob(app, bytesOf('same', 100_000)) });
        expect(calls).toBeGreaterThan(5);
      });

      test.each([100, 100_000])('break no whole blob of %d bytes', async (size) => {
        await using world = await testWorld({ engine });
        const where = { registry: world.registry, repository: app, identity: 'pusher' };
        const bytes = bytesOf('whole', size);
        const work = (some: UseCases) => some.uploads.whole(where, bodyOf(bytes), digestOf(bytes));
        await sweep(world, when, { work, sessionless: true });
        expect((await world.readBlob(app, digestOf(bytes))).equals(bytes)).toBe(true);
      });

      test('lose no acknowledged byte of a session', async () => {
        await using world = await testWorld({ engine });
        const bytes = bytesOf('session', 150_000);
        const calls = await sweep(world, when, {
          async work(some, nth) {
            const session = await world.start(app, `pusher ${nth}`);
            await world.uploads.append(session, bodyOf(bytes.subarray(0, 70_000)));
            const outcomes = await Promise.allSettled([
              some.uploads.append(session, bodyOf(bytes.subarray(70_000, 140_000))),
            ]);
            const { received } = await world.uploads.status(session);
            expect(outcomes[0].status === 'fulfilled' ? [140_000] : [70_000, 140_000]).toContain(received);
            await world.uploads.finish(session, bodyOf(bytes.subarray(received)), digestOf(bytes));
          },
        });
        expect(calls).toBeGreaterThan(2);
      });

      test('break no push of a manifest', async () => {
        await using world = await testWorld({ engine });
        const manifests = new Map<number, object>();
        await sweep(world, when, {
          async prepare(nth) {
            manifests.set(nth, await world.imageOf(app, { layers: [bytesOf(`${nth}`, 10)] }));
          },
          work: (some, nth) => some.putManifest(app, manifests.get(nth) ?? {}, { tag: 'v1', tags: ['v2'] }),
        });
        expect(await world.metadata.tags(world.registry, app, 'name', null, { limit: 10, last: null })).toMatchObject({
          items: [{ name: 'v1' }, { name: 'v2' }],
        });
      });

      test('break no deletion of a manifest, a tag or a repository', async () => {
        await using world = await testWorld({ engine });
        /** Deletion twice is deletion once: who hears that it is gone has what he asked for. */
        const gone = async (work: Promise<unknown>) => {
          const error: unknown = await work.then(
            () => null,
            (reason: unknown) => reason,
          );
          if (error === null) return;
          const code = (error as { code?: string }).code;
          if (code !== 'manifest-unknown' && code !== 'tag-unknown' && code !== 'name-unknown') throw error;
        };
        let digest: Digest;
        const prepare = async () => {
          digest = await world.pushImage(app, { tag: 'v1' });
        };
        await sweep(world, when, { prepare, work: (some) => gone(some.untag(app, 'v1')) });
        await sweep(world, when, { prepare, work: (some) => gone(some.removeManifest(app, digest)) });
        await sweep(world, when, { prepare, work: (some) => gone(some.removeRepository(app)) });
        await expect(world.find(app, 'v1')).rejects.toMatchObject({ code: 'manifest-unknown' });
      });

      test('break no mount, no HEAD, no GET and no lock', async () => {
        await using world = await testWorld({ engine });
        const bytes = bytesOf('source', 70_000);
        const digest = await world.pushBlob(app, bytes);
        await world.pushImage(app, { tag: 'v1' });
        await sweep(world, when, {
          work: (some, nth) =>
            some.blobs.mount(world.registry, repo(`target/r${nth}`), digest, { from: null, mayRead: () => true }),
        });
        await sweep(world, when, {
          async prepare() {
            world.clock.advance(3_000_000);
          },
          work: (some) => some.blobs.promise(world.registry, app, digest),
        });
        await sweep(world, when, {
          async work(some) {
            expect((await some.readBlob(app, digest)).equals(bytes)).toBe(true);
          },
        });
        await sweep(world, when, {
          work: (some) => some.lock(app, { kind: 'tag', key: 'v1' }, { listEnabled: false }),
        });
        expect(world.lost).toEqual([]);
        expect(await world.registries.byName(world.registry.name)).toMatchObject({ id: world.registry.id });
      });
    });
  });
}
