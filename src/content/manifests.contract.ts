import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { readFeed } from '../data/index.ts';
import { digestOf, parseDigest, parseReference } from '../kernel/index.ts';
import type { EngineFactory, TestEngine } from './_engines.ts';
import { historyOf } from './_invariants.ts';
import { ociImage, ociIndex } from './_manifest-samples.ts';
import { app, by, bytesOf, repo, type TestWorld, tag, testWorld } from './_world.ts';
import { findRepository } from './store/repository-store.ts';

/** The intervals of one tag as `digest actor cause`, in order of their versions. */
async function historyOfTag(world: TestWorld, name: string) {
  const repository = await world.database.first(findRepository, { registryId: world.registry.id, name: app });
  const rows = await world.database.all(historyOf, { repositoryId: repository?.id ?? 0 });
  return rows
    .filter((row) => row.name === name)
    .map((row) => [row.version, row.digest, row.from_actor, row.to_actor, row.end_cause]);
}

/** Manifests and tags on one engine. */
export function manifestsContract(name: string, open: EngineFactory): void {
  let engine: TestEngine;
  const image = (world: TestWorld, seed: string, name?: string) =>
    world.pushImage(app, { layers: [Buffer.from(seed)], ...(name === undefined ? {} : { tag: name }) });

  describe(`manifests on ${name}`, () => {
    beforeAll(async () => {
      engine = await open();
    });
    afterAll(() => engine[Symbol.asyncDispose]());

    test('are found by tag and digest with the bytes that were pushed', async () => {
      await using world = await testWorld({ engine });
      const manifest = await world.imageOf(app);
      const bytes = Buffer.from(`${JSON.stringify(manifest)}\n`);
      const put = { reference: { tag: tag('v1') }, tags: [], contentType: ociImage, bytes };
      const { digest, subject } = await world.manifests.put(by('pusher'), world.registry, app, put);
      expect(subject).toBeNull();
      for (const reference of ['v1', digest]) {
        const found = await world.find(app, reference);
        expect(found).toMatchObject({ digest, mediaType: ociImage, size: bytes.length });
        expect(Buffer.from(await found.bytes()).equals(bytes)).toBe(true);
      }
      await expect(world.find(repo('team/other'), digest)).rejects.toMatchObject({ code: 'manifest-unknown' });
      await expect(world.find(app, 'v2')).rejects.toMatchObject({ code: 'manifest-unknown' });
      await world.check();
    });

    test('are stored under the digest asked for, also sha512, and never under a wrong one', async () => {
      await using world = await testWorld({ engine });
      const bytes = Buffer.from(JSON.stringify(await world.imageOf(app)));
      const put = (digest: string) =>
        world.manifests.put(by('pusher'), world.registry, app, {
          reference: parseReference(digest),
          tags: [tag('a'), tag('b'), tag('a')],
          contentType: null,
          bytes,
        });
      await put(digestOf(bytes, 'sha512'));
      expect((await world.find(app, 'b')).digest).toBe(digestOf(bytes, 'sha512'));
      await expect(put(digestOf(Buffer.from('other')))).rejects.toMatchObject({ code: 'digest-invalid' });
      await world.check();
    });

    test('whose parts are not held by the repository are refused with their digests', async () => {
      await using world = await testWorld({ engine });
      const manifest = await world.imageOf(app);
      await expect(world.putManifest(repo('team/other'), manifest, { tag: 'v1' })).rejects.toMatchObject({
        code: 'manifest-blob-unknown',
        detail: { digests: expect.arrayContaining([digestOf(Buffer.from('layer'))]) as string[] },
      });
      await world.condemn(digestOf(Buffer.from('layer')));
      await expect(world.putManifest(app, manifest)).rejects.toMatchObject({ code: 'manifest-blob-unknown' });
      await world.check();
    });

    test('may name layers that are kept elsewhere', async () => {
      await using world = await testWorld({ engine });
      const manifest = await world.imageOf(app);
      const foreign = {
        mediaType: 'application/vnd.oci.image.layer.nondistributable.v1.tar+gzip',
        digest: digestOf(Buffer.from('elsewhere')),
        size: 10,
      };
      const layers = [...manifest.layers, foreign];
      const digest = await world.putManifest(app, { ...manifest, layers }, { tag: 'v1' });
      expect((await world.find(app, 'v1')).digest).toBe(digest);
      await world.check();
    });

    test('larger than allowed are refused', async () => {
      await using world = await testWorld({ engine, limits: { manifestBytes: 200 } });
      await expect(image(world, 'large', 'v1')).rejects.toMatchObject({ code: 'manifest-too-large' });
    });

    test('nest as deep as allowed and no deeper, and loops end', async () => {
      await using world = await testWorld({ engine, limits: { indexDepth: 2 } });
      const leaf = await image(world, 'leaf');
      const indexOf = (children: readonly string[]) =>
        world.putManifest(app, {
          schemaVersion: 2,
          mediaType: ociIndex,
          manifests: children.map((digest) => ({ mediaType: ociIndex, digest, size: 1 })),
        });
      const first = await indexOf([leaf]);
      const second = await indexOf([first]);
      await expect(indexOf([leaf, second])).rejects.toMatchObject({ code: 'manifest-invalid' });
      expect(await world.metadata.manifest(world.registry, app, second)).toMatchObject({
        references: [{ digest: first, architecture: null }],
      });
      expect(await world.metadata.manifest(world.registry, app, first)).toMatchObject({
        references: [{ digest: leaf, architecture: 'arm64', os: 'linux' }],
      });
      await world.check();
    });

    test('of an index may come before their children', async () => {
      await using world = await testWorld({ engine });
      const absent = digestOf(Buffer.from('absent'));
      const index = await world.pushIndex(app, [absent], 'sparse');
      expect((await world.find(app, 'sparse')).digest).toBe(index);
      await world.check();
    });

    test('that are deleted take their tags along, and their rows and bytes stay for an undo', async () => {
      await using world = await testWorld({ engine });
      const digest = await image(world, 'one', 'v1');
      await world.putManifest(app, await world.imageOf(app, { layers: [Buffer.from('one')] }), { tags: ['v2', 'v3'] });
      await world.removeManifest(app, digest, 'deleter');
      for (const reference of ['v1', 'v2', 'v3', digest]) {
        await expect(world.find(app, reference)).rejects.toMatchObject({ code: 'manifest-unknown' });
      }
      await expect(world.removeManifest(app, digest)).rejects.toMatchObject({ code: 'manifest-unknown' });
      expect(await historyOfTag(world, 'v2')).toEqual([[1, digest, 'pusher', 'deleter', 'manifest-deleted']]);
      expect(await world.body('manifest', digest)).toBeDefined();
      await expect(world.metadata.repository(world.registry, app)).rejects.toMatchObject({ code: 'name-unknown' });
      await world.check();
      await image(world, 'one', 'v1');
      expect((await world.find(app, 'v1')).digest).toBe(digest);
      expect(await historyOfTag(world, 'v1')).toEqual([
        [1, digest, 'pusher', 'deleter', 'manifest-deleted'],
        [3, digest, 'pusher', null, null],
      ]);
      await world.check();
    });

    test('leave the locks of their repository behind, which keep its blobs and can be taken off', async () => {
      await using world = await testWorld({ engine });
      const digest = await image(world, 'secret', 'v1');
      const blob = digestOf(Buffer.from('secret'));
      const locked = async () => !(await world.metadata.repository(world.registry, app)).attributes.readEnabled;
      await world.lock(app, { kind: 'repository' }, { readEnabled: false });
      await world.removeManifest(app, digest);
      await expect(world.readBlob(app, blob)).rejects.toMatchObject({ code: 'locked' });
      const from = { from: app, mayRead: () => true };
      expect(await world.blobs.mount(world.registry, repo('team/thief'), blob, from)).toBe(false);
      expect(await locked()).toBe(true);
      // What was pushed before and after still makes an image, under the lock.
      await world.putManifest(app, await world.imageOf(app, { layers: [Buffer.from('secret')] }), { tag: 'v2' });
      await expect(world.find(app, 'v2')).rejects.toMatchObject({ code: 'locked' });
      expect(await locked()).toBe(true);
      await world.removeManifest(app, digest);
      await world.lock(app, { kind: 'repository' }, { readEnabled: true });
      expect(await locked()).toBe(false);
      expect((await world.readBlob(app, blob)).toString()).toBe('secret');
      await world.check();
      await world.lock(app, { kind: 'repository' }, { deleteEnabled: false });
      await expect(world.removeRepository(app)).rejects.toMatchObject({ code: 'locked' });
      await world.lock(app, { kind: 'repository' }, { deleteEnabled: true });
      await world.removeRepository(app);
      await expect(world.readBlob(app, blob)).rejects.toMatchObject({ code: 'blob-unknown' });
      await expect(world.metadata.repository(world.registry, app)).rejects.toMatchObject({ code: 'name-unknown' });
      await world.check();
    });

    test('remember when they were pulled', async () => {
      await using world = await testWorld({ engine });
      const digest = await image(world, 'pulled', 'v1');
      const pulledAt = world.clock.now();
      await world.manifests.find(world.registry, app, { tag: tag('v1') }, { pulled: true });
      await world.manifests.find(world.registry, app, { digest }, { pulled: true });
      await world.pulls.flush();
      await world.pulls.flush();
      expect(await world.pulledMs(app, digest)).toBe(pulledAt);
    });

    test('are refused to readers by a lock on repository, tag or manifest', async () => {
      await using world = await testWorld({ engine });
      const digest = await image(world, 'locked', 'v1');
      const targets = [
        { kind: 'repository' as const },
        { kind: 'tag' as const, key: 'v1' },
        { kind: 'manifest' as const, key: digest },
      ];
      for (const target of targets) {
        await world.lock(app, target, { readEnabled: false });
        await expect(world.find(app, 'v1')).rejects.toMatchObject({ code: 'locked' });
        await world.lock(app, target, { readEnabled: true });
        expect((await world.find(app, 'v1')).digest).toBe(digest);
      }
    });

    test('are kept by a lock on repository, tag or manifest, whatever asks for their deletion', async () => {
      await using world = await testWorld({ engine });
      const digest = await image(world, 'kept', 'v1');
      for (const lock of ['deleteEnabled', 'writeEnabled']) {
        for (const target of [
          { kind: 'repository' as const },
          { kind: 'tag' as const, key: 'v1' },
          { kind: 'manifest' as const, key: digest },
        ]) {
          await world.lock(app, target, { [lock]: false });
          await expect(world.removeManifest(app, digest)).rejects.toMatchObject({ code: 'locked' });
          await expect(world.removeRepository(app)).rejects.toMatchObject({ code: 'locked' });
          await world.lock(app, target, { [lock]: true });
        }
      }
      await world.removeRepository(app);
      await world.check();
    });
  });

  describe(`tags on ${name}`, () => {
    beforeAll(async () => {
      engine = await open();
    });
    afterAll(() => engine[Symbol.asyncDispose]());

    test('keep a closed interval for every move, with who made it and why it ended', async () => {
      await using world = await testWorld({ engine });
      const one = await image(world, 'one', 'v1');
      world.clock.advance(1000);
      const two = await image(world, 'two', 'v1');
      await image(world, 'two', 'v1');
      world.clock.advance(1000);
      await world.untag(app, 'v1', 'cleaner');
      await expect(world.untag(app, 'v1')).rejects.toMatchObject({ code: 'tag-unknown' });
      await world.putManifest(app, await world.imageOf(app, { layers: [Buffer.from('one')] }), {
        tag: 'v1',
        actor: 'restorer',
      });
      await world.removeRepository(app, 'owner');
      expect(await historyOfTag(world, 'v1')).toEqual([
        [1, one, 'pusher', 'pusher', 'moved'],
        [2, two, 'pusher', 'cleaner', 'untagged'],
        [4, one, 'restorer', 'owner', 'repository-deleted'],
      ]);
      await world.check();
    });

    test('are told to the feed with their versions', async () => {
      await using world = await testWorld({ engine });
      const digest = await image(world, 'one', 'v1');
      await image(world, 'two', 'v1');
      await image(world, 'two', 'v1');
      await world.untag(app, 'v1');
      await world.settle();
      const feed = await world.database.all(readFeed, { registryId: world.registry.id, after: 0, limit: 100 });
      expect(feed.map((row) => row.n)).toEqual(feed.map((_, index) => index + 1));
      expect(feed.filter((row) => row.tag === 'v1').map((row) => [row.kind, row.tag_version])).toEqual([
        ['tag.set', 1],
        ['tag.set', 2],
        ['tag.set', 2],
        ['tag.deleted', 3],
      ]);
      expect(feed[1]).toMatchObject({ digest, repository: app, media_type: ociImage, actor: 'pusher' });
    });

    test('that are locked against writing stay where they are, and begin anew after a deletion', async () => {
      await using world = await testWorld({ engine });
      const one = await image(world, 'one', 'v1');
      await world.lock(app, { kind: 'tag', key: 'v1' }, { writeEnabled: false });
      await expect(image(world, 'two', 'v1')).rejects.toMatchObject({ code: 'locked' });
      await expect(image(world, 'one', 'v1')).rejects.toMatchObject({ code: 'locked' });
      expect((await world.find(app, 'v1')).digest).toBe(one);
      await world.lock(app, { kind: 'tag', key: 'v1' }, { writeEnabled: true, listEnabled: false });
      await world.untag(app, 'v1');
      await image(world, 'two', 'v1');
      expect((await world.metadata.tag(world.registry, app, tag('v1'))).attributes.listEnabled).toBe(true);
      await world.check();
    });

    test('of a repository locked against writing are neither set nor made', async () => {
      await using world = await testWorld({ engine });
      const manifest = await world.imageOf(app);
      await world.putManifest(app, manifest, { tag: 'v1' });
      await world.lock(app, { kind: 'repository' }, { writeEnabled: false });
      await expect(world.putManifest(app, manifest, { tag: 'v1' })).rejects.toMatchObject({ code: 'locked' });
      await expect(world.putManifest(app, manifest, { tag: 'v2' })).rejects.toMatchObject({ code: 'locked' });
      await expect(world.find(app, 'v2')).rejects.toMatchObject({ code: 'manifest-unknown' });
      await world.check();
    });

    test('are kept by a lock on them or on their repository', async () => {
      await using world = await testWorld({ engine });
      await image(world, 'kept', 'v1');
      for (const target of [{ kind: 'repository' as const }, { kind: 'tag' as const, key: 'v1' }]) {
        for (const lock of ['deleteEnabled', 'writeEnabled']) {
          await world.lock(app, target, { [lock]: false });
          await expect(world.untag(app, 'v1')).rejects.toMatchObject({ code: 'locked' });
          await world.lock(app, target, { [lock]: true });
        }
      }
      await world.untag(app, 'v1');
      await world.check();
    });

    test('many at once are set by one push', async () => {
      await using world = await testWorld({ engine });
      const names = Array.from({ length: 12 }, (_, index) => `t${index}`);
      const digest = await world.putManifest(app, await world.imageOf(app), { tags: names });
      for (const name of names) expect((await world.find(app, name)).digest).toBe(digest);
      expect(await world.removeRepository(app)).toMatchObject({ manifests: [digest] });
      expect(parseDigest(digest)).toBe(digest);
      await world.check();
    });

    test('of a deleted repository are counted, and the first of them named', async () => {
      await using world = await testWorld({ engine });
      const names = Array.from({ length: 1010 }, (_, index) => `t${String(index).padStart(5, '0')}`);
      const digest = await world.putManifest(app, await world.imageOf(app), { tags: names });
      await world.lock(app, { kind: 'tag', key: 't00000' }, { listEnabled: false });
      expect(await world.removeRepository(app)).toEqual({
        manifestCount: 1,
        tagCount: 1010,
        manifests: [digest],
        tags: names.slice(0, 1000),
      });
      await world.check();
    });

    test('come out bytewise, not as a language sorts', async () => {
      await using world = await testWorld({ engine });
      const names = ['B', '_a', 'a', 'a-1', 'a.1', 'A', 'b', '1'];
      await world.putManifest(app, await world.imageOf(app, { layers: [bytesOf('x', 5)] }), { tags: names });
      const page = await world.catalog.tags(world.registry, app, { limit: 100, last: null });
      expect(page.names).toEqual([...names].sort());
    });
  });
}
