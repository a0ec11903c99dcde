import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Survivor, survivors, volatileDisk } from '../adapters/blob-fs/_volatile-disk.ts';
import { volatileFileSystem } from '../adapters/blob-fs/_volatile-file-system.ts';
import { fsBlobStore } from '../adapters/blob-fs/index.ts';
import { type Digest, digestOf, isFault } from '../kernel/index.ts';
import type { BlobStore } from '../ports/index.ts';
import { sqliteAfterCut, sqliteEngine, type TestEngine } from './_engines.ts';
import { checkInvariants } from './_invariants.ts';
import { type PowerPlan, poweredDatabase, powerPlan } from './_power.ts';
import { app, bodyOf, by, bytesOf, hour, type TestWorld, testWorld, type useCases } from './_world.ts';

type UseCases = ReturnType<typeof useCases>;
type Promised = (some: UseCases) => Promise<unknown>;

/** One life of the process: its use-cases, and what it has acknowledged. */
interface Life {
  readonly some: UseCases;
  readonly world: TestWorld;
  /** Says that something was acknowledged: from now on it holds after every cut. Of one name the last one counts. */
  readonly acknowledge: (name: string, holds: Promised) => void;
  /** Says that a request has begun that may or may not end what was acknowledged under a name. */
  readonly unsettle: (name: string) => void;
  /** What a client remembers over the cut. */
  readonly client: Map<string, Session>;
}
type Session = Awaited<ReturnType<UseCases['start']>>;

interface Scenario {
  readonly name: string;
  /** Others that run at the same time would see it. */
  readonly movesClock?: true;
  prepare?(life: Life): Promise<unknown>;
  /** What is cut; asked for again after the cut, it succeeds. */
  work(life: Life): Promise<unknown>;
}

const directory = '/disk/blobs';
const largeSize = 150_000;
const large = bytesOf('large', largeSize);
const small = bytesOf('small', 300);
const kept = bytesOf('kept', 100_000);
const nothing = bodyOf(Buffer.alloc(0));

/** Deletion twice is deletion once: who hears that it is gone has what he asked for. */
async function gone(work: Promise<unknown>): Promise<void> {
  const error: unknown = await work.then(
    () => null,
    (reason: unknown) => reason,
  );
  if (error === null || isFault(error, 'manifest-unknown', 'tag-unknown', 'blob-unknown', 'name-unknown')) return;
  throw error;
}

const readable =
  (bytes: Buffer): Promised =>
  async (some) =>
    expect((await some.readBlob(app, digestOf(bytes))).equals(bytes)).toBe(true);

const absent =
  (find: (some: UseCases) => Promise<unknown>): Promised =>
  (some) =>
    expect(find(some)).rejects.toMatchObject({ code: expect.stringMatching(/-unknown$/) as string });

/** Goes on with the session that the client knows, as clients do; starts anew when it hears that there is none. */
async function resume({ some, client, acknowledge }: Life): Promise<void> {
  for (let turn = 0; turn < 3; turn++) {
    try {
      const session = client.get('session') ?? (await some.start());
      client.set('session', session);
      let { received } = await some.uploads.status(session);
      for (const end of [60_000, 110_000, largeSize]) {
        if (end > received) ({ received } = await some.uploads.append(session, bodyOf(large.subarray(received, end))));
      }
      await some.uploads.finish(session, nothing, digestOf(large));
      acknowledge('blob', readable(large));
      return;
    } catch (error) {
      if (!isFault(error, 'upload-unknown', 'digest-invalid')) throw error;
      client.delete('session');
    }
  }
  throw new Error('the client was sent away three times');
}

const scenarios: readonly Scenario[] = [
  {
    name: 'the push of a large blob in several PATCHes',
    async work({ some, acknowledge }) {
      const session = await some.start();
      for (const [from, to] of [[0, 60_000] as const, [60_000, 110_000] as const, [110_000, largeSize] as const]) {
        await some.uploads.append(session, bodyOf(large.subarray(from, to)));
      }
      await some.uploads.finish(session, nothing, digestOf(large));
      acknowledge('blob', readable(large));
    },
  },
  { name: 'an upload that the client goes on with', work: resume },
  {
    name: 'a large blob in one request',
    async work({ some, world, acknowledge }) {
      const where = { registry: world.registry, repository: app, identity: 'pusher' };
      await some.uploads.whole(where, bodyOf(large), digestOf(large));
      acknowledge('blob', readable(large));
    },
  },
  {
    name: 'the push of a small blob',
    async work({ some, acknowledge }) {
      await some.pushBlob(app, small);
      acknowledge('blob', readable(small));
    },
  },
  {
    name: 'the same digest twice',
    async work({ some, acknowledge }) {
      for (let push = 0; push < 2; push++) {
        await some.pushBlob(app, large);
        acknowledge('blob', readable(large));
      }
    },
  },
  {
    name: 'the same digest by two at once',
    async work({ some, acknowledge }) {
      const push = async () => {
        await some.pushBlob(app, large);
        acknowledge('blob', readable(large));
      };
      const outcomes = await Promise.allSettled([push(), push()]);
      for (const outcome of outcomes) if (outcome.status === 'rejected') throw outcome.reason;
    },
  },
  {
    name: 'the push of an image',
    async work({ some, acknowledge }) {
      const manifest = await some.imageOf(app, { layers: [large, small] });
      const digest = await some.putManifest(app, manifest, { tag: 'v1', tags: ['v2'] });
      for (const tag of ['v1', 'v2']) {
        acknowledge(tag, async (later) => {
          const found = await later.find(app, tag);
          expect([found.digest, digestOf(await found.bytes())]).toEqual([digest, digest]);
          await readable(large)(later);
          await readable(small)(later);
        });
      }
    },
  },
  {
    name: 'the deletion of a tag, a manifest and a blob',
    prepare: async ({ some, client }) => {
      await some.pushImage(app, { layers: [small], tag: 'v1' });
      await some.pushBlob(app, large);
      client.clear();
    },
    async work({ some, world, acknowledge, unsettle }) {
      const image = await some.find(app, 'v1').catch(() => undefined);
      unsettle('tag');
      await gone(some.untag(app, 'v1'));
      acknowledge(
        'tag',
        absent((later) => later.find(app, 'v1')),
      );
      const digest: Digest | undefined = image?.digest;
      if (digest !== undefined) {
        await gone(some.removeManifest(app, digest));
        acknowledge(
          'manifest',
          absent((later) => later.find(app, digest)),
        );
      }
      await gone(some.blobs.remove(by('cleaner'), world.registry, app, digestOf(large)));
      acknowledge(
        'blob',
        absent((later) => later.readBlob(app, digestOf(large))),
      );
    },
  },
  {
    name: 'a push in the place of a deleted blob',
    prepare: async ({ some, world }) => {
      await some.pushBlob(app, large);
      await some.blobs.remove(by('cleaner'), world.registry, app, digestOf(large));
    },
    async work({ some, acknowledge }) {
      await some.pushBlob(app, large);
      acknowledge('blob', readable(large));
    },
  },
  {
    name: 'the sweep of what broken-off uploads have staged',
    movesClock: true,
    async prepare({ some, world }) {
      await some.uploads.append(await some.start(), bodyOf(large.subarray(0, 100_000)));
      // A leftover that no row names, as a process leaves it that dies in a request without a session.
      const staged = await world.objects.stage('0000leftover');
      await staged.write(0, [large]);
      await staged.close();
    },
    async work({ some, world, acknowledge }) {
      for (let pass = 0; pass < 3; pass++) {
        world.clock.advance(hour + 1);
        await some.uploads.sweep(100);
      }
      acknowledge('swept', async (later) => {
        // The names of staged files are not synced when they go; the next sweeps find them again.
        for (let pass = 0; pass < 3; pass++) {
          world.clock.advance(hour + 1);
          await later.uploads.sweep(100);
        }
        expect(await later.environment.blobs.listStaged({ last: null, limit: 10 })).toEqual([]);
      });
    },
  },
];

/** Where one machine stands after one cut. */
interface Cut {
  readonly world: TestWorld;
  readonly plan: PowerPlan;
  readonly acknowledged: Map<string, Promised>;
  readonly client: Map<string, Session>;
  reboot(survivor: Survivor): Promise<BlobStore>;
}

/** Runs a scenario on a new machine until the power goes, or to its end. */
async function runUntil(engine: TestEngine, scenario: Scenario, at: number | undefined): Promise<Cut> {
  const disk = volatileDisk('/disk');
  const calm = powerPlan();
  const world = await testWorld({
    engine,
    blobs: (name) => fsBlobStore({ directory, name, files: volatileFileSystem(disk, calm.power) }),
  });
  const acknowledged = new Map<string, Promised>();
  const client = new Map<string, Session>();
  let plan = calm;
  const lifeOf = (some: UseCases): Life => ({
    some,
    world,
    client,
    acknowledge: (name, holds) => {
      if (!plan.isCut()) acknowledged.set(name, holds);
    },
    unsettle: (name) => acknowledged.delete(name),
  });
  const where = { registry: world.registry, repository: app, identity: 'pusher' };
  await world.uploads.whole(where, bodyOf(kept), digestOf(kept));
  acknowledged.set('kept', readable(kept));
  await scenario.prepare?.(lifeOf(world));

  plan = powerPlan(at);
  const files = volatileFileSystem(disk, plan.power);
  // A process that starts: the opening of the store belongs to what may be cut.
  const failure: unknown = await fsBlobStore({ directory, name: world.objects.name, files })
    .then((blobs) => world.again({ blobs, database: poweredDatabase(world.database, plan) }))
    .then((some) => scenario.work(lifeOf(some)))
    .then(
      () => null,
      (error: unknown) => error,
    );
  if (failure !== null && !plan.isCut()) throw failure;
  const reboot = (survivor: Survivor) => {
    const left = volatileFileSystem(disk.afterCut(survivor), calm.power);
    return fsBlobStore({ directory, name: world.objects.name, files: left });
  };
  return { world, plan, acknowledged, client, reboot };
}

/** All promises of a machine that was cut, on what the cut left; then the same request again, with power. */
async function expectPromises(cut: Cut, survivor: Survivor, retry: Scenario | null): Promise<void> {
  const { world, acknowledged, client } = cut;
  const blobs = await cut.reboot(survivor);
  const some = world.again({ blobs });
  const check = async () => {
    for (const holds of acknowledged.values()) await holds(some);
    await checkInvariants(world.database, blobs, { registryId: world.registry.id, bytes: true });
    expect(world.lost).toEqual([]);
  };
  await check();
  if (retry === null) return;
  await retry.work({
    some,
    world,
    client,
    acknowledge: (name, holds) => acknowledged.set(name, holds),
    unsettle: (name) => acknowledged.delete(name),
  });
  await check();
}

/** The same on the database file as it lies on the disk, in a new process of the engine. */
async function expectPromisesOfFile(cut: Cut): Promise<void> {
  await using engine = await sqliteAfterCut(cut.world.engine);
  const blobs = await cut.reboot('synced');
  const some = cut.world.again({ blobs, database: engine.database });
  for (const holds of cut.acknowledged.values()) await holds(some);
  const options = { registryId: cut.world.registry.id, bytes: true, manyProcesses: true };
  await checkInvariants(engine.database, blobs, options);
}

const full = process.env['BERTH_TEST_FULL'] === '1';

describe('when the power goes', () => {
  let engine: TestEngine;
  beforeAll(async () => {
    engine = await sqliteEngine();
  });
  afterAll(() => engine[Symbol.asyncDispose]());

  /** Cuts once and looks at what may be left; answers how many disks were looked at, and whether there was nothing to cut. */
  async function cutAt(scenario: Scenario, at: number): Promise<{ disks: number; isOver: boolean }> {
    const cut = await runUntil(engine, scenario, at);
    const chosen = survivors[at % survivors.length] as Survivor;
    // The retry changes the database, so it comes last; each survivor has its turn.
    const few = [...(['synced', 'torn'] as const).filter((one) => one !== chosen), chosen];
    const wanted = full ? survivors : few;
    for (const survivor of wanted) {
      const retries = full || survivor === chosen;
      const fresh = full ? await runUntil(engine, scenario, at) : cut;
      await expectPromises(fresh, survivor, retries ? scenario : null).catch((cause: unknown) => {
        const where = `cut ${at}, before ${cut.plan.last()}; left: ${survivor}`;
        throw new Error(`${where}: ${(cause as Error).message}`, { cause });
      });
    }
    return { disks: wanted.length, isOver: !cut.plan.isCut() };
  }

  test.each(scenarios)(
    'nothing acknowledged is lost by a cut anywhere in $name',
    async (scenario) => {
      // Machines that commit at the same time share a sync of the test's own disk.
      const atOnce = scenario.movesClock ? 1 : 8;
      let disks = 0;
      let files = 0;
      for (let first = 1; ; first += atOnce) {
        const cuts = Array.from({ length: atOnce }, (_, index) => first + index);
        const done = await Promise.all(cuts.map((at) => cutAt(scenario, at)));
        for (const one of done) disks += one.disks;
        const end = done.findIndex((one) => one.isOver);
        const last = end === -1 ? null : first + end;
        for (const at of cuts) {
          if (!full && at !== last) continue;
          await expectPromisesOfFile(await runUntil(engine, scenario, at));
          files += 1;
        }
        if (last === null) continue;
        console.log(`${scenario.name}: ${last - 1} cuts, ${disks} disks, ${files} databases opened from their file`);
        expect(last).toBeGreaterThan(5);
        return;
      }
    },
    full ? 3_600_000 : 180_000,
  );
});
