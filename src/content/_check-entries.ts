import { digestOf } from '../kernel/index.ts';
import type { Context, Entry } from './_every-use-case.ts';
import { image } from './_manifest-samples.ts';
import { app, bodyOf, bytesOf, hour, repo, type TestWorld } from './_world.ts';
import { type CheckOptions, type Checks, checks } from './checks.ts';
import type { ContentEnvironment } from './environment.ts';
import { runningRun } from './store/check-store.ts';
import { advanceCheck, claimCheck, endCheck, noteFinding } from './transactions/check-transactions.ts';
import { loseBody, loseObject } from './transactions/damage-transactions.ts';

/**
 * Entries of the checks of what is stored. A check concerns the whole database, which other worlds share: `prepare` ends
 * what they left under way.
 */

const holder = 'one';
const never = new AbortController().signal;
const leaseMs = 60_000;

/** Where the object of a blob lies. */
export async function placeOf({ world }: Context, bytes: Uint8Array) {
  const digest = digestOf(bytes);
  const [location] = await world.locations(digest);
  if (location === undefined) throw new Error(`${digest} is nowhere`);
  return { registryId: world.registry.id, digest, store: world.objects.name, location };
}

/** The checks of a process. */
export function checksOf(environment: ContentEnvironment, options: Partial<CheckOptions> = {}): Checks {
  return checks(environment, {
    holder,
    bytesPerSecond: 0,
    scrub: { bytesPerSecond: 0, periodMs: hour },
    busy: () => false,
    settleMs: 0,
    told: { damaged: () => undefined, ended: () => undefined, read: () => undefined },
    ...options,
  });
}

async function endAllChecks({ database }: TestWorld): Promise<void> {
  for (const kind of ['fsck', 'scrub']) {
    const run = await database.first(runningRun, { kind });
    if (run) await database.transact(endCheck, { id: run.id });
  }
}

/** Begins a check where none is under way, of the world's registry or of everything. */
export async function beginCheckOf(context: Context, what: 'registry' | 'everything'): Promise<number> {
  const { world, sound } = context;
  await endAllChecks(world);
  const registry = what === 'registry' ? world.registry : null;
  const { id } = await sound.checks.begin({ registry, bytesPerSecond: null, restart: false });
  context.given = { ...context.given, check: id };
  return id;
}

export function checkIn({ given }: Context): number {
  if (given.check === undefined) throw new Error('no check was begun');
  return given.check;
}

/** A check that has named one small blob. */
async function endedCheck(context: Context): Promise<void> {
  const digest = await context.world.pushBlob(app, bytesOf('named', 100));
  await context.world.damageBody('blob', digest, Buffer.from('other'));
  await beginCheckOf(context, 'registry');
  await context.sound.checks.step(never);
  context.given = { ...context.given, digest };
}

const rotten = bytesOf('rotten', 70_000);
const mistaken = { row: bytesOf('mistaken row', 200), object: bytesOf('mistaken object', 70_000) };

const rottenApp = repo('rotten/app');
const sized = { digest: digestOf(rotten), size: rotten.length };
/** Its config and its layer are one blob: each more costs a round of the sweep with every call to it. */
const rottenImage = {
  ...image,
  config: { ...image.config, ...sized },
  layers: image.layers.map((one) => ({ ...one, ...sized })),
};
const rottenManifest = digestOf(Buffer.from(JSON.stringify(rottenImage)));

/** What was damaged of the image is whole again. */
async function pushRotten(world: TestWorld): Promise<void> {
  const where = { registry: world.registry, repository: rottenApp, identity: 'pusher' };
  await world.uploads.whole(where, bodyOf(rotten), digestOf(rotten));
  await world.putManifest(rottenApp, rottenImage, { tag: 'v1' });
}

/** Other bytes of the same length, as a bad disk gives them back. */
async function damageObject({ objects }: TestWorld, location: string, size: number): Promise<void> {
  const key = location.split(':').at(-1) ?? '';
  await objects.remove(location);
  const staged = await objects.stage(key);
  await staged.write(0, [bytesOf('damaged', size)]);
  await staged.close();
  if ((await objects.commit(key, size)) !== location) throw new Error('the object lies elsewhere');
}

/** Damages the manifest and the layer of the image, and calls two whole blobs missing. */
async function harm(context: Context): Promise<void> {
  const { world, nth } = context;
  if (nth === 1) {
    await pushRotten(world);
    for (const bytes of Object.values(mistaken)) await world.pushBlob(app, bytes);
  }
  await world.damageBody('manifest', rottenManifest, Buffer.from('other'));
  await damageObject(world, (await placeOf(context, rotten)).location, rotten.length);
  const object = await placeOf(context, mistaken.object);
  const row = {
    registryId: world.registry.id,
    kind: 'blob',
    digest: digestOf(mistaken.row),
    seen: mistaken.row,
  } as const;
  const lost = [
    await world.database.transact(loseObject, { ...object, finding: null }),
    await world.database.transact(loseBody, { ...row, finding: null }),
  ];
  if (lost.includes(false)) throw new Error('nothing was called missing');
}

/** The check has come to its end and names what was damaged, and the tag that needs it. */
async function expectDamageNamed(context: Context): Promise<void> {
  const { sound, world } = context;
  const harmed = [rottenManifest, digestOf(rotten)];
  const named = async () => {
    const { state } = await sound.checks.report(checkIn(context));
    if (state !== 'done') throw new Error(`the check is ${state}`);
    return (await sound.checks.findings(checkIn(context), { after: '', limit: 100 })).findings;
  };
  let findings = await named();
  if (findings.some((finding) => finding.problem === 'unreadable')) {
    const silent = harmed.filter((one) => !findings.some((finding) => finding.digest === one));
    if (silent.length > 0) throw new Error(`not a word of ${silent.join()}`);
    // What could not be read at that moment is said to be unreadable; the next check sees what it is.
    await beginCheckOf(context, 'registry');
    await sound.checks.step(never);
    findings = await named();
  }
  const said = findings.map((finding) => `${finding.problem} ${finding.digest} ${finding.tags.join()}`);
  const expected = harmed.map((one) => `damaged ${one} rotten/app:v1`);
  if (said.toSorted().join('\n') !== expected.toSorted().join('\n')) throw new Error(`found:\n${said.join('\n')}`);
  for (const bytes of Object.values(mistaken)) {
    await world.blobs.promise(world.registry, app, digestOf(bytes));
    if (!(await sound.readBlob(app, digestOf(bytes))).equals(bytes)) throw new Error('the blob has other bytes');
  }
}

export const checkEntries: { readonly [M in keyof Checks]: Entry } = {
  begin: {
    prepare: ({ world }) => endAllChecks(world),
    async work(some, { world, sound }) {
      const asked = { registry: world.registry, bytesPerSecond: null };
      const { id } = await some.checks.begin({ ...asked, restart: true });
      const joined = await some.checks.begin({ ...asked, restart: false });
      if (joined.id !== id || !joined.joined) throw new Error('a second check was begun beside the first');
      const { state, registryId } = await sound.checks.report(id);
      if (state !== 'running' || registryId !== world.registry.id) throw new Error(`the check is ${state}`);
    },
  },
  report: {
    prepare: endedCheck,
    async work(some, context) {
      const { state, damaged } = await some.checks.report(checkIn(context));
      if (state !== 'done' || damaged !== 1) throw new Error(`${state}, ${damaged} damaged`);
    },
  },
  findings: {
    prepare: endedCheck,
    async work(some, context) {
      const { findings } = await some.checks.findings(checkIn(context), { after: '', limit: 10 });
      if (findings.map(({ digest }) => digest).join() !== context.given.digest) throw new Error('it is not named');
    },
  },
  step: {
    damages: true,
    async prepare(context) {
      await harm(context);
      await beginCheckOf(context, 'registry');
    },
    async work(some, context) {
      await some.checks.step(never);
      await expectDamageNamed(context);
      await pushRotten(context.world);
    },
  },
};

export const otherChecks: Readonly<Record<string, Entry>> = {
  'a check of objects without a name': {
    async prepare(context) {
      const { world } = context;
      await (await world.objects.stage('lone-object')).close();
      const location = await world.objects.commit('lone-object', 0);
      const runId = await beginCheckOf(context, 'everything');
      const named = (await placeOf(context, bytesOf('kept', 70_000))).location;
      // So far an earlier process came: past all rows, and one object had not found its name when it looked.
      const progress = { cursor: '', blobs: 0, manifests: 0, bytes: 0, restored: 0 };
      await world.database.transact(claimCheck, { id: runId, holder, leaseMs });
      await world.database.transact(advanceCheck, { id: runId, holder, leaseMs, phase: 'objects', ...progress });
      const finding = {
        runId,
        kind: 'object',
        registryId: 0,
        digest: '',
        problem: 'unreferenced',
        detail: '',
      } as const;
      await world.database.transact(noteFinding, { ...finding, location: named });
      context.given = { ...context.given, location };
    },
    async work(some, context) {
      await some.checks.step(never);
      const { sound, world, given } = context;
      const { findings } = await sound.checks.findings(checkIn(context), { after: '', limit: 10 });
      const said = findings.map((finding) => `${finding.problem} ${finding.location}`).join();
      if (said !== `unreferenced ${given.location}`) throw new Error(`found: ${said}`);
      const { state } = await sound.checks.report(checkIn(context));
      if (state !== 'done') throw new Error(`the check is ${state}`);
      if (!(await world.objects.stat(given.location ?? ''))) throw new Error('a check removed an object');
    },
  },
  'a scrub that is stopped': {
    async prepare({ world }) {
      await endAllChecks(world);
      world.clock.advance(hour + 1);
    },
    async work(some, { world }) {
      const stop = new AbortController();
      const told = { damaged: () => undefined, ended: () => undefined, read: () => stop.abort() };
      const scrub = { bytesPerSecond: 1_000_000_000, periodMs: hour };
      await checksOf(some.environment, { scrub, told }).step(stop.signal);
      const run = await world.database.first(runningRun, { kind: 'scrub' });
      if (!run || run.cursor === '') throw new Error('nothing is written down to be gone on with');
    },
  },
};
