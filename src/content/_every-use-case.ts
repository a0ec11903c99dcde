import { localKeyWrapper } from '../adapters/key-local/index.ts';
import { numberFeed } from '../data/index.ts';
import {
  type Applications,
  type Authenticator,
  applications,
  authenticator,
  type Credentials,
  credentialService,
  type Directory,
  directory,
  type People,
  type Principal,
  people,
  type RegistryAccess,
  type RoleAssignments,
  roleAssignments,
  type SigningKeys,
  type TokenService,
  tokenService,
} from '../identity/index.ts';
import { type Digest, digestOf, isFault, parseReference, randomIds } from '../kernel/index.ts';
import type { BlobStore, Database } from '../ports/index.ts';
import { applicationEntries, assignmentEntries, peopleEntries } from './_application-entries.ts';
import { backupWork, removalEntries } from './_backup-entries.ts';
import { checkEntries, checksOf, otherChecks } from './_check-entries.ts';
import { directoryEntries, directoryTokensOf, fromAccessTokenEntry } from './_directory-entries.ts';
import { registryEntries, usageEntries } from './_registry-entries.ts';
import {
  accountEntries,
  otherSignInWork,
  type SignInServices,
  sessionEntries,
  signInEntries,
  signInServices,
} from './_sign-in-entries.ts';
import { app, bodyOf, by, bytesOf, hour, repo, type TestWorld, tag, type useCases } from './_world.ts';
import {
  type BackupObject,
  type Checks,
  type ContentEnvironment,
  foundDeployment,
  objectRemoval,
  type Refusal,
  type Refusals,
  refusals,
  type Usage,
  usage,
} from './index.ts';
import type { ObjectRemoval } from './object-removal.ts';

/** All use-cases of the lower rooms as one process has them, by the service that offers them. */
export interface Services
  extends Pick<
    ReturnType<typeof useCases>,
    'uploads' | 'blobs' | 'manifests' | 'metadata' | 'catalog' | 'registries' | 'pulls'
  > {
  readonly credentials: Credentials;
  readonly authenticator: Authenticator;
  readonly tokens: TokenService;
  readonly refusals: Refusals;
  readonly checks: Checks;
  readonly objectRemoval: ObjectRemoval;
  readonly directory: Directory;
  readonly accounts: SignInServices['accounts'];
  readonly sessions: SignInServices['sessions'];
  readonly signIns: SignInServices['signIns'];
  readonly usage: Usage;
  readonly applications: Applications;
  readonly assignments: RoleAssignments;
  readonly people: People;
}

export interface Machine extends Services {
  readonly database: Database;
  readonly keys: SigningKeys;
  readonly environment: ContentEnvironment;
  readonly readBlob: ReturnType<typeof useCases>['readBlob'];
}

/** What an entry works on: `some` is the process that fails, or a sound one; `sound` always is. */
export interface Context {
  readonly world: TestWorld;
  readonly access: RegistryAccess;
  readonly sound: Machine;
  readonly nth: number;
  /** What `prepare` made for `work`. */
  given: {
    session?: Awaited<ReturnType<TestWorld['start']>>;
    digest?: Digest;
    manifest?: object;
    secret?: string;
    check?: number;
    hold?: string;
    location?: string;
    object?: BackupObject;
  };
}

/** How one use-case is asked for, so that asking again after a failure succeeds. */
export interface Entry {
  prepare?(context: Context): Promise<unknown>;
  work(some: Machine, context: Context): Promise<unknown>;
  /** Said of what reaches no port; the test sees that it is true. */
  readonly portless?: true;
  /** `prepare` damages something: the invariants hold again only after the work has succeeded. */
  readonly damages?: true;
  /** Functions behind the doors that are asked for here and are no methods of a service. */
  readonly functions?: readonly string[];
}

/** One entry for each method of each service: without it this does not compile, and the test fails. */
type EveryUseCase = { readonly [S in keyof Services]: { readonly [M in keyof Services[S]]: Entry } };

const page = { last: null, limit: 10 };
const size = 100_000;
const nothing = bodyOf(Buffer.alloc(0));
const kept = repo('kept/app');
const layer = (nth: number) => bytesOf(`every ${nth}`, size);

/** Makes the services of a process. */
export function machineOf(
  world: TestWorld,
  keys: SigningKeys,
  parts: { database?: Database; blobs?: BlobStore } = {},
): Machine {
  const database = parts.database ?? world.database;
  const { clock } = world;
  const tokens = tokenService({ keys, clock, ids: randomIds, accessLifetimeMs: hour, refreshLifetimeMs: 2 * hour });
  const directoryAccess = {
    directory: directory({ database, clock }),
    tokens: async () => directoryTokensOf(world, keys),
    domain: 'berth.localhost',
  };
  const again = world.again(parts);
  return {
    ...again,
    database,
    keys,
    checks: checksOf(again.environment),
    objectRemoval: objectRemoval(again.environment),
    tokens,
    credentials: credentialService({ database, wrapper: localKeyWrapper(new Uint8Array(32).fill(7)), ids: randomIds }),
    authenticator: authenticator({ database, tokens, clock, directory: directoryAccess }),
    refusals: refusals(database),
    ...signInServices(database, clock),
    usage: usage({ database, clock }),
    directory: directoryAccess.directory,
    applications: applications({ database, clock, ids: randomIds }),
    assignments: roleAssignments(database),
    people: people(database),
  };
}

/** Lets pass what says that somebody was here before: a failure whose effect had taken place. */
async function unless(work: Promise<unknown>, ...codes: Parameters<typeof isFault>[1][]): Promise<void> {
  await work.catch((error: unknown) => {
    if (!isFault(error, ...codes)) throw error;
  });
}

const refused = (id: string): Refusal => ({
  id: `${id} ${randomIds.id()}`,
  at: Date.now(),
  registry: 'somewhere',
  listener: 'http',
  address: '127.0.0.1',
  actor: 'somebody',
  signedIn: 'basic',
  operation: 'v2.base',
  method: 'GET',
  repository: '',
  reference: '',
  wanted: [],
  status: 401,
  rule: 'denied',
  because: 'the test wants it',
  cure: '',
});

const whereOf = ({ world }: Context) => ({ registry: world.registry, repository: app, identity: 'pusher' });

async function openSession(context: Context): Promise<void> {
  const session = await context.world.start(app, `pusher ${context.nth}`);
  await context.world.uploads.append(session, bodyOf(layer(context.nth).subarray(0, 70_000)));
  context.given = { session };
}

function sessionOf({ given }: Context) {
  if (!given.session) throw new Error('no session was prepared');
  return given.session;
}

function digestIn({ given }: Context): Digest {
  if (given.digest === undefined) throw new Error('nothing was prepared');
  return given.digest;
}

const pushedBlob = async (context: Context) => {
  context.given = { digest: await context.world.pushBlob(app, layer(context.nth)) };
};
const pushedImage = async (context: Context) => {
  context.given = {
    digest: await context.world.pushImage(app, { layers: [bytesOf(`${context.nth}`, 10)], tag: 'v1' }),
  };
};

async function adminOf({ sound, world, access }: Context): Promise<{ principal: Principal; password: string }> {
  await sound.credentials.ensureAdmin(world.registry, by('owner'));
  const password = (await sound.credentials.showAdmin(world.registry)).passwords[0]?.value ?? '';
  const credential = { scheme: 'basic', username: world.registry.name, password } as const;
  return { principal: await sound.authenticator.authenticate(credential, access), password };
}

const newToken = ({ nth }: Context) => ({
  name: `robot-${nth}`,
  actions: ['repositories/team/*/content/read'],
  expiresMs: null,
});

export const everyUseCase: EveryUseCase = {
  checks: checkEntries,
  objectRemoval: removalEntries,
  directory: directoryEntries,
  accounts: accountEntries,
  sessions: sessionEntries,
  signIns: signInEntries,
  applications: applicationEntries,
  assignments: assignmentEntries,
  people: peopleEntries,
  uploads: {
    start: { work: (some, context) => some.uploads.start(whereOf(context), 'sha256') },
    status: { prepare: openSession, work: (some, context) => some.uploads.status(sessionOf(context)) },
    append: {
      prepare: openSession,
      async work(some, context) {
        const { received } = await context.sound.uploads.status(sessionOf(context));
        if (received !== 70_000 && received !== size) throw new Error(`the session stands at ${received}`);
        await some.uploads.append(sessionOf(context), bodyOf(layer(context.nth).subarray(received)));
      },
    },
    finish: {
      prepare: openSession,
      async work(some, context) {
        const bytes = layer(context.nth).subarray(0, 70_000);
        // A session that is gone has been finished: then the blob is there.
        await unless(some.uploads.finish(sessionOf(context), nothing, digestOf(bytes)), 'upload-unknown');
        const read = await context.sound.readBlob(app, digestOf(bytes));
        if (!read.equals(bytes)) throw new Error('the blob has other bytes');
      },
    },
    cancel: {
      prepare: openSession,
      work: (some, context) => unless(some.uploads.cancel(sessionOf(context)), 'upload-unknown'),
    },
    whole: {
      async work(some, context) {
        const bytes = layer(context.nth);
        await some.uploads.whole(whereOf(context), bodyOf(bytes), digestOf(bytes));
      },
    },
    sweep: {
      async prepare(context) {
        await openSession(context);
        context.world.clock.advance(hour + 1);
      },
      work: (some) => some.uploads.sweep(100),
    },
    inUse: { portless: true, work: async (some) => some.uploads.inUse() },
  },
  blobs: {
    find: { prepare: pushedBlob, work: (some, context) => some.readBlob(app, digestIn(context)) },
    promise: {
      async prepare(context) {
        await pushedBlob(context);
        context.world.clock.advance(0.9 * hour);
      },
      work: (some, context) => some.blobs.promise(context.world.registry, app, digestIn(context)),
    },
    mount: {
      prepare: pushedBlob,
      async work(some, context) {
        const options = { from: null, mayRead: () => true };
        const target = repo(`target/r${context.nth}`);
        const mounted = await some.blobs.mount(context.world.registry, target, digestIn(context), options);
        if (!mounted) throw new Error('nothing was mounted');
      },
    },
    remove: {
      prepare: pushedBlob,
      work: (some, context) =>
        unless(some.blobs.remove(by('cleaner'), context.world.registry, app, digestIn(context)), 'blob-unknown'),
    },
  },
  manifests: {
    find: {
      async work(some, { world }) {
        const found = await some.manifests.find(world.registry, kept, parseReference('v1'), { pulled: true });
        await found.bytes();
      },
    },
    put: {
      async prepare(context) {
        context.given = { manifest: await context.world.imageOf(app, { layers: [bytesOf(`${context.nth}`, 10)] }) };
      },
      async work(some, { world, given }) {
        const bytes = Buffer.from(JSON.stringify(given.manifest));
        const put = { reference: parseReference('v1'), tags: [tag('v2')], contentType: null, bytes };
        const { digest } = await some.manifests.put(by('pusher'), world.registry, app, put);
        for (const name of ['v1', 'v2']) {
          if ((await world.find(app, name)).digest !== digest) throw new Error(`${name} names another manifest`);
        }
      },
    },
    remove: {
      prepare: pushedImage,
      async work(some, context) {
        const remove = (reference: Parameters<typeof some.manifests.remove>[3]) =>
          some.manifests.remove(by('cleaner'), context.world.registry, app, reference);
        await unless(remove({ tag: tag('v1') }), 'tag-unknown', 'manifest-unknown');
        await unless(remove({ digest: digestIn(context) }), 'manifest-unknown', 'name-unknown');
      },
    },
  },
  metadata: {
    repository: { work: (some, { world }) => some.metadata.repository(world.registry, kept) },
    tag: { work: (some, { world }) => some.metadata.tag(world.registry, kept, tag('v1')) },
    manifest: {
      async work(some, { world }) {
        await some.metadata.manifest(world.registry, kept, (await world.find(kept, 'v1')).digest);
      },
    },
    tags: {
      async work(some, { world }) {
        for (const order of ['name', 'timeasc', 'timedesc'] as const) {
          await some.metadata.tags(world.registry, kept, order, null, page);
        }
      },
    },
    manifests: {
      async work(some, { world }) {
        for (const order of ['name', 'timeasc', 'timedesc'] as const) {
          await some.metadata.manifests(world.registry, kept, order, page);
        }
      },
    },
    change: {
      prepare: pushedImage,
      async work(some, context) {
        const targets = [
          { kind: 'repository' },
          { kind: 'tag', key: 'v1' },
          { kind: 'manifest', key: digestIn(context) },
        ] as const;
        for (const target of targets) {
          const change = { listEnabled: context.nth % 2 === 0 };
          await some.metadata.change(by('owner'), context.world.registry, app, target, change);
        }
      },
    },
    deleteRepository: {
      prepare: pushedImage,
      work: (some, { world }) =>
        unless(some.metadata.deleteRepository(by('owner'), world.registry, app), 'name-unknown'),
    },
  },
  catalog: {
    repositories: {
      work: (some, { world }) => some.catalog.repositories(world.registry, [{ from: '', to: null }], page),
    },
    tags: { work: (some, { world }) => some.catalog.tags(world.registry, kept, page) },
    referrers: {
      async work(some, { world }) {
        const subject = (await world.find(kept, 'v1')).digest;
        await some.catalog.referrers(world.registry, kept, subject, null, page);
      },
    },
  },
  registries: registryEntries,
  usage: usageEntries,
  pulls: {
    note: { portless: true, work: async (some) => some.pulls.note(1) },
    flush: {
      async work(some, { world }) {
        world.clock.advance(1);
        const at = world.clock.now();
        const { digest } = await some.manifests.find(world.registry, kept, parseReference('v1'), { pulled: true });
        const expectWritten = async () => {
          if ((await world.pulledMs(kept, digest)) !== at) throw new Error('the time of the pull is forgotten');
        };
        await some.pulls.flush().catch(async (error: unknown) => {
          // What one flush could not write, the next one of the same process does.
          await some.pulls.flush();
          await expectWritten();
          throw error;
        });
        await expectWritten();
      },
    },
  },
  refusals: {
    note: { portless: true, work: async (some) => some.refusals.note(refused('noted'), true) },
    dropped: { portless: true, work: async (some) => some.refusals.dropped() },
    find: { work: (some) => some.refusals.find('of another process') },
    latest: { work: (some) => some.refusals.latest(null, 10) },
    flush: {
      async work(some, { sound, nth }) {
        const one = refused(`flushed ${nth}`);
        some.refusals.note(one, true);
        await some.refusals.flush();
        if (!(await sound.refusals.find(one.id))) throw new Error('the refusal is forgotten');
      },
    },
  },
  credentials: {
    ensureAdmin: { work: (some, { world }) => some.credentials.ensureAdmin(world.registry, by('owner')) },
    showAdmin: {
      prepare: adminOf,
      async work(some, { world }) {
        if ((await some.credentials.showAdmin(world.registry)).passwords.length !== 2) throw new Error('not two');
      },
    },
    renewAdmin: {
      prepare: adminOf,
      work: (some, { world }) => some.credentials.renewAdmin(world.registry, 'password', by('owner')),
    },
    createToken: {
      async work(some, context) {
        const { sound, world, access } = context;
        const token = newToken(context);
        // Its passwords are shown once: whoever did not hear them makes the token anew.
        const make = () => some.credentials.createToken(world.registry, token, by('owner'));
        const made = await make().catch(async (error: unknown) => {
          if (!isFault(error, 'conflict')) throw error;
          await sound.credentials.deleteToken(world.registry, token.name, by('owner'));
          return make();
        });
        const password = made.passwords[0]?.value ?? '';
        await sound.authenticator.authenticate({ scheme: 'basic', username: token.name, password }, access);
      },
    },
    listTokens: { work: (some, { world }) => some.credentials.listTokens(world.registry, { last: '', limit: 10 }) },
    deleteToken: {
      prepare: (context) =>
        context.sound.credentials.createToken(context.world.registry, newToken(context), by('owner')),
      work: (some, context) =>
        unless(some.credentials.deleteToken(context.world.registry, newToken(context).name, by('owner')), 'not-found'),
    },
  },
  authenticator: {
    authenticate: {
      async prepare(context) {
        context.given = { secret: (await adminOf(context)).password };
      },
      async work(some, { access, given }) {
        const password = given.secret ?? '';
        const principal = await some.authenticator.authenticate(
          { scheme: 'basic', username: access.name, password },
          access,
        );
        const token = await some.tokens.issueAccess(principal, access, []);
        await some.authenticator.authenticate({ scheme: 'bearer', token }, access);
      },
    },
    fromRefreshToken: {
      async prepare(context) {
        const { principal } = await adminOf(context);
        context.given = { secret: await context.sound.tokens.issueRefresh(principal, context.access) };
      },
      work: (some, { access, given }) => some.authenticator.fromRefreshToken(given.secret ?? '', access),
    },
    fromAccessToken: fromAccessTokenEntry,
  },
  tokens: {
    accessSeconds: {
      portless: true,
      work: async (some, context) => some.tokens.accessSeconds((await adminOf(context)).principal),
    },
    issueAccess: {
      portless: true,
      work: async (some, context) => some.tokens.issueAccess((await adminOf(context)).principal, context.access, []),
    },
    issueRefresh: {
      portless: true,
      work: async (some, context) => some.tokens.issueRefresh((await adminOf(context)).principal, context.access),
    },
    verify: {
      portless: true,
      async work(some, context) {
        const { principal } = await adminOf(context);
        const token = await context.sound.tokens.issueAccess(principal, context.access, []);
        await some.tokens.verify(token, context.access);
      },
    },
  },
};

/** What is no method of a service, or another way through one. */
export const otherWork: Readonly<Record<string, Entry>> = {
  ...otherChecks,
  ...backupWork,
  ...otherSignInWork,
  'a push over the bytes of a lost object': {
    damages: true,
    async prepare(context) {
      await pushedBlob(context);
      for (const location of await context.world.locations(digestIn(context))) {
        await context.world.objects.remove(location);
      }
    },
    async work(some, context) {
      await unless(some.readBlob(app, digestIn(context)), 'blob-unknown');
      await context.world.pushBlob(app, layer(context.nth));
    },
  },
  'the first bytes of a session': {
    async prepare(context) {
      context.given = { session: await context.world.start(app, `fresh ${context.nth}`) };
    },
    async work(some, context) {
      const { received } = await context.sound.uploads.status(sessionOf(context));
      if (received !== 0 && received !== 70_000) throw new Error(`the session stands at ${received}`);
      const rest = layer(context.nth).subarray(received, 70_000);
      if (rest.length > 0) await some.uploads.append(sessionOf(context), bodyOf(rest));
    },
  },
  'numbering the feed': { work: (some) => some.database.transact(numberFeed, { limit: 100 }) },
  'founding a deployment that is there': {
    work: (some) =>
      some.database.transact(foundDeployment, {
        id: 'another',
        incarnation: 'another',
        tenantId: 'another',
        subscriptionId: 'another',
        resourceGroup: 'another',
        regionOrdinal: 1,
        regionName: 'another',
      }),
  },
};
