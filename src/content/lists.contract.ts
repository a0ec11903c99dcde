import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Digest, digestOf } from '../kernel/index.ts';
import type { EngineFactory, TestEngine } from './_engines.ts';
import { ociImage, ociIndex } from './_manifest-samples.ts';
import { app, by, bytesOf, repo, type TestWorld, tag, testWorld } from './_world.ts';
import type { ReferrerDescriptor } from './catalog.ts';

/** All pages of a list, each beginning after the last item of the one before. */
async function allPages<T>(
  limit: number,
  nameOf: (item: T) => string,
  page: (last: string | null) => Promise<{ readonly items: readonly T[]; readonly more: boolean }>,
): Promise<string[]> {
  const names: string[] = [];
  for (let last: string | null = null, more = true; more; last = names.at(-1) ?? null) {
    const found = await page(last);
    expect(found.items.length).toBeLessThanOrEqual(limit);
    names.push(...found.items.map(nameOf));
    more = found.more;
    // A page is short only at the end.
    expect(found.items.length === limit || !more).toBe(true);
  }
  return names;
}

/** Lists and metadata on one engine. */
export function listsContract(name: string, open: EngineFactory): void {
  let engine: TestEngine;
  const everything = [{ from: '', to: null }];

  describe(`lists on ${name}`, () => {
    beforeAll(async () => {
      engine = await open();
    });
    afterAll(() => engine[Symbol.asyncDispose]());

    const catalogOf = (world: TestWorld, limit: number, ranges: readonly { from: string; to: string | null }[]) =>
      allPages(
        limit,
        (item: string) => item,
        async (last) => {
          const { names, more } = await world.catalog.repositories(world.registry, ranges, { limit, last });
          return { items: names, more };
        },
      );

    test('of repositories show those with manifests, bytewise, page by page, within what may be seen', async () => {
      await using world = await testWorld({ engine });
      const names = ['a', 'a-b', 'a.b', 'a/b', 'a0', 'team/x', 'team/y', 'z'];
      for (const one of names) await world.pushImage(repo(one), { tag: 'v1' });
      await world.pushBlob(repo('only/blobs'), bytesOf('b', 10));
      await world.pushImage(repo('hidden'), { tag: 'v1' });
      await world.lock(repo('hidden'), { kind: 'repository' }, { listEnabled: false });
      await world.pushImage(repo('deleted'), { tag: 'v1' });
      await world.removeRepository(repo('deleted'));
      for (const limit of [1, 2, 3, 8, 100]) {
        expect(await catalogOf(world, limit, everything)).toEqual([...names].sort());
        const some = [
          { from: 'a', to: 'a!' },
          { from: 'team/', to: 'team0' },
        ];
        expect(await catalogOf(world, limit, some)).toEqual(['a', 'team/x', 'team/y']);
      }
      const none = await world.catalog.repositories(world.registry, everything, { limit: 0, last: null });
      expect(none).toEqual({ names: [], more: false });
      await world.check();
    });

    test('of tags leave out what is deleted or unlisted, and go on behind what is gone', async () => {
      await using world = await testWorld({ engine });
      const names = Array.from({ length: 7 }, (_, index) => `t${index}`);
      await world.putManifest(app, await world.imageOf(app), { tags: names });
      await world.lock(app, { kind: 'tag', key: 't3' }, { listEnabled: false });
      await world.untag(app, 't5');
      const listed = ['t0', 't1', 't2', 't4', 't6'];
      for (const limit of [1, 2, 5]) {
        const found = await allPages(
          limit,
          (item: string) => item,
          async (last) => {
            const page = await world.catalog.tags(world.registry, app, { limit, last });
            return { items: page.names, more: page.more };
          },
        );
        expect(found).toEqual(listed);
      }
      expect((await world.catalog.tags(world.registry, app, { limit: 9, last: 't5' })).names).toEqual(['t6']);
      await expect(world.catalog.tags(world.registry, repo('absent'), { limit: 9, last: null })).rejects.toMatchObject({
        code: 'name-unknown',
      });
    });

    test('of referrers name what points at a subject, by artifact type, also before the subject is there', async () => {
      await using world = await testWorld({ engine });
      const subject = digestOf(Buffer.from('subject'));
      const refer = async (type: string, note: string) =>
        world.putManifest(app, {
          ...(await world.imageOf(app)),
          artifactType: type,
          annotations: { note },
          subject: { mediaType: ociImage, digest: subject, size: 7 },
        });
      const made = [await refer('a/sbom', 'one'), await refer('a/sbom', 'two'), await refer('a/signature', 'three')];
      const referrers = (type: string | null, page: { limit: number; last: string | null }) =>
        world.catalog.referrers(world.registry, app, subject, type, page);
      const all = await referrers(null, { limit: 10, last: null });
      expect(all.manifests.map((one) => one.digest)).toEqual([...made].sort());
      expect(all.manifests.find((one) => one.digest === made[2])).toMatchObject({
        mediaType: ociImage,
        artifactType: 'a/signature',
        annotations: { note: 'three' },
      });
      const paged = await allPages(
        1,
        (item: { digest: string }) => item.digest,
        async (last) => {
          const { manifests, more } = await referrers('a/sbom', { limit: 1, last });
          return { items: manifests, more };
        },
      );
      expect(paged).toEqual(made.slice(0, 2).sort());
      await world.removeManifest(app, made[0] ?? '');
      expect((await referrers(null, { limit: 10, last: null })).manifests).toHaveLength(2);
      const nowhere = await world.catalog.referrers(world.registry, repo('absent'), subject, null, {
        limit: 9,
        last: null,
      });
      expect(nowhere).toEqual({ manifests: [], more: false });
      await world.check();
    });

    test('of referrers with large annotations are read in small steps, no further than a page may go', async () => {
      await using world = await testWorld({ engine });
      const subject = digestOf(Buffer.from('subject'));
      const made: string[] = [];
      for (let index = 0; index < 40; index++) {
        const annotations = { index: String(index), text: 'x'.repeat(200_000) };
        const refers = { subject: { mediaType: ociImage, digest: subject, size: 7 }, annotations };
        made.push(await world.putManifest(app, { schemaVersion: 2, mediaType: ociIndex, manifests: [], ...refers }));
      }
      const loaded: number[] = [];
      const { catalog } = world.again({
        database: {
          ...world.database,
          async all(statement, parameters) {
            const rows = await world.database.all(statement, parameters);
            loaded.push(rows.length);
            return rows;
          },
        },
      });
      const found: ReferrerDescriptor[] = [];
      for (let more = true; more; ) {
        loaded.length = 0;
        const last = found.at(-1)?.digest ?? null;
        const page = await catalog.referrers(world.registry, app, subject, null, { limit: 1000, last });
        expect(Math.max(...loaded)).toBeLessThanOrEqual(16);
        expect(loaded.reduce((sum, rows) => sum + rows, 0)).toBeLessThanOrEqual(page.manifests.length + 16);
        expect(JSON.stringify(page).length).toBeLessThan(3 * 1024 * 1024);
        found.push(...page.manifests);
        more = page.more;
      }
      expect(found.map((one) => one.digest)).toEqual(made.sort());
    });
  });

  describe(`metadata on ${name}`, () => {
    beforeAll(async () => {
      engine = await open();
    });
    afterAll(() => engine[Symbol.asyncDispose]());

    /** Three images at three times, tagged a, b and c; then a's tag moves to the newest. */
    async function threeImages(world: TestWorld): Promise<Digest[]> {
      const digests: Digest[] = [];
      for (const one of ['c', 'a', 'b']) {
        digests.push(await world.pushImage(app, { layers: [bytesOf(one, 10)], tag: one }));
        world.clock.advance(1000);
      }
      return digests;
    }

    test('counts what a repository holds', async () => {
      await using world = await testWorld({ engine });
      const createdMs = world.clock.now();
      const [first] = await threeImages(world);
      expect(await world.metadata.repository(world.registry, app)).toMatchObject({
        createdMs,
        updatedMs: createdMs + 2000,
        manifestCount: 3,
        tagCount: 3,
        attributes: { deleteEnabled: true, writeEnabled: true, readEnabled: true, listEnabled: true },
      });
      await world.removeManifest(app, first ?? '');
      expect(await world.metadata.repository(world.registry, app)).toMatchObject({ manifestCount: 2, tagCount: 2 });
      await expect(world.metadata.repository(world.registry, repo('absent'))).rejects.toMatchObject({
        code: 'name-unknown',
      });
    });

    test('lists tags by name and by time, forward and back, whole or by digest, in pages of any size', async () => {
      await using world = await testWorld({ engine });
      const [first] = await threeImages(world);
      const orders = { name: ['a', 'b', 'c'], timeasc: ['c', 'a', 'b'], timedesc: ['b', 'a', 'c'] } as const;
      for (const order of ['name', 'timeasc', 'timedesc'] as const) {
        for (const limit of [1, 2, 10]) {
          const names = await allPages(
            limit,
            (item: { name: string }) => item.name,
            (last) => world.metadata.tags(world.registry, app, order, null, { limit, last }),
          );
          expect(names).toEqual(orders[order]);
        }
        const of = await world.metadata.tags(world.registry, app, order, first ?? null, { limit: 10, last: null });
        expect(of.items.map((item) => item.name)).toEqual(['c']);
      }
      await world.untag(app, 'a');
      const behind = await world.metadata.tags(world.registry, app, 'timeasc', null, { limit: 10, last: 'a' });
      expect(behind.items.map((item) => item.name)).toEqual(['b']);
      await expect(
        world.metadata.tags(world.registry, app, 'timeasc', null, { limit: 10, last: 'never' }),
      ).rejects.toMatchObject({ code: 'page-invalid' });
    });

    test('lists manifests by digest and by time with their tags, in pages of any size', async () => {
      await using world = await testWorld({ engine });
      const digests = await threeImages(world);
      const orders = { name: [...digests].sort(), timeasc: digests, timedesc: digests.toReversed() } as const;
      for (const order of ['name', 'timeasc', 'timedesc'] as const) {
        for (const limit of [1, 2, 10]) {
          const names = await allPages(
            limit,
            (item: { digest: string }) => item.digest,
            (last) => world.metadata.manifests(world.registry, app, order, { limit, last }),
          );
          expect(names).toEqual(orders[order]);
        }
      }
      const page = await world.metadata.manifests(world.registry, app, 'timeasc', { limit: 10, last: null });
      expect(page.items.map((item) => item.tags)).toEqual([['c'], ['a'], ['b']]);
      expect(page.items[0]).toMatchObject({ architecture: 'arm64', os: 'linux', mediaType: ociImage });
      await expect(
        world.metadata.manifests(world.registry, app, 'timedesc', { limit: 10, last: 'sha256:never' }),
      ).rejects.toMatchObject({ code: 'page-invalid' });
    });

    test('shows a tagged manifest as tagged, however many tags others have, and also by tags that are not listed', async () => {
      await using world = await testWorld({ engine });
      const images: { digest: Digest; manifest: object }[] = [];
      for (const one of ['a', 'b', 'c', 'd']) {
        const manifest = await world.imageOf(app, { layers: [bytesOf(one, 10)] });
        images.push({ digest: await world.putManifest(app, manifest), manifest });
      }
      images.sort((left, right) => (left.digest < right.digest ? -1 : 1));
      const [crowded, tagged, hidden, bare] = images;
      // A server is further away, and the number needs no proof twice.
      const crowd = engine.file === null ? 600 : 10_050;
      const names = Array.from({ length: crowd }, (_, index) => `t${String(index).padStart(5, '0')}`);
      await world.putManifest(app, crowded?.manifest ?? {}, { tags: names });
      await world.putManifest(app, tagged?.manifest ?? {}, { tags: ['one', 'two'] });
      await world.putManifest(app, hidden?.manifest ?? {}, { tag: 'unlisted' });
      await world.lock(app, { kind: 'tag', key: 'unlisted' }, { listEnabled: false });
      const page = await world.metadata.manifests(world.registry, app, 'name', { limit: 10, last: null });
      expect(page.items.map((item) => [item.digest, item.tags])).toEqual([
        [crowded?.digest, names.slice(0, 100)],
        [tagged?.digest, ['one', 'two']],
        [hidden?.digest, ['unlisted']],
        [bare?.digest, []],
      ]);
      const tagsOf = async (digest: Digest | undefined) =>
        (await world.metadata.manifest(world.registry, app, digest as Digest)).tags;
      expect(await tagsOf(crowded?.digest)).toEqual(names.slice(0, 1000));
      expect(await tagsOf(hidden?.digest)).toEqual(['unlisted']);
    });

    test('changes single attributes and leaves the others, of repository, tag and manifest', async () => {
      await using world = await testWorld({ engine });
      const digest = await world.pushImage(app, { tag: 'v1' });
      await world.lock(app, { kind: 'tag', key: 'v1' }, { deleteEnabled: false, listEnabled: false });
      await world.lock(app, { kind: 'tag', key: 'v1' }, { listEnabled: true });
      expect((await world.metadata.tag(world.registry, app, tag('v1'))).attributes).toEqual({
        deleteEnabled: false,
        writeEnabled: true,
        readEnabled: true,
        listEnabled: true,
      });
      await world.lock(app, { kind: 'manifest', key: digest }, { writeEnabled: false });
      expect((await world.metadata.manifest(world.registry, app, digest)).attributes.writeEnabled).toBe(false);
      await world.lock(app, { kind: 'repository' }, { readEnabled: false });
      expect((await world.metadata.repository(world.registry, app)).attributes.readEnabled).toBe(false);
      const absent = [
        { target: { kind: 'tag' as const, key: 'v2' }, code: 'tag-unknown' },
        { target: { kind: 'manifest' as const, key: digestOf(Buffer.from('x')) }, code: 'manifest-unknown' },
      ];
      for (const { target, code } of absent) {
        await expect(world.lock(app, target, { readEnabled: true })).rejects.toMatchObject({ code });
      }
      await world.check();
    });
  });

  describe(`registries on ${name}`, () => {
    beforeAll(async () => {
      engine = await open();
    });
    afterAll(() => engine[Symbol.asyncDispose]());

    test('are made, found, changed and removed; the first is the default and stays', async () => {
      await using world = await testWorld({ engine });
      const { registries } = world;
      expect(await registries.default()).toEqual(world.registry);
      const made = await registries.create(by('owner'), { name: 'Second01', adminEnabled: false, anonymousPull: true });
      expect(made).toMatchObject({ name: 'second01', adminEnabled: false, anonymousPull: true, isDefault: false });
      const again = { name: 'second01', adminEnabled: true, anonymousPull: false };
      await expect(registries.create(by('owner'), again)).rejects.toMatchObject({ code: 'conflict' });
      expect(await registries.create(by('owner'), { ...again, onlyAsDefault: true })).toEqual(world.registry);
      expect(await registries.change(by('owner'), 'SECOND01', { adminEnabled: true })).toMatchObject({
        adminEnabled: true,
        anonymousPull: true,
      });
      expect((await registries.list({ last: '', limit: 1 })).map((one) => one.name)).toEqual(['second01']);
      await registries.remove(by('owner'), 'second01');
      expect(await registries.byName('second01')).toBeUndefined();
      await expect(registries.remove(by('owner'), 'second01')).rejects.toMatchObject({ code: 'not-found' });
      await expect(registries.change(by('owner'), 'second01', {})).rejects.toMatchObject({ code: 'not-found' });
      await expect(registries.remove(by('owner'), world.registry.name)).rejects.toMatchObject({
        code: 'not-permitted',
      });
      const anew = await registries.create(by('owner'), again);
      expect(anew.id).not.toBe(made.id);
      for (const bad of ['abcd', 'has-dash', 'management', 'x'.repeat(51)]) {
        await expect(registries.create(by('owner'), { ...again, name: bad })).rejects.toMatchObject({
          code: 'request-invalid',
        });
      }
    });
  });
}
