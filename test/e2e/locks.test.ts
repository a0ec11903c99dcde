/* oxlint-disable vitest/no-conditional-expect -- the cases of a table expect different things */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Answer, Client } from './_client.ts';
import {
  digestOf,
  imageOf,
  indexOf,
  ociIndex,
  ociManifest,
  type Pushed,
  pushBlob,
  pushImage,
  pushManifest,
} from './_content.ts';
import { type Berth, startBerth } from './_server.ts';

let berth: Berth;
let admin: Client;
beforeAll(async () => {
  berth = await startBerth();
  admin = berth.admin;
  await pushBlob(admin, 'locks/source', 'from elsewhere');
});
afterAll(() => berth[Symbol.asyncDispose]());

const loose = 'a loose blob';
const attributes = ['deleteEnabled', 'writeEnabled', 'readEnabled', 'listEnabled'] as const;
type Attribute = (typeof attributes)[number];
type Target = 'repository' | 'tag' | 'manifest';

/** A repository with one manifest that is about to be locked, and another one. */
interface World {
  readonly repository: string;
  /** Tagged `v1`, with a subject. */
  readonly locked: Pushed;
  readonly subject: Pushed;
}

let worlds = 0;
async function openWorld(): Promise<World> {
  const repository = `locks/r${worlds++}`;
  await pushBlob(admin, repository, loose);
  const subject = await pushImage(admin, repository, 'other', 'subject');
  const { mediaType, digest, size } = subject;
  const locked = await pushImage(admin, repository, 'v1', 'locked', { subject: { mediaType, digest, size } });
  return { repository, locked, subject };
}

function pathOf(target: Target, { repository, locked }: World): string {
  const below = { repository: '', tag: '/_tags/v1', manifest: `/_manifests/${locked.digest}` };
  return `/acr/v1/${repository}${below[target]}`;
}

function patch(target: Target, world: World, change: object): Promise<Answer> {
  return admin('PATCH', pathOf(target, world), { body: JSON.stringify(change) });
}

const newcomer = JSON.stringify(imageOf('newcomer'));

function put({ repository }: World, reference: string, body: string | Buffer): Promise<Answer> {
  return admin('PUT', `/v2/${repository}/manifests/${reference}`, { body, headers: { 'content-type': ociManifest } });
}

/** Everything that reads or changes something, each able to succeed where no lock is. */
const operations = {
  'pull by tag': ({ repository }) => admin('GET', `/v2/${repository}/manifests/v1`),
  'look by tag': ({ repository }) => admin('HEAD', `/v2/${repository}/manifests/v1`),
  'pull by digest': ({ repository, locked }) => admin('GET', `/v2/${repository}/manifests/${locked.digest}`),
  'look by digest': ({ repository, locked }) => admin('HEAD', `/v2/${repository}/manifests/${locked.digest}`),
  'pull a blob': ({ repository }) => admin('GET', `/v2/${repository}/blobs/${digestOf(loose)}`),
  'look for a blob': ({ repository }) => admin('HEAD', `/v2/${repository}/blobs/${digestOf(loose)}`),
  'push over the tag': (world) => put(world, 'v1', newcomer),
  'push the same over the tag': (world) => put(world, 'v1', world.locked.bytes),
  'push by digest over the tag': (world) => put(world, `${digestOf(newcomer)}?tag=fresh&tag=v1`, newcomer),
  'push by digest under a new tag': (world) => put(world, `${digestOf(newcomer)}?tag=fresh`, newcomer),
  'push by digest alone': (world) => put(world, digestOf(newcomer), newcomer),
  'push under a new tag': (world) => put(world, 'fresh', newcomer),
  'tag it anew': (world) => put(world, 'again', world.locked.bytes),
  'open an upload': ({ repository }) => admin('POST', `/v2/${repository}/blobs/uploads/`),
  'push a blob': ({ repository }) =>
    admin('POST', `/v2/${repository}/blobs/uploads/?digest=${digestOf('new')}`, { body: 'new' }),
  'mount a blob': ({ repository }) =>
    admin('POST', `/v2/${repository}/blobs/uploads/?mount=${digestOf('from elsewhere')}&from=locks/source`),
  'delete by tag': ({ repository }) => admin('DELETE', `/v2/${repository}/manifests/v1`),
  'delete by digest': ({ repository, locked }) => admin('DELETE', `/v2/${repository}/manifests/${locked.digest}`),
  untag: ({ repository }) => admin('DELETE', `/acr/v1/${repository}/_tags/v1`),
  'delete the repository': ({ repository }) => admin('DELETE', `/acr/v1/${repository}`),
  'delete a blob': ({ repository }) => admin('DELETE', `/v2/${repository}/blobs/${digestOf(loose)}`),
  'list tags': ({ repository }) => admin('GET', `/v2/${repository}/tags/list`),
  'list tags with attributes': ({ repository }) => admin('GET', `/acr/v1/${repository}/_tags`),
  'list manifests': ({ repository }) => admin('GET', `/acr/v1/${repository}/_manifests`),
  'list referrers': ({ repository, subject }) => admin('GET', `/v2/${repository}/referrers/${subject.digest}`),
  'show the repository': (world) => admin('GET', pathOf('repository', world)),
  'show the tag': (world) => admin('GET', pathOf('tag', world)),
  'show the manifest': (world) => admin('GET', pathOf('manifest', world)),
} satisfies Record<string, (world: World) => Promise<Answer>>;
type Operation = keyof typeof operations;

const overTheTag: Operation[] = ['push over the tag', 'push the same over the tag', 'push by digest over the tag'];
const writes: Operation[] = [
  ...overTheTag,
  'push by digest under a new tag',
  'push by digest alone',
  'push under a new tag',
  'tag it anew',
  'open an upload',
  'push a blob',
  'mount a blob',
];
const takesTheTag: Operation[] = ['delete by tag', 'untag', 'delete by digest', 'delete the repository'];
const takesTheManifest: Operation[] = ['delete by digest', 'delete the repository'];
const deletes: Operation[] = [...takesTheTag, 'delete a blob'];
const byTag: Operation[] = ['pull by tag', 'look by tag'];
const byDigest: Operation[] = ['pull by digest', 'look by digest'];
const lists: Operation[] = ['list tags', 'list tags with attributes', 'list manifests', 'list referrers'];

/** What each switch forbids when it is off (ACR-FACTS §7.1): a write lock forbids deletion as well; all else is allowed. */
const forbidden: Record<Target, Record<Attribute, readonly Operation[]>> = {
  repository: {
    writeEnabled: [...writes, ...deletes],
    deleteEnabled: deletes,
    readEnabled: [...byTag, ...byDigest, 'pull a blob', 'look for a blob', ...lists],
    listEnabled: [],
  },
  tag: {
    writeEnabled: [...overTheTag, ...takesTheTag],
    deleteEnabled: takesTheTag,
    readEnabled: byTag,
    listEnabled: [],
  },
  manifest: {
    writeEnabled: takesTheManifest,
    deleteEnabled: takesTheManifest,
    readEnabled: [...byTag, ...byDigest],
    listEnabled: [],
  },
};

const targets = Object.keys(forbidden) as Target[];
const rows = targets.flatMap((target) => attributes.map((attribute) => ({ target, attribute })));

describe.each(rows)('$target with $attribute off (S15)', ({ target, attribute }) => {
  it.each(Object.keys(operations) as Operation[])('%s', async (operation) => {
    const world = await openWorld();
    const changed = await patch(target, world, { [attribute]: false });
    expect(changed.status, changed.text).toBe(200);
    const answer = await operations[operation](world);
    if (!forbidden[target][attribute].includes(operation)) {
      expect(answer.status, answer.text).toBeGreaterThanOrEqual(200);
      expect(answer.status, answer.text).toBeLessThan(300);
      return;
    }
    expect(answer.status, answer.text).toBe(405);
    if (!operation.startsWith('look')) expect(answer.code).toBe('UNSUPPORTED');

    // The refusal changed nothing, and a lock never forbids to take itself off.
    expect((await patch(target, world, { [attribute]: true })).status).toBe(200);
    const kept = await admin('GET', `/v2/${world.repository}/manifests/v1`);
    expect(kept.body.equals(world.locked.bytes)).toBe(true);
    expect((await admin('GET', `/v2/${world.repository}/tags/list`)).json()['tags']).toEqual(['other', 'v1']);
    expect((await operations[operation](world)).status).toBeLessThan(300);
  });
});

describe('what is not to be listed', () => {
  it('a repository is in no catalog, and can be pulled', async () => {
    const world = await openWorld();
    await patch('repository', world, { listEnabled: false });
    for (const path of ['/v2/_catalog', '/acr/v1/_catalog']) {
      expect((await admin('GET', `${path}?n=1000`)).json()['repositories']).not.toContain(world.repository);
    }
    expect((await operations['pull by tag'](world)).status).toBe(200);
  });

  it('a tag is in no list of tags, and can be pulled', async () => {
    const world = await openWorld();
    await patch('tag', world, { listEnabled: false });
    expect((await operations['list tags'](world)).json()['tags']).toEqual(['other']);
    expect((await operations['list tags with attributes'](world)).text).not.toContain('"v1"');
    expect((await operations['pull by tag'](world)).status).toBe(200);
  });

  it('a tag is named by its manifest, which would look untagged to a purge', async () => {
    const world = await openWorld();
    await patch('tag', world, { listEnabled: false });
    for (const show of ['list manifests', 'show the manifest'] as const) {
      expect((await operations[show](world)).text).toContain('"tags":["v1"]');
    }
  });

  it('a manifest is in no list of manifests or referrers, and can be pulled', async () => {
    const world = await openWorld();
    expect((await operations['list referrers'](world)).text).toContain(world.locked.digest);
    await patch('manifest', world, { listEnabled: false });
    expect((await operations['list manifests'](world)).text).not.toContain(world.locked.digest);
    expect((await operations['list referrers'](world)).text).not.toContain(world.locked.digest);
    expect((await operations['pull by digest'](world)).status).toBe(200);
  });
});

describe('a lock', () => {
  it('against reading a repository also keeps its blobs from being mounted elsewhere', async () => {
    const world = await openWorld();
    await patch('repository', world, { readEnabled: false });
    for (const from of [`&from=${world.repository}`, '']) {
      await admin('POST', `/v2/locks/only${worlds}/blobs/uploads/?mount=${digestOf('unique')}${from}`);
      const unique = await pushBlob(admin, world.repository, `unique ${from}`);
      const answer = await admin('POST', `/v2/locks/thief/blobs/uploads/?mount=${unique.digest}${from}`);
      expect(answer.status).toBe(202);
      expect((await admin('HEAD', `/v2/locks/thief/blobs/${unique.digest}`)).status).toBe(404);
    }
  });

  it('set while an upload is open keeps it from being finished, and ends it', async () => {
    const world = await openWorld();
    const opened = await operations['open an upload'](world);
    await patch('repository', world, { writeEnabled: false });
    const path = `${String(opened.headers.location)}?digest=${digestOf('late')}`;
    expect((await admin('PUT', path, { body: 'late' })).status).toBe(405);
    await patch('repository', world, { writeEnabled: true });
    expect((await admin('HEAD', `/v2/${world.repository}/blobs/${digestOf('late')}`)).status).toBe(404);
    expect((await admin('PUT', path, { body: 'late' })).status).toBe(404);
  });

  it('on a child keeps it, and lets its index go', async () => {
    const world = await openWorld();
    await patch('manifest', world, { deleteEnabled: false });
    const index = await pushManifest(admin, world.repository, 'index', indexOf([world.locked]), ociIndex);
    expect((await admin('DELETE', `/v2/${world.repository}/manifests/${index.digest}`)).status).toBe(202);
    expect((await operations['delete by digest'](world)).status).toBe(405);
  });

  it('of a deleted repository, tag or manifest is not there when it is made again', async () => {
    for (const target of targets) {
      const world = await openWorld();
      await patch(target, world, { readEnabled: false, listEnabled: false });
      expect((await operations['delete the repository'](world)).status).toBe(202);
      await pushImage(admin, world.repository, 'other', 'subject');
      const { mediaType, digest, size } = world.subject;
      await pushImage(admin, world.repository, 'v1', 'locked', { subject: { mediaType, digest, size } });
      await expectUnlocked(world);
    }
  });

  it('of a repository stays when its last manifest is deleted, for its blobs and for what comes', async () => {
    const world = await openWorld();
    const off = { readEnabled: false, listEnabled: false };
    await patch('repository', world, off);
    for (const { digest } of [world.locked, world.subject]) {
      expect((await admin('DELETE', `/v2/${world.repository}/manifests/${digest}`)).status).toBe(202);
    }
    for (const operation of ['pull a blob', 'look for a blob'] as const) {
      expect((await operations[operation](world)).status, operation).toBe(405);
    }
    expect((await operations['show the repository'](world)).json()).toMatchObject({ changeableAttributes: off });
    await pushManifest(admin, world.repository, 'v1', world.locked.bytes);
    expect((await operations['pull by tag'](world)).status).toBe(405);
    const opened = await patch('repository', world, { readEnabled: true, listEnabled: true });
    expect(opened.status).toBe(200);
    await expectUnlocked(world);
  });

  it('can be taken off an empty repository, which is gone from sight when it is emptied again', async () => {
    const world = await openWorld();
    const empty = async () => {
      for (const { digest } of [world.locked, world.subject]) {
        await admin('DELETE', `/v2/${world.repository}/manifests/${digest}`);
      }
    };
    await patch('repository', world, { readEnabled: false });
    await empty();
    expect((await patch('repository', world, { readEnabled: true })).json()).toMatchObject({
      manifestCount: 0,
      changeableAttributes: { readEnabled: true },
    });
    expect((await operations['pull a blob'](world)).status).toBe(200);
    await pushManifest(admin, world.repository, 'v1', world.locked.bytes);
    await expectUnlocked(world);
    await empty();
    expect((await operations['show the repository'](world)).status).toBe(404);
    expect((await patch('repository', world, { readEnabled: false })).status).toBe(404);
  });

  it('of a tag is not there when the tag is made again', async () => {
    const world = await openWorld();
    await patch('tag', world, { readEnabled: false, listEnabled: false });
    expect((await operations.untag(world)).status).toBe(202);
    await put(world, 'v1', world.locked.bytes);
    await expectUnlocked(world);
  });

  it('of a tag stays when the tag moves', async () => {
    const world = await openWorld();
    await patch('tag', world, { deleteEnabled: false });
    expect((await operations['push over the tag'](world)).status).toBe(201);
    expect((await operations.untag(world)).status).toBe(405);
  });

  async function expectUnlocked(world: World): Promise<void> {
    const open = { deleteEnabled: true, writeEnabled: true, readEnabled: true, listEnabled: true };
    for (const target of targets) {
      const shown = (await admin('GET', pathOf(target, world))).json<Record<string, object>>();
      const inner = target === 'repository' ? shown : (shown[target] as Record<string, object>);
      expect(inner['changeableAttributes'], target).toEqual(open);
    }
    expect((await operations['pull by tag'](world)).status).toBe(200);
    expect((await admin('GET', '/v2/_catalog?n=1000')).json()['repositories']).toContain(world.repository);
  }
});
