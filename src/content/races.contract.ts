import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { digestOf, isFault } from '../kernel/index.ts';
import { type BlobStore, DatabaseError } from '../ports/index.ts';
import type { EngineFactory, TestEngine } from './_engines.ts';
import { randomWorkload } from './_workload.ts';
import { app, bodyOf, by, bytesOf, repo, type TestWorld, testWorld } from './_world.ts';
import { registries } from './registries.ts';

const none = Buffer.alloc(0);
const rounds = 12;

/** Runs everything at once; what a loser may hear is a refusal, anything else is thrown. */
async function together<T>(...work: (() => Promise<T>)[]): Promise<PromiseSettledResult<T>[]> {
  const outcomes = await Promise.allSettled(work.map((one) => one()));
  for (const outcome of outcomes) {
    if (outcome.status === 'rejected' && !isFault(outcome.reason)) throw outcome.reason;
  }
  return outcomes;
}

const won = (outcome: PromiseSettledResult<unknown> | undefined): boolean => outcome?.status === 'fulfilled';

/** A store whose commits wait until `count` of them have come. */
function commitsTogether(inner: BlobStore, count: number): BlobStore {
  let waiting: (() => void)[] = [];
  return {
    ...inner,
    async commit(key, size) {
      await new Promise<void>((resolve) => {
        waiting.push(resolve);
        if (waiting.length < count) return;
        for (const go of waiting) go();
        waiting = [];
      });
      return inner.commit(key, size);
    },
  };
}

/** Requests that meet each other, here and, where there may be one, in a second process. */
export function racesContract(name: string, open: EngineFactory): void {
  describe(`races on ${name}`, () => {
    let engine: TestEngine;
    beforeAll(async () => {
      engine = await open();
    });
    afterAll(() => engine[Symbol.asyncDispose]());

    /** This process and a second one over the same data, or at least another set of use-cases. */
    async function twoProcesses(world: TestWorld) {
      return [world, world.again({ database: await engine.second() })] as const;
    }

    test('a tag set on a manifest that is being deleted is either gone with it or brings it back', async () => {
      await using world = await testWorld({ engine });
      const [here, there] = await twoProcesses(world);
      const manifest = await world.imageOf(app);
      for (let round = 0; round < rounds; round++) {
        const digest = await world.putManifest(app, manifest, { tag: 'v1' });
        await together<unknown>(
          () => here.removeManifest(app, digest),
          () => there.putManifest(app, manifest, { tag: `r${round}` }),
        );
        await expect(world.check()).resolves.toBeUndefined();
      }
    });

    test('two last manifests deleted at once leave an empty repository', async () => {
      await using world = await testWorld({ engine });
      const [here, there] = await twoProcesses(world);
      for (let round = 0; round < rounds; round++) {
        const one = await world.pushImage(app, { layers: [bytesOf('one', 10)] });
        const two = await world.pushImage(app, { layers: [bytesOf('two', 10)] });
        await together(
          () => here.removeManifest(app, one),
          () => there.removeManifest(app, two),
        );
        await expect(world.check()).resolves.toBeUndefined();
      }
    });

    test('a push beside the deletion of the last manifest leaves a live repository', async () => {
      await using world = await testWorld({ engine });
      const [here, there] = await twoProcesses(world);
      const one = await world.imageOf(app, { layers: [bytesOf('one', 10)] });
      const two = await world.imageOf(app, { layers: [bytesOf('two', 10)] });
      for (let round = 0; round < rounds; round++) {
        const first = await world.putManifest(app, one, { tag: 'v1' });
        const [, pushed] = await together<unknown>(
          () => here.removeManifest(app, first),
          () => there.putManifest(app, two, { tag: 'v2' }),
        );
        expect(won(pushed)).toBe(true);
        const { digest } = await world.find(app, 'v2');
        await expect(world.check()).resolves.toBeUndefined();
        await world.removeManifest(app, digest);
      }
    });

    test('a push and the deletion of its repository happen one after the other', async () => {
      await using world = await testWorld({ engine });
      const [here, there] = await twoProcesses(world);
      for (let round = 0; round < rounds; round++) {
        await world.pushImage(app, { tag: 'before' });
        await together<unknown>(
          () => here.removeRepository(app),
          () => there.pushImage(app, { layers: [bytesOf(`${round}`, 10)], tag: 'v1' }),
        );
        await expect(world.check()).resolves.toBeUndefined();
      }
    });

    test('first pushes into a new repository all succeed', async () => {
      await using world = await testWorld({ engine });
      for (let round = 0; round < 4; round++) {
        const repository = repo(`new/r${round}`);
        const pushes = Array.from({ length: 6 }, (_, index) => async () => {
          const layers = [bytesOf(`${index}`, 10)];
          return world.pushImage(repository, { layers, tag: `v${index}` });
        });
        for (const outcome of await together(...pushes)) expect(won(outcome)).toBe(true);
      }
      await expect(world.check()).resolves.toBeUndefined();
    });

    test('two pushes that move one tag give it two versions, and the feed tells the later one last', async () => {
      await using world = await testWorld({ engine });
      const [here, there] = await twoProcesses(world);
      const one = await world.imageOf(app, { layers: [bytesOf('one', 10)] });
      const two = await world.imageOf(app, { layers: [bytesOf('two', 10)] });
      for (let round = 0; round < rounds; round++) {
        const name = `v${round % 3}`;
        const outcomes = await together<unknown>(
          () => here.putManifest(app, one, { tag: name }),
          () => here.putManifest(app, two, { tag: name }),
          () => here.putManifest(app, one, { tags: [name, 'latest'] }),
          () => there.putManifest(app, two, { tags: ['latest', name] }),
        );
        for (const outcome of outcomes) expect(won(outcome)).toBe(true);
      }
      await expect(world.check()).resolves.toBeUndefined();
    });

    test.each([100, 100_000])('two finishes of one upload of %d bytes make one blob that can be read', async (size) => {
      await using world = await testWorld({ engine });
      const [here, there] = await twoProcesses(world);
      for (let round = 0; round < rounds; round++) {
        const bytes = bytesOf(`${round}`, size);
        const session = await world.start();
        await world.uploads.append(session, bodyOf(bytes));
        const outcomes = await together(
          () => here.uploads.finish(session, bodyOf(none), digestOf(bytes)),
          () => there.uploads.finish(session, bodyOf(none), digestOf(bytes)),
        );
        expect(outcomes.filter(won)).toHaveLength(1);
        expect((await world.readBlob(app, digestOf(bytes))).equals(bytes)).toBe(true);
      }
      await expect(world.check()).resolves.toBeUndefined();
    });

    test('two finishes that both committed the object leave it to the one that owns the session', async () => {
      await using world = await testWorld({ engine });
      const meeting = commitsTogether(world.objects, 2);
      const here = world.again({ blobs: meeting });
      const there = world.again({ blobs: meeting, database: await engine.second() });
      for (let round = 0; round < rounds; round++) {
        const bytes = bytesOf(`${round}`, 100_000);
        const session = await world.start();
        await world.uploads.append(session, bodyOf(bytes));
        const outcomes = await together(
          () => here.uploads.finish(session, bodyOf(none), digestOf(bytes)),
          () => there.uploads.finish(session, bodyOf(none), digestOf(bytes)),
        );
        expect(outcomes.filter(won)).toHaveLength(1);
        expect((await world.readBlob(app, digestOf(bytes))).equals(bytes)).toBe(true);
      }
      await expect(world.check()).resolves.toBeUndefined();
    });

    test('two uploads of one digest leave one object, that of the winner', async () => {
      await using world = await testWorld({ engine });
      const [here, there] = await twoProcesses(world);
      for (let round = 1; round <= rounds; round++) {
        const bytes = bytesOf(`${round}`, 70_000);
        const outcomes = await together(
          () => here.pushBlob(app, bytes),
          () => here.pushBlob(repo('team/other'), bytes),
          () => there.pushBlob(app, bytes),
        );
        expect(outcomes.filter(won)).toHaveLength(3);
        expect((await world.readBlob(app, digestOf(bytes))).equals(bytes)).toBe(true);
        expect(await world.objects.list({ last: null, limit: 100 })).toHaveLength(round);
      }
      await expect(world.check()).resolves.toBeUndefined();
    });

    test('uploads of one digest bring a condemned blob back once', async () => {
      await using world = await testWorld({ engine });
      const [here, there] = await twoProcesses(world);
      const bytes = bytesOf('condemned', 70_000);
      const digest = await world.pushBlob(app, bytes);
      for (let round = 0; round < rounds; round++) {
        await world.condemn(digest);
        await together(
          () => here.pushBlob(app, bytes),
          () => there.pushBlob(app, bytes),
        );
        expect((await world.readBlob(app, digest)).equals(bytes)).toBe(true);
        expect(await world.locations(digest)).toHaveLength(1);
      }
      await expect(world.check()).resolves.toBeUndefined();
    });

    test('a manifest never names a blob that was deleted beside it', async () => {
      await using world = await testWorld({ engine });
      const [here, there] = await twoProcesses(world);
      const layer = bytesOf('layer', 100);
      for (let round = 0; round < rounds; round++) {
        const manifest = await world.imageOf(app, { layers: [layer], more: { annotations: { round: `${round}` } } });
        await together<unknown>(
          () => here.putManifest(app, manifest, { tag: 'v1' }),
          () => there.blobs.remove(by('cleaner'), world.registry, app, digestOf(layer)),
        );
        await expect(world.check()).resolves.toBeUndefined();
        const found = await world.find(app, 'v1').catch(() => undefined);
        if (found) await world.removeManifest(app, found.digest);
      }
    });

    test('a mount beside the deletion of its source holds the blob or is refused', async () => {
      await using world = await testWorld({ engine });
      const [here, there] = await twoProcesses(world);
      const bytes = bytesOf('mounted', 70_000);
      const digest = await world.pushBlob(app, bytes);
      for (let round = 0; round < rounds; round++) {
        await world.pushBlob(app, bytes);
        const target = repo(`target/r${round}`);
        const [mounted] = await together<unknown>(
          () => here.blobs.mount(world.registry, target, digest, { from: app, mayRead: () => true }),
          () => there.blobs.remove(by('cleaner'), world.registry, app, digest),
        );
        const holds = mounted?.status === 'fulfilled' && mounted.value === true;
        const found = await Promise.allSettled([world.readBlob(target, digest)]);
        expect(found[0].status).toBe(holds ? 'fulfilled' : 'rejected');
        await expect(world.check()).resolves.toBeUndefined();
      }
    });

    test('no push passes a lock that was acknowledged', async () => {
      await using world = await testWorld({ engine });
      const [here, there] = await twoProcesses(world);
      const one = await world.imageOf(app, { layers: [bytesOf('one', 10)] });
      const two = await world.imageOf(app, { layers: [bytesOf('two', 10)] });
      await world.putManifest(app, one, { tag: 'v1' });
      for (let round = 0; round < rounds; round++) {
        const target = round % 2 === 0 ? { kind: 'tag' as const, key: 'v1' } : { kind: 'repository' as const };
        let atLock: string | undefined;
        await together<unknown>(
          async () => {
            await there.lock(app, target, { writeEnabled: false });
            atLock = (await there.find(app, 'v1')).digest;
          },
          ...[one, two, one, two].map((manifest) => () => here.putManifest(app, manifest, { tag: 'v1' })),
        );
        expect((await world.find(app, 'v1')).digest).toBe(atLock);
        await expect(here.putManifest(app, one, { tag: 'v1' })).rejects.toMatchObject({ code: 'locked' });
        await world.lock(app, target, { writeEnabled: true });
        await expect(world.check()).resolves.toBeUndefined();
      }
    });

    test('retag and untag happen one after the other', async () => {
      await using world = await testWorld({ engine });
      const [here, there] = await twoProcesses(world);
      const one = await world.imageOf(app, { layers: [bytesOf('one', 10)] });
      const two = await world.imageOf(app, { layers: [bytesOf('two', 10)] });
      for (let round = 0; round < rounds; round++) {
        await world.putManifest(app, one, { tag: 'v1' });
        await together<unknown>(
          () => here.untag(app, 'v1'),
          () => there.putManifest(app, two, { tag: 'v1' }),
          () => there.untag(app, 'v1'),
        );
        await expect(world.check()).resolves.toBeUndefined();
      }
    });

    test('the first registry is made once, whatever names two hosts choose for it', async () => {
      await using fresh = await open();
      const hosts = [fresh.database, await fresh.second()].map((database) => registries(database));
      const made = await Promise.all(
        hosts.map((host, index) =>
          host.create(by('start'), {
            name: `first${index}`,
            adminEnabled: true,
            anonymousPull: false,
            onlyAsDefault: true,
          }),
        ),
      );
      expect(made[1]).toEqual(made[0]);
      expect(await registries(fresh.database).list({ last: '', limit: 10 })).toHaveLength(1);
    });

    test('registries of one name are made once', async () => {
      await using world = await testWorld({ engine });
      const [here, there] = await twoProcesses(world);
      for (let round = 0; round < rounds; round++) {
        const made = { name: `${world.registry.name}x${round}`, adminEnabled: true, anonymousPull: false };
        const outcomes = await together(
          () => here.registries.create(by('owner'), made),
          () => there.registries.create(by('owner'), made),
        );
        expect(outcomes.filter(won)).toHaveLength(1);
        const changes = await together(
          () => here.registries.change(by('owner'), made.name, { adminEnabled: false }),
          () => there.registries.change(by('owner'), made.name, { anonymousPull: true }),
        );
        expect(changes.map((outcome) => outcome.status)).toEqual(['fulfilled', 'fulfilled']);
        expect(await here.registries.byName(made.name)).toMatchObject({ adminEnabled: false, anonymousPull: true });
      }
    });

    test.each([1, 2, 3])('a mixed workload keeps every promise (seed %d)', async (seed) => {
      await using world = await testWorld({ engine });
      const processes = await twoProcesses(world);
      const { refused, done } = await randomWorkload(processes, { seed, operations: 240, parallel: 8 });
      expect(done).toBeGreaterThan(80);
      expect(refused.filter((error) => !isFault(error) || error instanceof DatabaseError)).toEqual([]);
      await expect(world.check()).resolves.toBeUndefined();
    });
  });
}
