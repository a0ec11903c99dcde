import { readFile, truncate, unlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { digestOf, parseDigest } from '../kernel/index.ts';
import { type BlobStore, BlobStoreError, type Database } from '../ports/index.ts';
import type { EngineFactory, TestEngine } from './_engines.ts';
import { app, bytesOf, hour, repo, type TestWorld, testWorld } from './_world.ts';
import { type CheckOptions, checks, type Finding } from './checks.ts';
import type { ContentEnvironment } from './environment.ts';
import { objectRemoval } from './object-removal.ts';
import { readBody } from './store/manifest-store.ts';
import { beginBackupHold, endBackupHold } from './transactions/removal-transactions.ts';

const other = repo('team/other');
const never = new AbortController().signal;

/** The checks of one process over a world, and everything they told. */
function checksOf(
  world: TestWorld,
  options: Partial<CheckOptions> & { parts?: Partial<ContentEnvironment> } = {},
): ReturnType<typeof checks> & { told: string[] } {
  const { parts, ...rest } = options;
  const told: string[] = [];
  const made = checks(
    { ...world.environment, ...parts },
    {
      holder: 'one',
      bytesPerSecond: 0,
      scrub: { bytesPerSecond: 0, periodMs: hour },
      busy: () => false,
      settleMs: 0,
      told: {
        damaged: (finding, touched) => void told.push(`${finding.problem} ${finding.digest} ${touched.tags.join(' ')}`),
        ended: (report) => void told.push(`ended ${report.kind}`),
        read: () => undefined,
      },
      ...rest,
    },
  );
  return { ...made, told };
}

/** Checks the world's registry from beginning to end. */
async function check(world: TestWorld, made = checksOf(world)) {
  const { id } = await made.begin({ registry: world.registry, bytesPerSecond: null, restart: true });
  await made.step(never);
  const { findings } = await made.findings(id, { after: '', limit: 100 });
  return { report: await made.report(id), findings, told: made.told };
}

async function objectFile(world: TestWorld, digest: string): Promise<string> {
  const [location] = await world.locations(digest);
  return join(world.folder ?? '', 'objects', location ?? '');
}

async function flipBit(path: string, at: number): Promise<void> {
  const bytes = await readFile(path);
  bytes[at] = (bytes[at] ?? 0) ^ 1;
  await writeFile(path, bytes);
}

function findingFor(findings: readonly Finding[], digest: string): Finding | undefined {
  return findings.find((finding) => finding.digest === digest);
}

/** Holding what is stored against its digests, and what follows. */
export function checksContract(name: string, open: EngineFactory): void {
  describe(`checks on ${name}`, () => {
    let engine: TestEngine;
    beforeAll(async () => {
      engine = await open();
    });
    afterAll(() => engine[Symbol.asyncDispose]());

    test('find nothing where nothing is wrong, and count what they looked at', async () => {
      await using world = await testWorld({ engine, blobs: 'fs' });
      const layers = [bytesOf('fine', 70_000), bytesOf('small', 100)];
      const child = await world.pushImage(app, { layers, tag: 'v1' });
      await world.pushIndex(app, [child], 'index');
      const { report, findings } = await check(world);
      expect(findings).toEqual([]);
      expect(report).toMatchObject({ state: 'done', damaged: 0, gone: 0, unreadable: 0, blobs: 3, manifests: 2 });
      expect(report.bytes).toBeGreaterThan(70_100);
      await world.check();
    });

    test.each([
      ['a flipped bit', 'damaged', (path: string) => flipBit(path, 69_999)],
      ['a cut-off end', 'damaged', (path: string) => truncate(path, 69_999)],
      ['a removed file', 'gone', (path: string) => unlink(path)],
    ])(
      'name the blob with %s and the tags that need it, and the next push repairs it',
      async (_what, problem, harm) => {
        await using world = await testWorld({ engine, blobs: 'fs' });
        const layer = bytesOf('harmed', 70_000);
        const digest = digestOf(layer);
        const child = await world.pushImage(app, { layers: [layer], tag: 'v1' });
        await world.pushIndex(app, [child], 'all');
        await world.pushImage(app, { layers: [bytesOf('sound', 70_000)], tag: 'sound' });
        await world.pushBlob(other, layer);
        await harm(await objectFile(world, digest));

        const { report, findings, told } = await check(world);
        expect(report).toMatchObject({ state: 'done', [problem]: 1 });
        expect(findings).toHaveLength(1);
        expect(findings[0]).toMatchObject({
          kind: 'blob',
          problem,
          digest,
          registry: world.registry.name,
          repositories: ['team/app', 'team/other'],
          tags: expect.arrayContaining(['team/app:v1', 'team/app:all']),
        });
        expect(findings[0]?.tags).toHaveLength(2);
        expect(findings[0]?.manifests).toContain(`team/app@${child}`);
        expect(told[0]).toMatch(`${problem} ${digest}`);

        // HEAD, GET and mount say no, so that a client sends the bytes again.
        for (const repository of [app, other]) {
          await expect(world.blobs.promise(world.registry, repository, digest)).rejects.toMatchObject({
            code: 'blob-unknown',
          });
        }
        const mount = { from: app, mayRead: () => true };
        expect(await world.blobs.mount(world.registry, repo('team/third'), digest, mount)).toBe(false);
        // Still damaged, and said again, but no news.
        const again = await check(world);
        expect(again.findings.map((finding) => finding.digest)).toEqual([digest]);
        expect(again.told).toEqual(['ended fsck']);

        await world.pushBlob(other, layer);
        expect((await world.readBlob(app, digest)).equals(layer)).toBe(true);
        expect((await check(world)).findings).toEqual([]);
        // What is left of the damaged object goes.
        await objectRemoval(world.environment).sweep(100);
        expect(await world.objects.list({ last: null, limit: 100 })).toHaveLength(2);
        await world.check();
      },
    );

    test.each([
      ['other bytes', Buffer.from('other bytes')],
      ['no row', null],
    ])('find %s in place of a small blob, which the next push repairs', async (_what, stored) => {
      await using world = await testWorld({ engine });
      const layer = bytesOf('small and harmed', 500);
      const digest = digestOf(layer);
      await world.pushImage(app, { layers: [layer], tag: 'v1' });
      await world.damageBody('blob', digest, stored);
      const { report, findings } = await check(world);
      expect(report.damaged + report.gone).toBe(1);
      expect(findingFor(findings, digest)).toMatchObject({ kind: 'blob', tags: ['team/app:v1'] });
      await expect(world.blobs.promise(world.registry, app, digest)).rejects.toMatchObject({ code: 'blob-unknown' });
      await world.pushBlob(app, layer);
      expect((await world.again().readBlob(app, digest)).equals(layer)).toBe(true);
      expect((await check(world)).findings).toEqual([]);
      await world.check();
    });

    test.each([
      ['other bytes', Buffer.from('{"schemaVersion":2}')],
      ['no row', null],
    ])(
      'find %s in place of a manifest: a pull hears 404, and a push into one repository repairs all',
      async (_what, stored) => {
        await using world = await testWorld({ engine });
        const digest = await world.pushImage(app, { tag: 'v1' });
        await world.pushImage(other, { tag: 'v2' });
        await world.damageBody('manifest', digest, stored);
        const { findings } = await check(world);
        expect(findings).toHaveLength(1);
        expect(findings[0]).toMatchObject({ kind: 'manifest', digest, tags: ['team/app:v1', 'team/other:v2'] });
        for (const [repository, reference] of [
          [app, 'v1'],
          [other, 'v2'],
          [other, digest],
        ] as const) {
          await expect(world.find(repository, reference)).rejects.toMatchObject({ code: 'manifest-unknown' });
        }
        await world.pushImage(app, { tag: 'v1' });
        for (const [repository, reference] of [
          [app, 'v1'],
          [other, 'v2'],
        ] as const) {
          const found = await world.again().find(repository, reference);
          expect(digestOf(await found.bytes())).toBe(digest);
        }
        expect((await check(world)).findings).toEqual([]);
        await world.check();
      },
    );

    test('nobody has met yet is mended by a push of the same bytes', async () => {
      await using world = await testWorld({ engine });
      const layer = bytesOf('small layer', 100);
      const push = () => world.pushImage(app, { layers: [layer], tag: 'v1' });
      const digest = await push();
      for (const stored of [Buffer.from('{}'), null]) {
        await world.damageBody('manifest', digest, stored);
        await world.damageBody('blob', digestOf(layer), stored);
        await push();
        const again = world.again();
        const found = await again.manifests.find(
          world.registry,
          app,
          { digest: parseDigest(digest) },
          { pulled: false },
        );
        expect(digestOf(await found.bytes())).toBe(digest);
        expect((await again.readBlob(app, digestOf(layer))).equals(layer)).toBe(true);
        await world.check();
      }
    });

    test('wrong bytes of a row are never served, also before any check', async () => {
      await using world = await testWorld({ engine });
      const layer = bytesOf('wrong', 500);
      const digest = await world.pushImage(app, { layers: [layer], tag: 'v1' });
      await world.damageBody('blob', digestOf(layer), Buffer.from('wrong'));
      await world.damageBody('manifest', digest, Buffer.from('{}'));
      const fresh = world.again();
      await expect(fresh.readBlob(app, digestOf(layer))).rejects.toMatchObject({ code: 'blob-unknown' });
      const found = await fresh.find(app, 'v1');
      await expect(found.bytes()).rejects.toMatchObject({ code: 'manifest-unknown' });
      expect(world.lost).toEqual([digestOf(layer), digest]);
      await expect(fresh.find(app, 'v1')).rejects.toMatchObject({ code: 'manifest-unknown' });
      await fresh.pushImage(app, { layers: [layer], tag: 'v1' });
      expect(digestOf(await (await fresh.find(app, 'v1')).bytes())).toBe(digest);
      expect((await fresh.readBlob(app, digestOf(layer))).equals(layer)).toBe(true);
      await world.check();
    });

    test('bring back what was missing and is there after all', async () => {
      await using world = await testWorld({ engine, blobs: 'fs' });
      const layer = bytesOf('away', 70_000);
      const digest = await world.pushImage(app, { layers: [layer], tag: 'v1' });
      const file = await objectFile(world, digestOf(layer));
      const body = (await world.body('manifest', digest))?.bytes ?? null;
      await flipBit(file, 5);
      await world.damageBody('manifest', digest, Buffer.from('{}'));
      expect((await check(world)).findings).toHaveLength(2);
      await flipBit(file, 5);
      await world.damageBody('manifest', digest, body);
      const { report, findings } = await check(world);
      expect(findings).toEqual([]);
      expect(report.restored).toBe(2);
      expect((await world.readBlob(app, digestOf(layer))).equals(layer)).toBe(true);
      expect((await world.find(app, 'v1')).digest).toBe(digest);
      await world.check();
    });

    test('do not accuse a blob that was stored anew while they read it', async () => {
      await using world = await testWorld({ engine, blobs: 'fs' });
      const layer = bytesOf('raced', 70_000);
      const digest = await world.pushBlob(app, layer);
      await flipBit(await objectFile(world, digest), 1);
      let raced = false;
      const racing: BlobStore = {
        ...world.objects,
        async open(location) {
          const reader = await world.objects.open(location);
          if (!raced) {
            raced = true;
            // Somebody meets the damage first, and a push repairs it, while this reader holds the old object.
            await check(world, checksOf(world, { holder: 'two' })).catch(() => undefined);
            await world.pushBlob(app, layer);
          }
          return reader;
        },
      };
      const slow = checksOf(world, { parts: { blobs: racing } });
      const { id } = await slow.begin({ registry: world.registry, bytesPerSecond: null, restart: true });
      await slow.step(never);
      expect(raced).toBe(true);
      expect((await slow.findings(id, { after: '', limit: 10 })).findings).toEqual([]);
      expect((await world.blobRow(digest))?.state).toBe('present');
      expect((await world.readBlob(app, digest)).equals(layer)).toBe(true);
      await world.check();
    });

    test('do not accuse bytes in a row that were stored anew after they were read', async () => {
      await using world = await testWorld({ engine });
      const layer = bytesOf('raced in a row', 500);
      const digest = await world.pushBlob(app, layer);
      await world.damageBody('blob', digest, Buffer.from('other'));
      let raced = false;
      let heard: unknown;
      const racing: Database = {
        ...world.database,
        async first(statement, parameters) {
          const row = await world.database.first(statement, parameters);
          const isIt = (parameters as { digest?: unknown }).digest === digest;
          if ((statement as object) === readBody && isIt && !raced) {
            raced = true;
            heard = await world
              .again()
              .readBlob(app, digest)
              .catch((error: unknown) => error);
            await world.pushBlob(app, layer);
          }
          return row;
        },
      };
      const { findings } = await check(world, checksOf(world, { parts: { database: racing } }));
      expect(heard).toMatchObject({ code: 'blob-unknown' });
      expect(findings).toEqual([]);
      expect((await world.again().readBlob(app, digest)).equals(layer)).toBe(true);
      await world.check();
    });

    test('report what cannot be read, and leave it as it is', async () => {
      await using world = await testWorld({ engine, blobs: 'fs' });
      const layer = bytesOf('unreadable', 70_000);
      const digest = await world.pushImage(app, { layers: [layer], tag: 'v1' });
      const failing: BlobStore = {
        ...world.objects,
        open: () => Promise.reject(new BlobStoreError('io', 'opening object: EMFILE')),
      };
      const { report, findings } = await check(world, checksOf(world, { parts: { blobs: failing } }));
      expect(report).toMatchObject({ state: 'done', unreadable: 1, damaged: 0, gone: 0 });
      expect(findings[0]).toMatchObject({
        problem: 'unreadable',
        detail: 'opening object: EMFILE',
        tags: ['team/app:v1'],
      });
      expect((await world.readBlob(app, digestOf(layer))).equals(layer)).toBe(true);
      expect((await world.find(app, 'v1')).digest).toBe(digest);
    });

    test('wait for a store that is away, and then go on', async () => {
      await using world = await testWorld({ engine, blobs: 'fs' });
      await world.pushBlob(app, bytesOf('one', 70_000));
      await world.pushBlob(app, bytesOf('two', 70_000));
      const away = () => Promise.reject(new BlobStoreError('io', 'the blob folder is away'));
      const made = checksOf(world, { parts: { blobs: { ...world.objects, open: away, list: away } } });
      const { id } = await made.begin({ registry: world.registry, bytesPerSecond: null, restart: true });
      await expect(made.step(never)).rejects.toMatchObject({ kind: 'io' });
      const waitingFor = 'the blob folder is away';
      expect(await made.report(id)).toMatchObject({ state: 'running', unreadable: 0, waitingFor });
      const back = checksOf(world);
      await back.step(never);
      expect(await back.report(id)).toMatchObject({
        state: 'done',
        blobs: 2,
        unreadable: 0,
        gone: 0,
        waitingFor: null,
      });
    });

    test('go on where they were stopped, in another process too, and not while that one works', async () => {
      await using world = await testWorld({ engine, blobs: 'fs' });
      const layers = Array.from({ length: 8 }, (_, index) => bytesOf(`resumed ${index}`, 66_000));
      for (const layer of layers) await world.pushBlob(app, layer);
      const stop = new AbortController();
      const opened: string[] = [];
      const counting = (limit: number): BlobStore => ({
        ...world.objects,
        async open(location) {
          opened.push(location);
          if (opened.length === limit) stop.abort();
          return world.objects.open(location);
        },
      });
      const first = checksOf(world, { holder: 'one', parts: { blobs: counting(4) } });
      const { id } = await first.begin({ registry: world.registry, bytesPerSecond: null, restart: true });
      await first.step(stop.signal);
      expect(await first.report(id)).toMatchObject({ state: 'running', blobs: 3 });

      const second = checksOf(world, { holder: 'two', parts: { blobs: counting(100) } });
      await second.step(never);
      expect(opened).toHaveLength(4);
      // The lease of who does not come back runs out.
      world.clock.advance(61_000);
      await second.step(never);
      expect(await second.report(id)).toMatchObject({ state: 'done', blobs: 8 });
      expect(opened).toHaveLength(9);
      expect(new Set(opened).size).toBe(8);
    });

    test('that were asked for are joined, or begun anew', async () => {
      await using world = await testWorld({ engine });
      const made = checksOf(world);
      const asked = { registry: world.registry, bytesPerSecond: null, restart: false };
      const first = await made.begin({ ...asked, restart: true });
      expect(await made.begin({ ...asked, bytesPerSecond: 5_000_000 })).toEqual({ id: first.id, joined: true });
      expect((await made.report(first.id)).bytesPerSecond).toBe(5_000_000);
      await expect(made.begin({ ...asked, registry: null })).rejects.toMatchObject({ code: 'conflict' });
      const next = await made.begin({ ...asked, restart: true });
      expect(next).toEqual({ id: expect.any(Number), joined: false });
      expect(next.id).not.toBe(first.id);
      expect((await made.report(first.id)).state).toBe('stopped');
      await made.step(never);
      expect((await made.report(next.id)).state).toBe('done');
      await expect(made.report(next.id + 1)).rejects.toMatchObject({ code: 'not-found' });
    });

    test('keep to their rate', async () => {
      await using world = await testWorld({ engine, blobs: 'fs' });
      await world.pushBlob(app, bytesOf('slow', 300_000));
      const made = checksOf(world);
      const { id } = await made.begin({ registry: world.registry, bytesPerSecond: 1_000_000, restart: true });
      const begun = performance.now();
      await made.step(never);
      expect(await made.report(id)).toMatchObject({ state: 'done', bytes: 300_000 });
      expect(performance.now() - begun).toBeGreaterThan(150);
    });

    test('of everything name objects that no row names, and not those of a push under way', async () => {
      await using world = await testWorld({ engine, blobs: 'fs' });
      await world.pushBlob(app, bytesOf('named', 70_000));
      const lone = await world.objects.stage('lone-object');
      await lone.write(0, [Buffer.from('nobody')]);
      await lone.close();
      const orphan = await world.objects.commit('lone-object', 6);
      const late = bytesOf('late', 70_000);
      const listing: BlobStore = {
        ...world.objects,
        async list(page) {
          const session = await world.objects.stage('late-object');
          await session.write(0, [late]);
          await session.close();
          await world.objects.commit('late-object', late.length);
          return world.objects.list(page);
        },
        async stat(location) {
          // By the second look the push has put its name there, or its object is gone.
          if (location.endsWith('late-object')) await world.objects.remove(location);
          return world.objects.stat(location);
        },
      };
      const made = checksOf(world, { parts: { blobs: listing } });
      const { id } = await made.begin({ registry: null, bytesPerSecond: null, restart: true });
      await made.step(never);
      const { findings } = await made.findings(id, { after: '', limit: 100 });
      expect(findings.map((finding) => [finding.problem, finding.location])).toEqual([['unreferenced', orphan]]);
      expect(await world.objects.stat(orphan)).toEqual({ size: 6 });
      await world.objects.remove(orphan);
    });

    test('list findings page by page', async () => {
      await using world = await testWorld({ engine });
      const digests: string[] = [];
      for (let index = 0; index < 5; index++) {
        const bytes = bytesOf(`page ${index}`, 100);
        digests.push(await world.pushBlob(app, bytes));
        await world.damageBody('blob', digests[index] ?? '', Buffer.from('x'));
      }
      const made = checksOf(world);
      const { id } = await made.begin({ registry: world.registry, bytesPerSecond: null, restart: true });
      await made.step(never);
      const listed: (string | null)[] = [];
      for (let after: string | null = ''; after !== null; ) {
        const page: { findings: Finding[]; next: string | null } = await made.findings(id, { after, limit: 2 });
        listed.push(...page.findings.map((finding) => finding.digest));
        after = page.next;
      }
      expect(listed).toEqual(digests.toSorted());
      await expect(made.findings(id, { after: '{', limit: 2 })).rejects.toMatchObject({ code: 'page-invalid' });
    });
  });

  describe(`the scrub on ${name}`, () => {
    test('begins by itself, finds damage, and rests until its period is over', async () => {
      await using engine = await open();
      await using world = await testWorld({ engine, blobs: 'fs' });
      const digest = await world.pushBlob(app, bytesOf('scrubbed', 70_000));
      const made = checksOf(world, { scrub: { bytesPerSecond: 100_000_000, periodMs: hour } });
      // What is there was stored within the period.
      await made.step(never);
      expect(made.told).toEqual([]);
      world.clock.advance(hour + 1);
      await made.step(never);
      expect(made.told).toEqual(['ended scrub']);
      await flipBit(await objectFile(world, digest), 7);
      await made.step(never);
      expect(made.told).toEqual(['ended scrub']);
      world.clock.advance(hour + 1);
      await made.step(never);
      expect(made.told).toEqual(['ended scrub', `damaged ${digest} `, 'ended scrub']);
      expect((await world.blobRow(digest))?.state).toBe('missing');
    });

    test('does not run at rate 0, and gives way to a check that was asked for', async () => {
      await using engine = await open();
      await using world = await testWorld({ engine, blobs: 'fs' });
      for (let index = 0; index < 3; index++) await world.pushBlob(app, bytesOf(`way ${index}`, 70_000));
      world.clock.advance(hour + 1);
      const off = checksOf(world);
      await off.step(never);
      expect(off.told).toEqual([]);
      const order: string[] = [];
      const made = checksOf(world, {
        scrub: { bytesPerSecond: 100_000_000, periodMs: hour },
        parts: {
          blobs: {
            ...world.objects,
            async open(location) {
              if (order.length === 0) await off.begin({ registry: null, bytesPerSecond: null, restart: false });
              order.push(location);
              return world.objects.open(location);
            },
          },
        },
      });
      await made.step(never);
      expect(made.told).toEqual([]);
      await made.step(never);
      expect(made.told).toEqual(['ended fsck']);
      await made.step(never);
      expect(made.told).toEqual(['ended fsck', 'ended scrub']);
    });
  });

  describe(`objects that rows no longer name on ${name}`, () => {
    test('stay while a backup copies, and go when it has ended or its hold has run out', async () => {
      await using engine = await open();
      await using world = await testWorld({ engine, blobs: 'fs' });
      const layer = bytesOf('replaced', 70_000);
      const removal = objectRemoval(world.environment);
      const objects = async () => (await world.objects.list({ last: null, limit: 10 })).length;
      const replace = async () => {
        await flipBit(await objectFile(world, digestOf(layer)), 3);
        await check(world);
        await world.pushBlob(app, layer);
      };
      await world.pushBlob(app, layer);
      await engine.database.transact(beginBackupHold, { id: 'backup', leaseMs: 60_000 });
      await replace();
      expect([await removal.sweep(10), await objects()]).toEqual([0, 2]);
      await engine.database.transact(endBackupHold, { id: 'backup' });
      expect([await removal.sweep(10), await objects()]).toEqual([1, 1]);
      await engine.database.transact(beginBackupHold, { id: 'dead', leaseMs: 60_000 });
      await replace();
      expect(await removal.sweep(10)).toBe(0);
      world.clock.advance(60_001);
      expect([await removal.sweep(10), await objects()]).toEqual([1, 1]);
      await world.check();
    });
  });
}
