import { digestOf, randomIds } from '../kernel/index.ts';
import { type BlobReader, type BlobStore, BlobStoreError } from '../ports/index.ts';
import { beginCheckOf, checkIn, placeOf } from './_check-entries.ts';
import { queueRemoval } from './_damage-fixture.ts';
import type { Context, Entry, Machine } from './_every-use-case.ts';
import { app, bodyOf, bytesOf } from './_world.ts';
import {
  type BackupObject,
  backupKey,
  copyObject,
  presentObjects,
  snapshotDeployment,
  verifyObject,
} from './backup.ts';
import type { ObjectRemoval } from './object-removal.ts';
import { storedPlaces } from './store/check-store.ts';
import { activeBackup, queuedRemovals } from './store/removal-store.ts';
import { uploadsBeyond } from './store/upload-store.ts';
import { loseObject } from './transactions/damage-transactions.ts';
import { beginBackupHold, endBackupHold, extendBackupHold } from './transactions/removal-transactions.ts';
import { moveRestored, settleRestored } from './transactions/restore-transactions.ts';

/**
 * Entries of the removal of objects, of backups and of restoring. A hold concerns the whole database, which other worlds
 * share: `prepare` lets theirs run out.
 */

const leaseMs = 60_000;

/** An object that nobody names any more waits to be removed, and one that is named is on the list, too. */
async function queued(context: Context): Promise<void> {
  const { world } = context;
  world.clock.advance(leaseMs + 1);
  const bytes = bytesOf(`replaced ${context.nth}`, 70_000);
  await world.pushBlob(app, bytes);
  const replaced = await placeOf(context, bytes);
  await world.database.transact(loseObject, { ...replaced, finding: null });
  await world.pushBlob(app, bytes);
  const { store, location } = await placeOf(context, bytesOf('kept', 70_000));
  await world.database.transact(queueRemoval, { store, location });
  context.given = { location: replaced.location };
}

const isThere = async ({ world, given }: Context): Promise<boolean> =>
  (await world.objects.stat(given.location ?? '')) !== undefined;

async function held(context: Context): Promise<void> {
  context.world.clock.advance(leaseMs + 1);
  const id = randomIds.id();
  await context.world.database.transact(beginBackupHold, { id, leaseMs });
  context.given = { ...context.given, hold: id };
}

/** Whether a backup holds objects `laterMs` from now. */
const isHeld = async ({ world }: Context, laterMs = 0): Promise<boolean> =>
  (await world.database.first(activeBackup, { now: world.clock.now() + laterMs })) !== undefined;

const inPieces = bytesOf('in two pieces', 70_000);

/** A blob as a backup sees it; what an earlier copy brought is gone. */
async function objectToCopy(context: Context): Promise<void> {
  const { world } = context;
  if (context.nth === 1) await world.pushBlob(app, inPieces);
  const registryId = world.registry.id;
  const after = { registryId, digest: '', region: 0, store: '', lastRegistry: registryId, limit: 1000 };
  const places = await world.database.all(storedPlaces, after);
  const object = places.find((place) => place.digest === digestOf(inPieces));
  if (!object) throw new Error('the blob is nowhere');
  context.given = { object };
  const copy = await copyIn(context);
  if (copy !== undefined) await world.objects.remove(copy);
}

function objectIn({ given }: Context): BackupObject {
  if (!given.object) throw new Error('no object was prepared');
  return given.object;
}

/** Where the copy of the object lies. */
async function copyIn(context: Context): Promise<string | undefined> {
  const key = backupKey(objectIn(context));
  const locations = await context.world.objects.list({ last: null, limit: 1000 });
  return locations.find((location) => location.endsWith(key));
}

async function expectNothingHalf(context: Context): Promise<void> {
  const location = await copyIn(context);
  if (location === undefined) return;
  const { size } = objectIn(context);
  const reader = await context.world.objects.open(location);
  const bytes = Buffer.alloc(size + 1);
  const read = await reader.read(bytes, 0);
  await reader.close();
  if (!bytes.subarray(0, read).equals(inPieces)) throw new Error('what is not whole counts as a copy');
}

/** A verdict; that an object could not be read is a failure here. */
async function verdictOf(verdict: ReturnType<typeof verifyObject>): Promise<string> {
  const said = await verdict;
  if (said.kind === 'unreadable') throw new BlobStoreError('io', said.detail);
  return said.kind;
}

/** The copy lies in the same store, so that one failing store is both ends. */
async function copyIt({ environment }: Machine, object: BackupObject): Promise<string> {
  const { blobs } = environment;
  const ports = { open: () => openInPieces(blobs, object.location), target: blobs };
  return verdictOf(copyObject(environment, object, ports, { beforeRead: () => Promise.resolve() }));
}

async function openInPieces(blobs: BlobStore, location: string): Promise<BlobReader> {
  const reader = await blobs.open(location);
  return { ...reader, read: (buffer, position) => reader.read(buffer.subarray(0, 40_000), position) };
}

export const removalEntries: { readonly [M in keyof ObjectRemoval]: Entry } = {
  sweep: {
    prepare: queued,
    async work(some, context) {
      await some.objectRemoval.sweep(100);
      if (await isThere(context)) throw new Error('the object is still there');
    },
  },
};

export const backupWork: Readonly<Record<string, Entry>> = {
  'objects that wait for a backup': {
    async prepare(context) {
      await queued(context);
      await held(context);
    },
    async work(some, context) {
      const removed = await some.objectRemoval.sweep(100);
      if (removed > 0 || !(await isThere(context))) throw new Error('an object went while a backup copied');
    },
  },
  'beginning to hold objects for a backup': {
    prepare: async ({ world }) => world.clock.advance(leaseMs + 1),
    async work(some, context) {
      await some.database.transact(beginBackupHold, { id: randomIds.id(), leaseMs });
      if (!(await isHeld(context))) throw new Error('nothing is held');
    },
  },
  'holding them longer': {
    async prepare(context) {
      await held(context);
      context.world.clock.advance(leaseMs / 2);
    },
    async work(some, context) {
      const id = context.given.hold ?? '';
      const isExtended = await some.database.transact(extendBackupHold, { id, leaseMs });
      if (!isExtended || !(await isHeld(context, leaseMs - 1))) throw new Error('the hold runs out');
    },
  },
  'holding them no longer': {
    prepare: held,
    async work(some, context) {
      await some.database.transact(endBackupHold, { id: context.given.hold ?? '' });
      if (await isHeld(context)) throw new Error('the hold goes on');
    },
  },
  'copying an object into a backup, and reading it there': {
    functions: ['copyObject', 'verifyObject'],
    prepare: objectToCopy,
    async work(some, context) {
      const object = objectIn(context);
      const other = { ...object, digest: digestOf(Buffer.from('other')) };
      const before = await copyIn(context);
      try {
        if ((await copyIt(some, other)) !== 'damaged') throw new Error('other bytes count as whole');
        if ((await copyIn(context)) !== before) throw new Error('what is damaged counts as a copy');
        if ((await copyIt(some, object)) !== 'whole') throw new Error('the object does not count as whole');
      } finally {
        await expectNothingHalf(context);
      }
      const copy = await copyIn(context);
      if (copy === undefined) throw new Error('there is no copy');
      const verify = (one: BackupObject) =>
        verdictOf(verifyObject(some.environment, one, () => openInPieces(some.environment.blobs, copy)));
      if ((await verify(object)) !== 'whole') throw new Error('the copy is not whole');
      if ((await verify(other)) !== 'damaged') throw new Error('other bytes count as whole');
    },
  },
  'objects of a restored copy': {
    functions: ['presentObjects'],
    prepare: objectToCopy,
    async work(some, { world, sound }) {
      const moved: Parameters<typeof moveRestored.run>[1]['moved'][number][] = [];
      for await (const page of presentObjects(some.database)) {
        for (const object of page.filter((one) => one.store === world.objects.name)) {
          if ((await copyIt(some, object)) !== 'whole') throw new Error('an object is not whole');
          const toLocation = await world.objects.commit(backupKey(object), object.size);
          const { registry_id: registryId, digest, store, location } = object;
          moved.push({ registryId, digest, store, location, toStore: store, toLocation });
        }
      }
      await some.database.transact(moveRestored, { moved });
      for (const { location } of moved) await world.objects.remove(location);
      if (!(await sound.readBlob(app, digestOf(inPieces))).equals(inPieces))
        throw new Error('the blob has other bytes');
    },
  },
  'settling a restored copy': {
    functions: ['snapshotDeployment'],
    async prepare(context) {
      await queued(context);
      await held(context);
      await beginCheckOf(context, 'registry');
      const session = await context.world.start(app, `settled ${context.nth}`);
      await context.world.uploads.append(session, bodyOf(bytesOf('begun', 100)));
      context.given = { ...context.given, session };
    },
    async work(some, context) {
      const { sound, world, nth } = context;
      const incarnation = `incarnation ${nth}`;
      await some.database.transact(settleRestored, { incarnation });
      const found = await snapshotDeployment(some.database);
      if (found?.incarnation !== incarnation) throw new Error('the copy goes by its old name');
      const removals = await world.database.all(queuedRemovals, { store: world.objects.name, limit: 10 });
      if (removals.length > 0 || (await isHeld(context))) throw new Error('removals go on');
      const { state } = await sound.checks.report(checkIn(context));
      if (state !== 'stopped') throw new Error(`the check is ${state}`);
      if (
        await world.database.first(uploadsBeyond, {
          registryId: world.registry.id,
          identity: `settled ${nth}`,
          offset: 0,
        })
      )
        throw new Error('the session goes on');
    },
  },
};
